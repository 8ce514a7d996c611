/**
 * Sweeps that are killed at random instants and continued: how it is shown that nothing is lost.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { isClaimed, readHolder, runFolder, runPaths, sha256Hex } from "../record/mod.ts";
import type { Random } from "../text/mod.ts";
import { denoArguments } from "../run/environment.ts";
import type { Plan } from "../sweep/plan.ts";
import { isFinished } from "../sweep/reuse.ts";

/** How a sweep is disturbed. */
export interface Disturbance {
  /** Kills at most; once they are made it is left to finish. */
  readonly kills: number;
  /** Where instants and victims are drawn from. */
  readonly random: Random;
  /** The mean time until the next kill, in milliseconds, from how many this sweep has had. */
  readonly pause: (kills: number) => number;
  /** Processes at once. */
  readonly workers: number;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of it. */
export interface Disturbed {
  /** Processes and whole sweeps that were killed, each by SIGKILL. */
  readonly kills: number;
  /** Sweeps that were started. */
  readonly starts: number;
  /** Finished runs that were changed afterwards, in words. */
  readonly problems: readonly string[];
}

/** So many retries that no number of kills uses them up. */
const RETRIES = 1_000_000;

/**
 * Starts a sweep in a process of its own, to run what is left of a folder's plan.
 *
 * @param dir The folder.
 * @param workers Processes at once.
 */
export function startSweepProcess(dir: string, workers: number): Deno.ChildProcess {
  const program = denoArguments(new URL("../sweep/sweep_process.ts", import.meta.url).href);
  return new Deno.Command(Deno.execPath(), {
    args: [...program, dir, String(workers), String(RETRIES)],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs a folder's plan to its end, killing as it goes: the sweep, one of its workers, or all at once as a power cut does.
 *
 * @param plan The folder's plan.
 * @param dir The folder.
 * @param disturbance How.
 * @throws {Error} when the sweep fails for another reason than a kill, with what it printed.
 */
export async function killSweep(plan: Plan, dir: string, disturbance: Disturbance): Promise<Disturbed> {
  const { random, pause, workers, signal } = disturbance;
  const finished = new Map<string, string>(), problems: string[] = [];
  let kills = 0, starts = 0;
  /** Holds what is finished against what it was when it was first seen so. */
  const look = () => {
    for (const { id } of plan.runs) {
      const { journal, checkpoint } = runPaths(runFolder(dir, id));
      const before = finished.get(id);
      if (before === undefined && !isFinished(dir, id)) continue;
      const now = sha256Hex(Deno.readFileSync(journal)) + sha256Hex(Deno.readFileSync(checkpoint));
      if (before !== undefined && before !== now) {
        problems.push(`run ${id} was changed after it had finished`);
      }
      finished.set(id, now);
    }
  };
  for (;;) {
    const child = startSweepProcess(dir, workers);
    starts++;
    const output = child.output();
    let ended = false;
    output.then(() => ended = true);
    let killed = false;
    while (kills < disturbance.kills && !killed && !ended) {
      await pauseFor(2 * pause(kills) * random.uniform(), { unless: output, signal });
      if (ended) break;
      const victims = ["sweep", "worker", "all"] as const;
      const victim = signal?.aborted ? "all" : victims[random.integer(victims.length)]!;
      const pids = claimed(plan, dir);
      const chosen = victim === "worker" && pids.length > 0 ? [pids[random.integer(pids.length)]!] : [];
      killed = chosen.length === 0;
      const all = killed ? [child.pid, ...(victim === "all" ? pids : [])] : chosen;
      if (all.map(kill).includes(true)) kills++;
      if (signal?.aborted) break;
      look();
    }
    const { code, stderr } = await output;
    if (signal?.aborted) throw new UserError("Cannot go on: interrupted", { exitCode: EXIT.interrupted });
    look();
    if (killed) continue;
    if (code !== EXIT.ok) {
      throw new Error(`The sweep ended with status ${code}: ${new TextDecoder().decode(stderr)}`);
    }
    return { kills, starts, problems };
  }
}

/** Waits, unless something comes before. */
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

/** The processes that work on runs just now. */
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
    return false; // it has ended
  }
}
