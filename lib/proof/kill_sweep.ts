/**
 * Kills sweeps at random times and resumes them, to test that no result is lost.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { isClaimed, readHolder, runFolder, runPaths, sha256Hex } from "../record/mod.ts";
import type { Random } from "../text/mod.ts";
import { exists } from "../file/exists.ts";
import { denoArguments } from "../file/package.ts";
import type { Plan } from "../sweep/plan_file.ts";
import { isFinished } from "../sweep/reuse.ts";

/** Options of {@linkcode killSweep}: how often, when and what to kill. */
export interface Disturbance {
  /** Maximum number of kills. After the last kill, the sweep finishes uninterrupted. */
  readonly kills: number;
  /** Source of random numbers, which determines which processes are killed, and when. */
  readonly random: Random;
  /**
   * Returns the mean time until the next kill, in milliseconds. The argument is the number of previous kills. `after
   * checkpoint`: kills a run as soon as it has a checkpoint.
   */
  readonly pause: ((kills: number) => number) | "after checkpoint";
  /** Number of concurrent runs. */
  readonly workers: number;
  /** Signal that stops the test early. Default: none. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** Returns the error that ends a verification when a signal stops it. */
export function stoppedVerification(): UserError {
  return new UserError("Cannot verify the spec: interrupted. Repeat the command to start over.", {
    exitCode: EXIT.stopped,
  });
}

/** Outcome of {@linkcode killSweep}. */
export interface Disturbed {
  /** Number of kills. A kill sends SIGKILL to one worker, to the sweep, or to all processes. */
  readonly kills: number;
  /** Number of times that the sweep was started. */
  readonly starts: number;
  /** Descriptions of runs whose files changed after they had finished. Empty without such runs. */
  readonly problems: readonly string[];
}

/**
 * Starts a separate process that executes the unfinished runs of a folder's plan.
 *
 * @param dir The folder.
 * @param options `workers`: number of concurrent runs. `retries`: number of retries of a failed run. A killed run
 * counts as failed.
 */
export function startSweepProcess(
  dir: string,
  { workers, retries }: { workers: number; retries: number },
): Deno.ChildProcess {
  const program = denoArguments(new URL("../sweep/sweep_process.ts", import.meta.url).href);
  return new Deno.Command(Deno.execPath(), {
    args: [...program, dir, String(workers), String(retries)],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs a folder's plan to the end while killing processes: the sweep, one worker, or all at once as in a power failure.
 *
 * @param plan The folder's plan.
 * @param dir The folder.
 * @param disturbance Number, times and targets of kills.
 * @throws {Error} If the sweep fails for another reason than a kill. The message contains the sweep's error output.
 */
export async function killSweep(plan: Plan, dir: string, disturbance: Disturbance): Promise<Disturbed> {
  const { random, pause, workers, signal } = disturbance;
  const finished = new Map<string, string>(), problems: string[] = [];
  let kills = 0, starts = 0;
  /** Compares the files of finished runs with their first finished state. */
  const check = () => {
    for (const run of plan.runs) {
      const { id } = run, { journal, checkpoint } = runPaths(runFolder(dir, id));
      const before = finished.get(id);
      if (before === undefined && !isFinished(dir, run)) continue;
      const now = sha256Hex(Deno.readFileSync(journal)) + sha256Hex(Deno.readFileSync(checkpoint));
      if (before !== undefined && before !== now) {
        problems.push(`run ${id} changed after it had finished`);
      }
      finished.set(id, now);
    }
  };
  for (;;) {
    const child = startSweepProcess(dir, { workers, retries: disturbance.kills + 1 });
    starts++;
    const output = child.output();
    let ended = false;
    output.then(() => ended = true);
    let killed = false;
    while (kills < disturbance.kills && !killed && !ended) {
      let aimed: number | undefined;
      if (pause === "after checkpoint") {
        aimed = await checkpointed(plan, dir, { isOver: () => ended || (signal?.aborted ?? false) });
      } else await pauseFor(2 * pause(kills) * random.uniform(), { unless: output, signal });
      if (ended) break;
      const victims = ["sweep", "worker", "all"] as const;
      const victim = signal?.aborted
        ? "all"
        : aimed !== undefined
        ? "worker"
        : victims[random.integer(victims.length)]!;
      const pids = claimed(plan, dir);
      const chosen = victim === "worker" && pids.length > 0
        ? [aimed ?? pids[random.integer(pids.length)]!]
        : [];
      killed = chosen.length === 0;
      const all = killed ? [child.pid, ...(victim === "all" ? pids : [])] : chosen;
      if (all.map(kill).includes(true)) kills++;
      if (signal?.aborted) break;
      check();
    }
    const { code, stderr } = await output;
    if (signal?.aborted) throw stoppedVerification();
    check();
    if (killed) continue;
    if (code !== EXIT.ok) {
      throw new Error(`The sweep ended with status ${code}: ${new TextDecoder().decode(stderr)}`);
    }
    return { kills, starts, problems };
  }
}

/** Interval of looks for a checkpoint, in milliseconds. */
const LOOK_MS = 5;

/** Waits until an active run has a checkpoint, and returns its process ID. Returns undefined if the sweep is over first. */
async function checkpointed(
  plan: Plan,
  dir: string,
  { isOver }: { isOver: () => boolean },
): Promise<number | undefined> {
  while (!isOver()) {
    for (const run of plan.runs) {
      const { claim, checkpoint } = runPaths(runFolder(dir, run.id));
      if (!exists(checkpoint) || isFinished(dir, run)) continue;
      const holder = readHolder(claim);
      if (holder !== undefined && isClaimed(claim)) return holder.pid;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return undefined;
}

/** Waits for a time, for another promise, or for a signal. */
async function pauseFor(
  milliseconds: number,
  { unless, signal }: { unless: Promise<unknown>; signal: AbortSignal | undefined },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  const timer = setTimeout(done, milliseconds);
  signal?.addEventListener("abort", done);
  unless.then(done);
  if (signal?.aborted) done();
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", done);
}

/** Returns the process IDs that own runs. */
function claimed(plan: Plan, dir: string): number[] {
  return plan.runs.flatMap(({ id }) => {
    const { claim } = runPaths(runFolder(dir, id));
    const holder = readHolder(claim);
    return holder !== undefined && isClaimed(claim) ? [holder.pid] : [];
  });
}

function kill(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false; // the process has already ended
  }
}
