/**
 * Explanation of a run's first NaN or infinite number. The run is replayed in a separate process.
 *
 * As a program, this module takes a run's folder as argument and prints the explanation as JSON. The command `explain`
 * runs the program, so that TensorFlow does not start in the command's own process.
 *
 * @module
 */
import { exitNow, hasUserCode } from "../error/user_code.ts";
import { UserError } from "../error/user_error.ts";
import { spawnAttached } from "../file/attached.ts";
import { denoArguments } from "../file/package.ts";
import { findRunNonFinite } from "./non_finite.ts";

/** Output of the program. */
type Output = { readonly sentence: string } | { readonly error: string };

/**
 * Returns a sentence about the op that computed the first NaN or infinite number of a recorded run. Writes progress to
 * standard error.
 *
 * @param folder The run's folder.
 * @throws {UserError} If the run, its checkpoint or its text cannot be read.
 */
export async function explainNonFinite(folder: string): Promise<string> {
  const { success, stdout } = await spawnAttached(
    [Deno.execPath(), ...denoArguments(import.meta.url), folder],
    { stdout: "piped", stderr: "inherit" },
  ).output();
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  if (!success || !last.startsWith("{")) { // a user's module may end the process
    throw new UserError(`Cannot replay ${folder}: the process of the replay ended without a result.`);
  }
  const output: Output = JSON.parse(last);
  if ("error" in output) throw new UserError(output.error);
  return output.sentence;
}

async function explainHere(folder: string): Promise<Output> {
  try {
    const { sentence } = await findRunNonFinite(folder, { print: (line) => console.error(line) });
    return { sentence };
  } catch (error) {
    if (error instanceof UserError) return { error: error.message };
    throw error;
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await explainHere(Deno.args[0]!)));
  if (hasUserCode()) exitNow(0); // timers and servers of a module may still run
}
