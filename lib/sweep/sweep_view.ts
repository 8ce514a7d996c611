/**
 * Live display of a sweep: one line per active run, and a summary.
 *
 * @module
 */
import { precisionLabel } from "../precision/mod.ts";
import type { LiveTable } from "../progress/live_table.ts";
import { formatBytes, formatDuration } from "../progress/progress.ts";
import { TimeLeft } from "../progress/time_left.ts";
import type { NamedLine } from "../progress/width.ts";
import {
  fieldText,
  isPerturbed,
  lastStep,
  perturbationOf,
  runFolder,
  runPaths,
  type RunSpec,
  varyingFields,
} from "../record/mod.ts";
import type { Plan, PlannedRun } from "./plan_file.ts";
import { residentBytes } from "./worker_process.ts";

/**
 * Fields that a description shows anyway, or that all runs of a plan share. Other fields are described only if the runs
 * differ in them.
 */
export const DESCRIBED: readonly (keyof RunSpec)[] = [
  ...["tokenizer", "T", "policy", "overrides", "seed", "perturb", "reorder", "threads", "data"] as const,
];

/**
 * Returns a function that describes a run of a plan in a few words.
 *
 * @param runs All runs of the plan. The description includes each field in which these runs differ.
 */
export function describer(runs: readonly PlannedRun[]): (run: PlannedRun) => string {
  const fields = varyingFields(runs.map(({ spec }) => spec), DESCRIBED);
  return ({ spec }) =>
    [describe(spec), ...fields.map((field) => `${field} ${fieldText(spec, field)}`)].join(", ");
}

/** Returns a short description of a run: vocabulary, T, precision, seed and perturbation. */
export function describe(spec: RunSpec): string {
  const perturbation = isPerturbed(spec) ? `, ${perturbationOf(spec)}` : "";
  return `${spec.tokenizer}, T = ${spec.T}, ${precisionLabel(spec)}, seed ${spec.seed}${perturbation}`;
}

/** Progress of a sweep in a live table. */
export class SweepView {
  /** Describes a run of the plan in a few words. */
  readonly describe: (run: PlannedRun) => string;
  readonly #plan: Plan;
  readonly #dir: string;
  readonly #table: LiveTable;
  readonly #timeLeft = new TimeLeft();
  /** Remaining time by active run. */
  readonly #timesLeft = new Map<string, TimeLeft>();
  /** Number of completed steps by run. */
  readonly #steps: Map<string, number>;
  readonly #done: Set<string>;
  readonly #failed = new Set<string>();
  /** Number of steps that were completed before this sweep. Excluded from the speed estimate. */
  #before: number;

  /**
   * Creates a view.
   *
   * @param plan The plan.
   * @param folder `dir`: the sweep's folder. `finished`: its finished runs.
   * @param table The live table.
   */
  constructor(plan: Plan, folder: { dir: string; finished: readonly PlannedRun[] }, table: LiveTable) {
    this.describe = describer(plan.runs);
    this.#plan = plan;
    this.#dir = folder.dir;
    this.#table = table;
    this.#done = new Set(folder.finished.map(({ id }) => id));
    this.#steps = new Map(
      plan.runs.map((run) => [run.id, this.#done.has(run.id) ? run.spec.steps : this.#stepOf(run)]),
    );
    this.#before = this.#total();
  }

  /** Prints a log line. */
  log(line: string): void {
    this.#table.log(line);
  }

  /** Marks a run as finished. */
  done(run: PlannedRun): void {
    this.#done.add(run.id);
    this.#steps.set(run.id, run.spec.steps); // also after early stopping
  }

  /** Marks a run as failed. */
  failed(run: PlannedRun): void {
    this.#failed.add(run.id);
  }

  /** Marks a finished run as pending again. */
  again(run: PlannedRun): void {
    this.#done.delete(run.id);
    this.#before -= run.spec.steps;
    this.#steps.set(run.id, 0);
  }

  /** Redraws the table. */
  draw(going: ReadonlyMap<string, { pid: number }>, failed: number): void {
    const running = this.#plan.runs.filter(({ id }) => going.has(id));
    const lines = running.map((run) => this.#line(run, going.get(run.id)!.pid));
    this.#table.update([...lines, this.#sum(failed)]);
  }

  /** Prints the final summary. */
  finish(finished: number): void {
    this.#table.finish(`${this.#plan.name}: ${finished} of ${this.#plan.runs.length} runs finished`);
  }

  #line(run: PlannedRun, pid: number): NamedLine {
    const last = lastStep(runPaths(runFolder(this.#dir, run.id)).journal);
    const { steps } = run.spec, step = last?.step ?? 0;
    this.#steps.set(run.id, step);
    const timeLeft = this.#timesLeft.get(run.id) ?? new TimeLeft();
    this.#timesLeft.set(run.id, timeLeft);
    const left = timeLeft.estimate(step, steps, performance.now());
    const metrics = [`${step} of ${steps} steps`];
    if (last !== undefined) metrics.push(`loss ${last.loss.toFixed(4)}`);
    if (left !== undefined) metrics.push(`${formatDuration(left)} left`);
    if (last !== undefined) metrics.push(`${Math.round(last.tokensPerSecond)} tokens/s`);
    const bytes = residentBytes(pid);
    if (bytes !== undefined) metrics.push(formatBytes(bytes));
    return { name: `${run.id}  ${this.describe(run)}`, metrics, share: step / steps };
  }

  #sum(failed: number): NamedLine {
    const total = this.#plan.runs.filter(({ id }) => !this.#failed.has(id))
      .reduce((sum, run) => sum + run.spec.steps, 0);
    const now = this.#total(), before = this.#before;
    const seconds = this.#timeLeft.estimate(now - before, total - before, performance.now());
    const metrics = [`${now} of ${total} steps`];
    if (seconds !== undefined) metrics.push(`${formatDuration(seconds)} left`);
    metrics.push(`${this.#done.size} of ${this.#plan.runs.length} runs done`);
    if (failed > 0) metrics.push(`${failed} failed`);
    return { name: this.#plan.name, metrics, share: now / total };
  }

  #total(): number {
    return this.#plan.runs.filter(({ id }) => !this.#failed.has(id))
      .reduce((sum, { id }) => sum + (this.#steps.get(id) ?? 0), 0);
  }

  #stepOf(run: PlannedRun): number {
    return lastStep(runPaths(runFolder(this.#dir, run.id)).journal)?.step ?? 0;
  }
}
