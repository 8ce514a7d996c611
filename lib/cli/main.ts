/**
 * `losskit COMMAND`: starts the program. Without static imports, a checkout at a URL can say why its packages are not found.
 *
 * @module
 */
if (import.meta.main) {
  try {
    const { runLosskit } = await import("./_losskit.ts");
    await runLosskit(Deno.args);
  } catch (error) {
    // Commands handle their own errors. What remains are modules that cannot be loaded.
    if (import.meta.url.startsWith("file:") || !(error instanceof TypeError)) throw error;
    const { href } = new URL("../../", import.meta.url);
    const [reason] = error.message.split("\n");
    console.error(
      `Cannot start losskit: expected the built package at ${href}, got an import that failed (${reason}). ` +
        "Serve the folder that deno task build:package writes.",
    );
    Deno.exit(2);
  }
}
