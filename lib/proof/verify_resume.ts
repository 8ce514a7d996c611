/**
 * Verifies that a killed and resumed sweep gives the same results as an uninterrupted sweep.
 *
 * @module
 */
import { join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { readJournal, runFolder, runPaths } from "../record/mod.ts";
import { createRandom } from "../text/mod.ts";
import { killSweep, startSweepProcess, stoppedVerification } from "./kill_sweep.ts";
import { placePlan, type Plan } from "../sweep/plan_file.ts";
import { resultDifferences } from "./same_results.ts";

/** Options of {@linkcode verifyPlan}. */
export interface VerifyPlanOptions {
  /** Folder for the sweeps. Each sweep has a subfolder: `undisturbed`, `killed-1`, `killed-2` and so on. */
  readonly dir: string;
  /** Total number of kills. */
  readonly kills: number;
  /** Number of concurrent runs. */
  readonly workers: number;
  /** Random seed that determines which processes are killed, and when. Default: 1. */
  readonly seed?: number | undefined;
  /** Signal that stops the verification early. Default: none. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Receives progress messages, line by line. */
  readonly print: (line: string) => void;
}

/** Result of a verification. */
export interface Verification {
  /** Descriptions of differences. Empty if all results are bit-identical. */
  readonly problems: readonly string[];
  /** Number of kills. */
  readonly kills: number;
  /** Number of killed sweeps that were resumed until they finished. */
  readonly sweeps: number;
  /** Number of times that a killed run resumed from a checkpoint. 0: nothing was verified. */
  readonly resumed: number;
}

/** Approximate number of kills per sweep. */
const KILLS_A_SWEEP = 8;

/** Maximum number of sweeps in which a kill waits for a checkpoint. */
const MOST_AIMED = 3;

/** Growth factor of the pauses after twice as many kills, so that workers get beyond their start. */
const PATIENCE = 1.1;

/**
 * Runs a plan once uninterrupted and repeatedly with kills at random times. Compares journals, checkpoints and the result
 * columns of the tables. If no killed run resumed from a checkpoint, further kills follow a checkpoint.
 *
 * @throws {UserError} If no run has a checkpoint before its last step, or the verification is interrupted.
 * @throws {Error} If the uninterrupted sweep fails.
 */
export async function verifyPlan(plan: Plan, options: VerifyPlanOptions): Promise<Verification> {
  const { dir, kills, workers, signal, print } = options;
  requireCheckpoints(plan);
  const want = join(dir, "undisturbed");
  await placePlan(want, plan);
  const begin = performance.now();
  await undisturbed(want, workers, signal);
  const took = performance.now() - begin;
  print(`uninterrupted: ${plan.runs.length} runs in ${(took / 1000).toFixed(1)} s`);
  /** Mean time between two kills at the start of a sweep, in milliseconds. */
  let every = took / KILLS_A_SWEEP;
  const random = createRandom(options.seed ?? 1, "kills");
  const problems: string[] = [];
  let made = 0, sweeps = 0, resumed = 0, aimed = 0;
  while (made < kills || resumed === 0 && aimed < MOST_AIMED) {
    const isAimed = made >= kills;
    if (isAimed) aimed++;
    const got = join(dir, `killed-${++sweeps}`);
    await placePlan(got, plan);
    const outcome = await killSweep(plan, got, {
      ...{ random, workers, signal, kills: isAimed ? 1 : kills - made },
      pause: isAimed ? "after checkpoint" : (had) => every * PATIENCE ** Math.max(0, had - 2 * KILLS_A_SWEEP),
    });
    made += outcome.kills;
    resumed += plan.runs.reduce(
      (sum, { id }) => sum + resumptionsOf(runPaths(runFolder(got, id)).journal),
      0,
    );
    // On a busy machine, the speed differs from the uninterrupted sweep.
    if (outcome.kills < KILLS_A_SWEEP / 2) every /= 2;
    if (outcome.kills > 3 * KILLS_A_SWEEP) every *= 1.5;
    const found = [...outcome.problems, ...resultDifferences(plan, { want, got })];
    for (const problem of found) problems.push(`${got}: ${problem}`);
    print(
      `killed ${outcome.kills} times, ${made} of ${kills} in all: ${
        found.length === 0 ? "identical" : found.join("; ")
      }`,
    );
    if (found.length === 0) Deno.removeSync(got, { recursive: true });
  }
  return { problems, kills: made, sweeps, resumed };
}

/** Requires a run with a checkpoint before its last step, from which it can resume. */
function requireCheckpoints({ runs }: Plan): void {
  if (runs.some(({ spec }) => spec.checkpointEvery < spec.steps)) return;
  const { checkpointEvery, steps } = runs[0]!.spec;
  throw new UserError(
    `Cannot verify that runs resume: expected checkpointEvery below the steps of a run, got ${checkpointEvery} with ${steps} ` +
      "steps. A run without a checkpoint starts over. Set checkpointEvery.",
  );
}

/** Returns how often a run resumed from a checkpoint. */
function resumptionsOf(journal: string): number {
  return readJournal(journal).events.filter((event) => event.event === "resume" && event.step > 0).length;
}

async function undisturbed(dir: string, workers: number, signal: AbortSignal | undefined): Promise<void> {
  const child = startSweepProcess(dir, { workers, retries: 1 });
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const { code, stderr } = await child.output();
  signal?.removeEventListener("abort", stop);
  // A sweep that has just started does not handle signals yet and exits with another status.
  if (signal?.aborted || code === EXIT.interrupted) {
    throw stoppedVerification();
  }
  if (code === EXIT.ok) return;
  throw new UserError(
    `Cannot verify the sweep: expected status 0 of the uninterrupted sweep in ${dir}, got ${code}: ${
      new TextDecoder().decode(stderr)
    }`,
    { exitCode: code },
  );
}
