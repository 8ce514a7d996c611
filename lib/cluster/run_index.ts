/**
 * One run of a plan by its index: what a job of a cluster's array does.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { runFolder, runPaths } from "../record/mod.ts";
import { type PlannedRun, planPath, readPlan } from "../sweep/plan.ts";
import { isFinished, recordFailedAttempt } from "../sweep/reuse.ts";
import { describe } from "../sweep/sweep_view.ts";
import { startWorker } from "../sweep/worker_process.ts";

/** Variables in which clusters tell a job its index: Slurm's job arrays, Kubernetes' Indexed Jobs. */
export const INDEX_VARIABLES = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"] as const;

/**
 * The index that a cluster gave this process.
 *
 * @param get Reads a variable.
 * @throws {UserError} when there is none, or several that differ.
 */
export function indexOfCluster(get: (name: string) => string | undefined): string {
  const given = INDEX_VARIABLES.map((name) => ({ name, value: get(name) || undefined }))
    .filter(({ value }) => value !== undefined);
  const [first] = given;
  if (first !== undefined && given.every(({ value }) => value === first.value)) return first.value!;
  throw new UserError(
    `Cannot choose a run: wanted an index after --index, or in one of ${INDEX_VARIABLES.join(", ")}: ` +
      (first === undefined
        ? "none is set"
        : given.map(({ name, value }) => `${name} is ${value}`).join(", ")),
  );
}

/**
 * The run at an index of a folder's plan.
 *
 * @param index From 0.
 * @throws {UserError} when the folder has no plan, or no such run is in it.
 */
export function plannedRunAt(dir: string, index: number): PlannedRun {
  const plan = readPlan(dir);
  if (plan === undefined) {
    throw new UserError(
      `Cannot run: wanted a folder with a plan, as \`deno task cluster\` or \`deno task sweep\` makes it: ` +
        `there is no ${planPath(dir)}`,
    );
  }
  const run = plan.runs[index];
  if (run !== undefined) return run;
  throw new UserError(
    `Cannot run: the index must be from 0 to ${plan.runs.length - 1}, as ${planPath(dir)} has ` +
      `${plan.runs.length} runs: it is ${index}`,
  );
}

/**
 * Runs, or goes on with, a run of a plan in a process of its own. Whoever else works on it, it is not run twice: it is
 * claimed.
 *
 * @param run One of the plan's.
 * @param options The plan's folder, what asks the run to stop, whether one that another environment began is gone on with
 * (default: it starts over), and where to `print`.
 * @returns The status to end with: 0 finished; 75 stopped, or another process works on it: the same again goes on; 2 for
 * bad input and 4 for a forbidden divergence, which would come again; 3 for another failure, which may pass.
 */
export async function runPlanned(
  run: PlannedRun,
  options: {
    dir: string;
    stop: AbortSignal;
    allowEnvironmentChange?: boolean;
    print: (line: string) => void;
  },
): Promise<number> {
  const { dir, stop, allowEnvironmentChange = false, print } = options;
  const { log } = runPaths(runFolder(dir, run.id));
  const name = `run ${run.id} (${describe(run)})`;
  if (isFinished(dir, run.id)) {
    print(`${name} is finished already`);
    return EXIT.ok;
  }
  if (stop.aborted) return EXIT.interrupted;
  print(`${name}: log in ${log}`);
  const worker = startWorker(run.id, { dir, limits: {}, allowEnvironmentChange });
  const onStop = () => worker.kill("SIGTERM");
  stop.addEventListener("abort", onStop);
  const { code, cause } = await worker.ended;
  stop.removeEventListener("abort", onStop);
  if (code === EXIT.ok) {
    print(`${name} is finished`);
    return EXIT.ok;
  }
  if (code === EXIT.badInput || code === EXIT.diverged) {
    print(`${name} failed: ${cause}`);
    return code;
  }
  if (stop.aborted || cause === undefined) {
    print(`${name}: ${stop.aborted ? "stopped" : "another process works on it"}; the same command goes on`);
    return EXIT.interrupted;
  }
  print(`${name} failed: ${cause}`);
  await recordFailedAttempt(dir, { id: run.id, cause, attempt: 1, attempts: 1 });
  return EXIT.someFailed;
}
