/**
 * `verifyResume()`: kills a sweep at random times, and compares its results with those of an uninterrupted sweep.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { count } from "../analysis/mod.ts";
import { UserError } from "../error/user_error.ts";
import { type Verification, verifyPlan } from "../proof/mod.ts";
import { draftPlan } from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { checkedSpec, shareMachine, type SweepSpecInput } from "./place_sweep.ts";

/** Options of {@linkcode verifyResume}. */
export interface VerifyResumeOptions {
  /**
   * Folder for the sweeps. Must be empty or missing. Default: a temporary folder, which is removed unless results
   * differ.
   */
  readonly dir?: string | undefined;
  /** Number of kills. Default: 5. */
  readonly kills?: number | undefined;
  /** Random seed that determines which processes are killed, and when. Default: 1. */
  readonly seed?: number | undefined;
  /** Number of concurrent runs. Default: chosen from the number of cores and the memory. */
  readonly workers?: number | undefined;
  /** Signal that stops the verification. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Name of the spec in errors. Default: `the object given to verifyResume()`. */
  readonly source?: string | undefined;
  /** Receives progress, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Names of the options. */
const NAMES = optionNames<VerifyResumeOptions>({
  dir: true,
  kills: true,
  seed: true,
  workers: true,
  signal: true,
  source: true,
  print: true,
});

/** Result of {@linkcode verifyResume}. */
export interface ResumeVerification extends Verification {
  /** Result in one sentence. */
  readonly sentence: string;
  /** Folder of the sweeps. Removed already if `dir` was not given and the results are identical. */
  readonly dir: string;
}

/**
 * Verifies that killed sweeps resume correctly. Runs a sweep once uninterrupted, and again while killing its processes
 * with `SIGKILL` at random times. Compares journals, checkpoints and tables bit by bit.
 *
 * @param spec Axes and options, as for {@linkcode sweep}. Use a small sweep.
 * @returns The differences in `problems`, empty if the results are identical, and the numbers of kills and sweeps.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If the spec is invalid, the folder contains files, the uninterrupted sweep fails, or the
 * verification is stopped.
 */
export async function verifyResume(
  spec: SweepSpecInput,
  options: VerifyResumeOptions = {},
): Promise<ResumeVerification> {
  requireKnownNames(options, NAMES, "verify resume");
  const { kills = 5, seed, signal, print = (line) => console.error(line) } = options;
  requireDevice();
  const { source = "the object given to verifyResume()" } = options;
  const draft = await draftPlan(await checkedSpec(spec, { source }));
  const dir = options.dir ?? Deno.makeTempDirSync({ prefix: "losskit-verify-" });
  requireEmpty(dir);
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  let result: Verification | undefined;
  try {
    result = await verifyPlan(draft.plan(threads), { dir, kills, workers, seed, signal, print });
  } finally {
    // Keep the folders of a failed check for inspection.
    const isUseless = result === undefined ? signal?.aborted ?? false : result.problems.length === 0;
    if (options.dir === undefined && isUseless) await removeFolder(dir);
  }
  const sentence = result.problems.length === 0
    ? result.resumed === 0
      ? `not verified: no killed run resumed from a checkpoint (${count(result.kills, "kill")} in ${
        count(result.sweeps, "sweep")
      }); ` +
        "make the runs longer, or set checkpointEvery"
      : `identical: ${count(result.kills, "kill")} in ${
        count(result.sweeps, "sweep")
      } changed nothing; killed runs resumed ${count(result.resumed, "time")} ` +
        "from a checkpoint"
    : `different: see the folders in ${dir}`;
  return { ...result, sentence, dir };
}

/** Removes a folder. A stopping worker may still write to it, so the removal is tried again after 1 s. */
async function removeFolder(dir: string): Promise<void> {
  try {
    Deno.removeSync(dir, { recursive: true });
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    Deno.removeSync(dir, { recursive: true });
  }
}

function requireEmpty(dir: string): void {
  try {
    Deno.mkdirSync(dir, { recursive: true });
    if ([...Deno.readDirSync(dir)].length === 0) return;
  } catch (cause) {
    throw new UserError(`Cannot verify in ${dir}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  throw new UserError(
    `Cannot verify in ${dir}: expected an empty or missing folder, got a folder with files. Choose another folder.`,
  );
}
