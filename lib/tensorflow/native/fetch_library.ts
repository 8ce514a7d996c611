/**
 * `fetchMissingLibrary()`: fetches libtensorflow before work in processes whose output is not visible.
 *
 * @module
 */
import type { Interruption } from "../../error/signals.ts";
import { UserError } from "../../error/user_error.ts";
import { spawnAttached } from "../../file/attached.ts";
import { denoArguments } from "../../file/package.ts";
import type { Device } from "./device.ts";
import { findLibTensorFlow, isLibraryMissing, THIS_MACHINE } from "./install.ts";

/**
 * Fetches libtensorflow if it is missing, with a progress line on standard error. Returns early if interrupted. The
 * download runs in a separate process, because pip does not react to the signals of this process.
 *
 * @param device Device that will run ops.
 * @throws {UserError} If the library is missing and cannot be fetched.
 */
export async function fetchMissingLibrary(
  device: Device,
  { requested, insisted }: Interruption,
): Promise<void> {
  if (requested.aborted || !isLibraryMissing(device)) return;
  const child = spawnAttached([Deno.execPath(), ...denoArguments(import.meta.url), device], {
    stdout: "piped",
    stderr: "inherit",
  });
  const kill = (name: Deno.Signal) => () => {
    try {
      child.kill(name);
    } catch {
      // The process has ended.
    }
  };
  const stop = kill("SIGTERM"), end = kill("SIGKILL");
  requested.addEventListener("abort", stop);
  insisted.addEventListener("abort", end);
  try {
    const fault = (await new Response(child.stdout).text()).trim();
    const { success, signal } = await child.status;
    // A terminal sends Ctrl-C to the child too, which may end before this process handles the signal.
    if (success || signal === "SIGINT" || requested.aborted) return;
    throw new UserError(
      fault || `Cannot fetch libtensorflow: signal ${signal} ended the process. Try again.`,
    );
  } finally {
    requested.removeEventListener("abort", stop);
    insisted.removeEventListener("abort", end);
  }
}

if (import.meta.main) {
  try {
    await findLibTensorFlow(THIS_MACHINE, { device: Deno.args[0] as Device });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(error.message);
    Deno.exitCode = error.exitCode;
  }
}
