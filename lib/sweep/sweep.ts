/**
 * Runs a plan: a process a run, some at once; what is finished is not repeated, and one failure stops no other.
 *
 * @module
 */
import { EXIT } from "../error/user_error.ts";
import { createProgress } from "../progress/progress.ts";
import { effectiveEvents, readJournal, runFolder, runPaths, statusOf } from "../record/mod.ts";
import type { Plan, PlannedRun } from "./plan.ts";
import type { Interruption } from "./signals.ts";

/** How a sweep ended. */
export interface SweepOutcome {
  /** Runs that are finished, earlier ones included. */
  readonly finished: number;
  /** Runs that were finished before. */
  readonly reused: number;
  /** Runs that failed now, with the last line of their logs. */
  readonly failed: { id: string; reason: string }[];
  /** The status to end with. */
  readonly exitCode: number;
}

/** Time between two looks at the journals, in milliseconds. */
const LOOK = 500;

/**
 * Runs what is left of a plan.
 *
 * @param plan The plan of `dir`.
 * @param options The sweep's folder, processes at once, signals, and how progress is shown.
 */
export async function runSweep(
  plan: Plan,
  options: {
    dir: string;
    workers: number;
    interruption: Interruption;
    progress?: { write?: (text: string) => void; isTerminal?: boolean };
  },
): Promise<SweepOutcome> {
  const { dir, interruption } = options;
  const statuses = plan.runs.map((run) =>
    statusOf(readJournal(runPaths(runFolder(dir, run.id)).journal).events)
  );
  const queue = plan.runs.filter((_, i) => statuses[i] !== "finished");
  const reused = plan.runs.length - queue.length;
  const failed: { id: string; reason: string }[] = [];
  const going = new Map<string, Deno.ChildProcess>();
  const counts = new Map(
    plan.runs.map((run, i) => [run.id, statuses[i] === "finished" ? run.spec.steps : 0]),
  );
  const already = [...counts.values()].reduce((sum, steps) => sum + steps, 0);
  const progress = createProgress({
    label: plan.name,
    total: plan.runs.reduce((sum, run) => sum + run.spec.steps, 0) - already,
    unit: "steps",
    ...options.progress,
  });
  if (reused > 0) progress.log(`${reused} of ${plan.runs.length} runs are finished already`);
  const look = () => {
    for (const id of going.keys()) counts.set(id, stepsOf(dir, id));
    const steps = [...counts.values()].reduce((sum, count) => sum + count, 0) - already;
    const done = plan.runs.length - queue.length - going.size - failed.length;
    progress.update(
      steps,
      `${done} of ${plan.runs.length} runs done${failed.length > 0 ? `, ${failed.length} failed` : ""}`,
    );
  };
  const stop = (signal: Deno.Signal) => {
    for (const child of going.values()) {
      try {
        child.kill(signal);
      } catch {
        // It has ended already.
      }
    }
  };
  const onRequest = () => {
    progress.log("stopping after the steps under way; the same command goes on from there");
    stop("SIGTERM");
  };
  const onInsistence = () => stop("SIGKILL");
  interruption.requested.addEventListener("abort", onRequest);
  interruption.insisted.addEventListener("abort", onInsistence);
  const timer = setInterval(look, LOOK);
  const work = async (): Promise<void> => {
    while (!interruption.requested.aborted) {
      const run = queue.shift();
      if (run === undefined) return;
      const code = await runWorker(run, dir, going);
      if (code !== EXIT.ok && code !== EXIT.interrupted && !interruption.requested.aborted) {
        const reason = lastLine(runPaths(runFolder(dir, run.id)).log);
        failed.push({ id: run.id, reason });
        progress.log(`run ${run.id} (${describe(run)}) failed: ${reason}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, options.workers) }, work));
  } finally {
    clearInterval(timer);
    interruption.requested.removeEventListener("abort", onRequest);
    interruption.insisted.removeEventListener("abort", onInsistence);
  }
  const finished =
    plan.runs.filter((run) =>
      statusOf(readJournal(runPaths(runFolder(dir, run.id)).journal).events) === "finished"
    ).length;
  look();
  progress.finish(`${finished} of ${plan.runs.length} runs finished`);
  const interrupted = interruption.requested.aborted && finished < plan.runs.length;
  const exitCode = interrupted ? EXIT.interrupted : failed.length > 0 ? EXIT.someFailed : EXIT.ok;
  return { finished, reused, failed, exitCode };
}

/** A run in a few words. */
export function describe({ spec }: PlannedRun): string {
  return `${spec.tokenizer}, T ${spec.T}, ${spec.policy}, seed ${spec.seed}`;
}

async function runWorker(
  run: PlannedRun,
  dir: string,
  going: Map<string, Deno.ChildProcess>,
): Promise<number> {
  const folder = runFolder(dir, run.id);
  Deno.mkdirSync(folder, { recursive: true });
  using log = Deno.openSync(runPaths(folder).log, { create: true, append: true });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--quiet",
      "-A",
      `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
      new URL("./worker.ts", import.meta.url).href,
      dir,
      run.id,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  going.set(run.id, child);
  const copy = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) log.writeSync(chunk);
  };
  const [status] = await Promise.all([child.status, copy(child.stdout), copy(child.stderr)]);
  going.delete(run.id);
  return status.code;
}

function stepsOf(dir: string, id: string): number {
  try {
    return effectiveEvents(readJournal(runPaths(runFolder(dir, id)).journal).events).steps.length;
  } catch {
    return 0; // a damaged journal is the worker's to report
  }
}

function lastLine(path: string): string {
  try {
    return Deno.readTextFileSync(path).trimEnd().split("\n").at(-1) || "it left no message";
  } catch {
    return "it left no message";
  }
}
