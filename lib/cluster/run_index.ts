/**
 * Execution of one run of a plan, chosen by its index, as in a job array.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { parseDecimal } from "../file/decimal.ts";
import { runFolder, runPaths } from "../record/mod.ts";
import { loadCode } from "../run/own_code.ts";
import { watchDeadline } from "../run/deadline.ts";
import { type PlannedRun, planPath, readPlan } from "../sweep/plan_file.ts";
import { isFinished, recordFailedAttempt } from "../sweep/reuse.ts";
import { describer } from "../sweep/sweep_view.ts";
import { WorkerProcess } from "../sweep/worker_process.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";

/** Environment variables with the index of a job: Slurm job arrays and Kubernetes Indexed Jobs. */
const INDEX_VARIABLES = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"] as const;

/** Options of {@linkcode runAt}. */
export interface RunAtOptions {
  /** Index of the run in the plan, from 0. Default: the index that Slurm or Kubernetes assigned to this process. */
  readonly index?: number | undefined;
  /**
   * Time at which the process must have ended, in milliseconds since 1970. Default: the end of the Slurm job, or none
   * outside of Slurm.
   */
  readonly deadline?: number | undefined;
  /** Number of seconds before the deadline at which the run stops with a checkpoint. Default: 60. */
  readonly margin?: number | undefined;
  /** True to resume a run that was started in a different environment. Default: false; such a run starts over. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /**
   * True to run modules that are stored in the folder, for example a custom loss. Default: false. Then only modules
   * that this user has named by path before are run.
   */
  readonly runRecordedCode?: boolean | undefined;
  /** Signal that stops the run after the current step, with a checkpoint. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Receives progress, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * Starts or resumes one run of a plan in a separate process. The process claims the run, so that no other process
 * executes the run at the same time.
 *
 * @param dir Folder with a `plan.json`.
 * @returns Exit status. 0: finished. 2: bad input. 3: a failure that may be temporary. 4: the run diverged, and its
 * spec does not allow divergence. 75: interrupted, or owned by another process; repeat the call to resume.
 * @throws {UserError} If the folder has no plan, or the index is missing or out of range.
 */
export async function runAt(dir: string, options: RunAtOptions = {}): Promise<number> {
  const { margin = 60, allowEnvironmentChange, signal, print = (line) => console.error(line) } = options;
  requireDevice();
  const { run, name } = plannedRunAt(dir, options.index ?? indexOfCluster());
  await loadCode(run.spec, { dir, runRecordedCode: options.runRecordedCode });
  const { deadline = deadlineOfCluster() } = options;
  using end = watchDeadline(deadline, { margin: 1000 * margin });
  const isLate = end.reached.aborted;
  const stop = AbortSignal.any([end.reached, ...(signal === undefined ? [] : [signal])]);
  const status = await runPlanned(run, { name, dir, stop, allowEnvironmentChange, print });
  if (isLate && status === EXIT.interrupted) {
    print(
      `not started: the deadline, ${
        new Date(deadline).toISOString()
      }, minus the margin of ${margin} s, has passed. Choose a later deadline or a smaller margin.`,
    );
  }
  return status;
}

/** Returns the end of the Slurm job in milliseconds since 1970; Infinity: none. */
function deadlineOfCluster(): number {
  const seconds = Number(Deno.env.get("SLURM_JOB_END_TIME") || Infinity);
  return seconds > 0 ? 1000 * seconds : Infinity;
}

/** Returns the index that a cluster assigned to this process. */
function indexOfCluster(): number {
  const given = INDEX_VARIABLES.map((name) => ({ name, value: Deno.env.get(name) || undefined }))
    .filter(({ value }) => value !== undefined);
  const [first] = given;
  const index = parseDecimal(first?.value ?? "");
  if (index !== undefined && given.every(({ value }) => value === first!.value)) return index;
  throw new UserError(
    `Cannot choose a run: expected an index after --index or in one of ${INDEX_VARIABLES.join(", ")}, got ` +
      (first === undefined ? "none" : given.map(({ name, value }) => `${name}=${value}`).join(" and ")),
  );
}

/** Returns the run at an index, from 0, of a folder's plan, and its description. */
function plannedRunAt(dir: string, index: number): { run: PlannedRun; name: string } {
  const plan = readPlan(dir);
  if (plan === undefined) {
    throw new UserError(
      `Cannot run: expected a folder with a plan, got ${dir} without ${planPath(dir)}. ` +
        `Create the plan with \`${typedCommand("cluster")}\` or \`${typedCommand("sweep")}\`.`,
    );
  }
  const run = plan.runs[index];
  if (run !== undefined) return { run, name: `run ${run.id} (${describer(plan.runs)(run)})` };
  throw new UserError(
    `Cannot run: expected an index from 0 to ${plan.runs.length - 1}, because ${planPath(dir)} has ` +
      `${plan.runs.length} runs, got ${index}`,
  );
}

/** Runs or resumes a run of a plan. */
async function runPlanned(
  run: PlannedRun,
  options: {
    name: string;
    dir: string;
    stop: AbortSignal;
    allowEnvironmentChange: boolean | undefined;
    print: (line: string) => void;
  },
): Promise<number> {
  const { name, dir, stop, allowEnvironmentChange = false, print } = options;
  const { log } = runPaths(runFolder(dir, run.id));
  if (isFinished(dir, run)) {
    print(`${name} is already finished`);
    return EXIT.ok;
  }
  if (stop.aborted) return EXIT.interrupted;
  print(`${name}: log in ${log}`);
  const process = new WorkerProcess({ dir, limits: {}, allowEnvironmentChange });
  const worker = process.run(run.id);
  const onStop = () => worker.kill("SIGTERM");
  stop.addEventListener("abort", onStop);
  const { code, cause } = await worker.ended;
  await process.end();
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
