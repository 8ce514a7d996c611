/**
 * The proof, on a user's own spec, that a killed sweep ends as one that was left alone.
 *
 * @module
 */
import { join } from "node:path";
import { EXIT, UserError } from "../error/user_error.ts";
import { createRandom } from "../text/mod.ts";
import { killSweep, startSweepProcess } from "./kill_sweep.ts";
import { placePlan, type Plan } from "../sweep/plan.ts";
import { resultDifferences } from "./same_results.ts";

/** How it is verified. */
export interface VerifyOptions {
  /** Where the sweeps go: `undisturbed`, and `killed-1` and so on. */
  readonly dir: string;
  /** Kills in all. */
  readonly kills: number;
  /** Processes at once. */
  readonly workers: number;
  /** Seed of instants and victims. Default: 1. */
  readonly seed?: number | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what is going on, line by line. */
  readonly print: (line: string) => void;
}

/** The answer. */
export interface Verification {
  /** What differs, in words; none: everything is the same, bit for bit. */
  readonly problems: readonly string[];
  /** Kills that were made. */
  readonly kills: number;
  /** Sweeps that were disturbed, each from its start to its end. */
  readonly sweeps: number;
}

/** Kills that a sweep has, one as the other long, where it is not said how often. */
const KILLS_A_SWEEP = 8;

/** How much longer each pause is than the one before once there were twice as many: workers must get beyond their start. */
const PATIENCE = 1.1;

/**
 * Runs a plan once undisturbed, and then again and again with kills at random instants, and compares journals, checkpoints
 * and the result columns of the tables.
 *
 * @throws {UserError} when it is interrupted.
 * @throws {Error} when the undisturbed sweep fails.
 */
export async function verifyResume(plan: Plan, options: VerifyOptions): Promise<Verification> {
  const { dir, kills, workers, signal, print } = options;
  const want = join(dir, "undisturbed");
  placePlan(want, plan);
  const begin = performance.now();
  await undisturbed(want, workers, signal);
  const took = performance.now() - begin;
  print(`undisturbed: ${plan.runs.length} runs in ${(took / 1000).toFixed(1)} s`);
  /** The mean time between two kills at a sweep's begin, in milliseconds. */
  let every = took / KILLS_A_SWEEP;
  const random = createRandom(options.seed ?? 1, "kills");
  const problems: string[] = [];
  let made = 0, sweeps = 0;
  while (made < kills) {
    const got = join(dir, `killed-${++sweeps}`);
    placePlan(got, plan);
    const outcome = await killSweep(plan, got, {
      ...{ random, workers, signal, kills: kills - made },
      pause: (had) => every * PATIENCE ** Math.max(0, had - 2 * KILLS_A_SWEEP),
    });
    made += outcome.kills;
    // A machine that has other things to do, too, is not always as fast as it was undisturbed.
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
  return { problems, kills: made, sweeps };
}

async function undisturbed(dir: string, workers: number, signal: AbortSignal | undefined): Promise<void> {
  const child = startSweepProcess(dir, workers);
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const { code, stderr } = await child.output();
  signal?.removeEventListener("abort", stop);
  // A sweep that has only just begun does not watch for signals yet, and has another status.
  if (signal?.aborted || code === EXIT.interrupted) {
    throw new UserError("Cannot go on: interrupted", { exitCode: EXIT.interrupted });
  }
  if (code === EXIT.ok) return;
  throw new UserError(
    `Cannot verify: the undisturbed sweep in ${dir} ended with status ${code}: ${
      new TextDecoder().decode(stderr)
    }`,
    { exitCode: code },
  );
}
