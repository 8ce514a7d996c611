/**
 * Progress of a sweep in its report.
 *
 * @module
 */
import { count } from "../../analysis/mod.ts";
import { formatDuration } from "../../progress/progress.ts";
import { facts, section } from "./_tables.ts";

/** A run in progress. */
export interface RunningRun {
  /** Run ID. */
  readonly id: string;
  /** Description: tokenizer, T, precision and seed. */
  readonly name: string;
  /** Number of completed steps. */
  readonly step: number;
  /** Total number of steps. */
  readonly steps: number;
  /** Estimated remaining time of the run in seconds. Undefined before the first step of the sweep. */
  readonly secondsLeft: number | undefined;
}

/**
 * Progress of a planned sweep. Planned runs that are neither finished, failed nor running have not started, or were
 * interrupted.
 */
export interface ReportProgress {
  /** Number of planned runs. */
  readonly planned: number;
  /** Number of finished runs. */
  readonly finished: number;
  /** Number of failed runs. */
  readonly failed: number;
  /** Runs in progress. */
  readonly running: readonly RunningRun[];
  /** Estimated seconds until all runs are finished. Undefined if no run is in progress. */
  readonly secondsLeft: number | undefined;
}

/**
 * Returns the progress of a sweep and of its active runs as HTML. Returns an empty string without a plan, and once all
 * runs are finished.
 */
export function progressOf(progress: ReportProgress | undefined): string {
  if (progress === undefined || progress.finished === progress.planned) return "";
  const { planned, finished, failed, running, secondsLeft } = progress;
  const waiting = planned - finished - failed - running.length;
  const left = (seconds: number | undefined) =>
    seconds === undefined ? "" : `about ${formatDuration(seconds)} left`;
  const states = [
    `${finished} of ${count(planned, "planned run")} finished`,
    `${running.length} running`,
    `${waiting} waiting`,
    ...failed > 0 ? [`${failed} failed`] : [],
    ...secondsLeft === undefined ? [] : [left(secondsLeft)],
  ];
  const rows = running.map(({ id, name, step, steps, secondsLeft }) =>
    [
      `${id}: ${name}`,
      `step ${step} of ${steps}${step > 0 && secondsLeft !== undefined ? `, ${left(secondsLeft)}` : ""}`,
    ] as const
  );
  return section(
    "Progress",
    `${states.join(", ")}.`,
    `<progress class="progress" max="${planned}" value="${finished}"></progress>` +
      (rows.length === 0 ? "" : facts("Running", rows)),
  );
}
