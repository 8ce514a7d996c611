/**
 * Learning rate schedules: linear warm-up, followed by one of four schedules or a user-written function.
 *
 * @module
 */
import type { RUN_FIELDS } from "../options/run_fields.ts";

/**
 * Name of the schedule after the warm-up.
 *
 * - `cosine` and `linear` decay from the peak `lr` to `minLr` at the last step.
 * - `constant` stays at `lr`.
 * - `wsd` (warm-up, stable, decay) stays at `lr` and decays linearly to `minLr` in the last `decaySteps` steps.
 *   Sources: Hu 2024 *MiniCPM*; Hägele 2024 *Scaling Laws and Compute-Optimal Training Beyond Fixed Training
 *   Durations*.
 */
export type ScheduleName = typeof RUN_FIELDS.schedule.choices[number];

/**
 * A user-written schedule. It returns the learning rate of step `step`, which counts from 1. The rate must be finite
 * and at least 0. The function also determines the rates of the warm-up.
 */
export type Schedule = (step: number, config: Omit<ScheduleConfig, "schedule">) => number;

/** Settings of a schedule. */
export interface ScheduleConfig {
  /** Schedule after the warm-up. Default: cosine. */
  readonly schedule?: ScheduleName | Schedule;
  /** Peak learning rate, reached at the first step after the warm-up. */
  readonly lr: number;
  /** Learning rate at the last step. Not used by `constant`. */
  readonly minLr: number;
  /** Number of steps of warm-up, in [0, steps). */
  readonly warmupSteps: number;
  /** Number of steps of decay at the end of `wsd`, in [1, steps - warmupSteps]. Not used by the other schedules. */
  readonly decaySteps?: number;
  /** Number of steps of the run. */
  readonly steps: number;
}

/**
 * Returns the learning rate of a step.
 *
 * The rate during warm-up is lr · step / (warmupSteps + 1), so that the first step does not have a rate of 0. The
 * cosine schedule is minLr + (lr - minLr) · (1 + cos(π · progress)) / 2. Its progress rises from 0 after the warm-up to
 * 1 at the last step. {@linkcode ScheduleName} describes the other schedules.
 *
 * @param step Number of the step, from 1 to `steps`.
 * @param config Settings of the schedule.
 * @throws {RangeError} If a user-written schedule does not return a finite number of at least 0.
 */
export function learningRate(step: number, config: ScheduleConfig): number {
  const { schedule = "cosine", lr, minLr, warmupSteps, decaySteps = 0, steps } = config;
  if (typeof schedule === "function") {
    const rate: unknown = schedule(step, Object.freeze({ ...config }));
    if (typeof rate === "number" && rate >= 0 && rate < Infinity) return rate;
    throw new RangeError(
      `Cannot train: expected the schedule to return a learning rate of at least 0, got ${rate} at step ${step}.`,
    );
  }
  if (step <= warmupSteps) return lr * step / (warmupSteps + 1);
  if (schedule === "constant") return lr;
  if (schedule === "wsd") {
    const stable = steps - decaySteps;
    return step <= stable ? lr : minLr + (lr - minLr) * (steps - step) / decaySteps;
  }
  if (steps <= warmupSteps + 1) return lr;
  const progress = Math.min(1, (step - warmupSteps - 1) / (steps - warmupSteps - 1));
  if (schedule === "linear") return minLr + (lr - minLr) * (1 - progress);
  return minLr + (lr - minLr) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
