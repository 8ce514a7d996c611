/**
 * Programs of other authors that build the documentation. This folder's `deno.json` names their versions.
 *
 * @module
 */
import { UserError } from "../lib/error/user_error.ts";

/**
 * Runs Deno in the folder of the generators. Prints the output only if the program fails.
 *
 * @param purpose What the program does, for the error.
 * @param args Arguments of Deno.
 * @throws {UserError} If the program fails.
 */
export async function runGenerator(purpose: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: import.meta.dirname!,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  if (success) return;
  for (const bytes of [stdout, stderr]) console.error(new TextDecoder().decode(bytes).trimEnd());
  throw new UserError(`Cannot ${purpose}: deno ${args.join(" ")} failed. Correct what it reports above.`);
}

/**
 * Checks the links, anchors and images of all pages in a folder.
 *
 * @param served Folder that a server would serve.
 * @param base Path of the first page at that server.
 * @throws {UserError} If a link is dead.
 */
export async function checkLinks(served: string, base: string): Promise<void> {
  const skipped = [String.raw`^https?://(?!(localhost|127\.0\.0\.1|\[::1\]):)`, String.raw`\.(js|css)$`];
  await runGenerator("check the links", [
    ...["run", "-A", "npm:linkinator", `.${base}`, "--server-root", served, "--recurse", "--check-fragments"],
    ...["--concurrency", "8", "--retry-errors", "--verbosity", "error"],
    ...skipped.flatMap((pattern) => ["--skip", pattern]),
  ]);
}
