/**
 * What a sweep shows while it runs: a line for each run that is under way, and one that sums up.
 *
 * @module
 */
import type { LiveTable } from "../progress/live_table.ts";
import { formatBytes, formatDuration } from "../progress/progress.ts";
import { TimeLeft } from "../progress/time_left.ts";
import { lastStep, runFolder, runPaths } from "../record/mod.ts";
import type { Plan, PlannedRun } from "./plan.ts";
import { residentBytes } from "./worker_process.ts";

/** A run in a few words. */
export function describe({ spec }: PlannedRun): string {
  return `${spec.tokenizer}, T ${spec.T}, ${spec.policy}, seed ${spec.seed}`;
}

/** A sweep's progress on a table. */
export class SweepView {
  readonly #plan: Plan;
  readonly #dir: string;
  readonly #table: LiveTable;
  readonly #timeLeft = new TimeLeft();
  /** The same by run, for those that have been under way. */
  readonly #timesLeft = new Map<string, TimeLeft>();
  /** Steps done by run. */
  readonly #steps: Map<string, number>;
  readonly #done: Set<string>;
  readonly #failed = new Set<string>();
  /** Steps that were done before this sweep began: no measure of its speed. */
  #before: number;

  /**
   * @param plan The plan.
   * @param folder The sweep's folder, and the runs in it that are finished.
   * @param table Where it is shown.
   */
  constructor(plan: Plan, folder: { dir: string; finished: readonly PlannedRun[] }, table: LiveTable) {
    this.#plan = plan;
    this.#dir = folder.dir;
    this.#table = table;
    this.#done = new Set(folder.finished.map(({ id }) => id));
    this.#steps = new Map(
      plan.runs.map((run) => [run.id, this.#done.has(run.id) ? run.spec.steps : this.#stepOf(run)]),
    );
    this.#before = this.#total();
  }

  /** A line of its own. */
  log(line: string): void {
    this.#table.log(line);
  }

  /** A run is finished. */
  done(run: PlannedRun): void {
    this.#done.add(run.id);
    this.#steps.set(run.id, run.spec.steps); // also of one that patience ended
  }

  /** A run is given up. */
  failed(run: PlannedRun): void {
    this.#failed.add(run.id);
  }

  /** A finished run does not count. */
  again(run: PlannedRun): void {
    this.#done.delete(run.id);
    this.#before -= run.spec.steps;
    this.#steps.set(run.id, 0);
  }

  /** Redraws. */
  draw(going: ReadonlyMap<string, { pid: number }>, failed: number): void {
    const running = this.#plan.runs.filter(({ id }) => going.has(id));
    const lines = running.map((run) => this.#line(run, going.get(run.id)!.pid));
    this.#table.update([...lines, this.#sum(failed)]);
  }

  /** Leaves the last word. */
  finish(finished: number): void {
    this.#table.finish(`${this.#plan.name}: ${finished} of ${this.#plan.runs.length} runs finished`);
  }

  #line(run: PlannedRun, pid: number): string {
    const last = lastStep(runPaths(runFolder(this.#dir, run.id)).journal);
    const { steps } = run.spec, step = last?.step ?? 0;
    this.#steps.set(run.id, step);
    const timeLeft = this.#timesLeft.get(run.id) ?? new TimeLeft();
    this.#timesLeft.set(run.id, timeLeft);
    const left = timeLeft.estimate(step, steps, performance.now());
    const figures = [`${step} of ${steps} steps`];
    if (last !== undefined) {
      figures.push(`loss ${last.loss.toFixed(4)}`, `${Math.round(last.tokensPerSecond)} tokens/s`);
    }
    if (left !== undefined) figures.push(`${formatDuration(left)} left`);
    const bytes = residentBytes(pid);
    if (bytes !== undefined) figures.push(formatBytes(bytes));
    return `${run.id}  ${describe(run)}: ${figures.join(", ")}`;
  }

  #sum(failed: number): string {
    const total = this.#plan.runs.filter(({ id }) => !this.#failed.has(id))
      .reduce((sum, run) => sum + run.spec.steps, 0);
    const now = this.#total(), before = this.#before;
    const seconds = this.#timeLeft.estimate(now - before, total - before, performance.now());
    const left = seconds === undefined ? "" : `, ${formatDuration(seconds)} left`;
    const runs = `${this.#done.size} of ${this.#plan.runs.length} runs done`;
    return `${this.#plan.name}: ${now} of ${total} steps${left} · ${runs}${
      failed > 0 ? `, ${failed} failed` : ""
    }`;
  }

  #total(): number {
    return this.#plan.runs.filter(({ id }) => !this.#failed.has(id))
      .reduce((sum, { id }) => sum + (this.#steps.get(id) ?? 0), 0);
  }

  #stepOf(run: PlannedRun): number {
    return lastStep(runPaths(runFolder(this.#dir, run.id)).journal)?.step ?? 0;
  }
}
