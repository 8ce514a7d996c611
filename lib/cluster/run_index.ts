/**
 * Execution of a plan's run by index, as in a job array.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { runFolder, runPaths } from "../record/mod.ts";
import { type PlannedRun, planPath, readPlan } from "../sweep/plan.ts";
import { isFinished, recordFailedAttempt } from "../sweep/reuse.ts";
import { describe } from "../sweep/sweep_view.ts";
import { startWorker } from "../sweep/worker_process.ts";

/** Environment variables with the index of a job: Slurm job arrays and Kubernetes Indexed Jobs. */
export const INDEX_VARIABLES = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"] as const;

/**
 * Returns the index that a cluster assigned to this process.
 *
 * @param get Reads a variable.
 * @throws {UserError} if no variable is set, or several differ.
 */
export function indexOfCluster(get: (name: string) => string | undefined): string {
  const given = INDEX_VARIABLES.map((name) => ({ name, value: get(name) || undefined }))
    .filter(({ value }) => value !== undefined);
  const [first] = given;
  if (first !== undefined && given.every(({ value }) => value === first.value)) return first.value!;
  throw new UserError(
    `Cannot choose a run: expected an index after --index or in one of ${INDEX_VARIABLES.join(", ")}, got ` +
      (first === undefined ? "none" : given.map(({ name, value }) => `${name}=${value}`).join(" and ")),
  );
}

/**
 * Returns the run at an index of a folder's plan.
 *
 * @param index Index from 0.
 * @throws {UserError} if the folder has no plan, or the index is out of range.
 */
export function plannedRunAt(dir: string, index: number): PlannedRun {
  const plan = readPlan(dir);
  if (plan === undefined) {
    throw new UserError(
      `Cannot run: expected a folder with a plan, got ${dir} without ${planPath(dir)}. ` +
        "Create the plan with `deno task cluster` or `deno task sweep`.",
    );
  }
  const run = plan.runs[index];
  if (run !== undefined) return run;
  throw new UserError(
    `Cannot run: expected an index from 0 to ${plan.runs.length - 1}, because ${planPath(dir)} has ` +
      `${plan.runs.length} runs, got ${index}`,
  );
}

/**
 * Runs or resumes a run of a plan in a separate process. The run is claimed, so that it never runs twice at once.
 *
 * @param run A run of the plan.
 * @param options The plan's folder, the stop signal, permission to resume runs of another environment (default: such
 * runs start over), and `print`.
 * @returns Exit status: 0 finished; 75 interrupted or owned by another process, repeat to resume; 2 bad input; 4
 * forbidden divergence; 3 another failure, which may be temporary.
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
    print(`${name} is already finished`);
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
    print(
      `${name}: ${stop.aborted ? "interrupted" : "another process owns it"}; repeat the command to resume`,
    );
    return EXIT.interrupted;
  }
  print(`${name} failed: ${cause}`);
  await recordFailedAttempt(dir, { id: run.id, cause, attempt: 1, attempts: 1 });
  return EXIT.someFailed;
}
