/**
 * Learning rate schedules: linear warm-up, followed by one of four decays.
 *
 * @module
 */
import type { RUN_FIELDS } from "../options/run_fields.ts";

/**
 * Schedule after the warm-up. `cosine` and `linear` decay from the peak to the floor at the last step; `constant` stays
 * at the peak; `wsd` (warm-up, stable, decay: Hu 2024 *MiniCPM*, Hägele 2024 *Scaling Laws and Compute-Optimal Training
 * Beyond Fixed Training Durations*) stays at the peak and decays linearly to the floor in the last `decaySteps`.
 */
export type ScheduleName = typeof RUN_FIELDS.schedule.choices[number];

/** A schedule of a user: returns the learning rate of a step, from 1, at least 0. */
export type Schedule = (step: number, config: Omit<ScheduleConfig, "schedule">) => number;

/** Settings of a schedule. */
export interface ScheduleConfig {
  /** Schedule after the warm-up. Default: cosine. */
  readonly schedule?: ScheduleName | Schedule;
  /** Peak learning rate, reached at the end of the warm-up. */
  readonly lr: number;
  /** Learning rate at the last step; unused by `constant`. */
  readonly minLr: number;
  /** Steps of warm-up, in [0, steps). */
  readonly warmupSteps: number;
  /** Steps of decay at the end of `wsd`, in [1, steps - warmupSteps]; unused by the other schedules. */
  readonly decaySteps?: number;
  /** Steps of the run. */
  readonly steps: number;
}

/**
 * Returns the learning rate of a step.
 *
 * Warm-up is lr · step / (warmupSteps + 1), so that the first step does not have a rate of 0. The cosine is then minLr
 * + (lr - minLr) · (1 + cos(pi · progress)) / 2, where progress rises from 0 to 1 at the last step. The other schedules
 * are described in {@linkcode ScheduleName}.
 *
 * @param step From 1 to `steps`.
 * @throws {RangeError} If a user's schedule returns no number of at least 0.
 */
export function learningRate(step: number, config: ScheduleConfig): number {
  const { schedule = "cosine", lr, minLr, warmupSteps, decaySteps = 0, steps } = config;
  if (typeof schedule === "function") {
    const rate: unknown = schedule(step, config);
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
