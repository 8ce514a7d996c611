/**
 * The check of a spec's resumption as one call: kills a sweep at random instants, and compares its results.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { type Verification, verifyPlan } from "../proof/mod.ts";
import { draftPlan } from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { checkedSpec, shareMachine, type SweepSpecInput } from "./sweep.ts";

/** Options of a check of resumption. */
export interface VerifyResumeOptions {
  /** Folder of the sweeps, empty or missing. Default: a temporary one, removed unless results differ. */
  readonly dir?: string | undefined;
  /** Kills in all. Default: 5. */
  readonly kills?: number | undefined;
  /** Seed of instants and victims. Default: 1. */
  readonly seed?: number | undefined;
  /** Runs at once, which share the cores. Default: by cores and memory. */
  readonly workers?: number | undefined;
  /** Stops the check. */
  readonly signal?: AbortSignal | undefined;
  /** Name of the spec in errors. Default: `the object given to verifyResume()`. */
  readonly source?: string | undefined;
  /** Receives progress, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Result of a check of resumption. */
export interface ResumeVerification extends Verification {
  /** The result in one sentence. */
  readonly sentence: string;
  /** Folder of the sweeps; it is kept if results differ or `dir` was given. */
  readonly dir: string;
}

/**
 * Verifies that a spec's runs survive kills: runs the sweep once undisturbed, then with `SIGKILL` at random instants, and
 * compares journals, checkpoints and tables bit for bit.
 *
 * @param spec Axes and options, as {@linkcode sweep} takes them. Small sweeps finish soon.
 * @param options Kills, their seed, and the folder.
 * @returns The differences; none if the results are identical.
 * @throws {UserError} if the spec is wrong, the folder holds files, the undisturbed sweep fails, or the check is stopped.
 */
export async function verifyResume(
  spec: SweepSpecInput,
  options: VerifyResumeOptions = {},
): Promise<ResumeVerification> {
  const { kills = 5, seed, signal, print = (line) => console.error(line) } = options;
  requireDevice();
  const { source = "the object given to verifyResume()" } = options;
  const draft = await draftPlan(checkedSpec(spec, { source }));
  const dir = options.dir ?? Deno.makeTempDirSync({ prefix: "losskit-verify-" });
  requireEmpty(dir);
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  let result: Verification | undefined;
  try {
    result = await verifyPlan(draft.plan(threads), { dir, kills, workers, seed, signal, print });
  } finally {
    // The folders of a failed check are evidence.
    const isUseless = result === undefined ? signal?.aborted ?? false : result.problems.length === 0;
    if (options.dir === undefined && isUseless) await removeFolder(dir);
  }
  const sentence = result.problems.length === 0
    ? `identical: ${result.kills} kills in ${result.sweeps} sweeps changed nothing`
    : `different: the folders are kept in ${dir}`;
  return { ...result, sentence, dir };
}

/** Removes a folder. A worker that was just told to end may still write into it: the second attempt comes 1 s later. */
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
    `Cannot verify in ${dir}: expected a folder that is empty or missing, but it holds files. Choose another folder.`,
  );
}
