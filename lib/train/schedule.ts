/**
 * The learning rate over a run: linear warm-up, then one of four ways to the end.
 *
 * @module
 */
import { RUN_FIELDS } from "../options/run_fields.ts";

/**
 * What follows the warm-up. `cosine` and `linear` go from the peak to the floor at the last step; `constant` stays at the
 * peak; `wsd` (warm-up, stable, decay: Hu 2024 *MiniCPM*, Hägele 2024 *Scaling Laws and Compute-Optimal Training Beyond
 * Fixed Training Durations*) stays at the peak and goes linearly to the floor in the last `decaySteps`.
 */
export type ScheduleName = typeof RUN_FIELDS.schedule.choices[number];

/** The names of schedules. */
export const SCHEDULES: readonly ScheduleName[] = RUN_FIELDS.schedule.choices;

/** The schedule's settings. */
export interface ScheduleConfig {
  /** What follows the warm-up. Default: cosine. */
  readonly schedule?: ScheduleName;
  /** Peak learning rate, reached at the end of the warm-up. */
  readonly lr: number;
  /** The rate at the last step; `constant` has no use for it. */
  readonly minLr: number;
  /** Steps of warm-up, in [0, steps). */
  readonly warmupSteps: number;
  /** Steps of decay at the end of `wsd`, in [1, steps - warmupSteps]; the others have no use for it. */
  readonly decaySteps?: number;
  /** Steps of the run. */
  readonly steps: number;
}

/**
 * The learning rate of a step.
 *
 * Warm-up is lr · step / (warmupSteps + 1), so that the first step is not lost at a rate of 0; then, for the cosine,
 * minLr + (lr - minLr) · (1 + cos(pi · progress)) / 2 with progress from 0 to 1 at the last step, and for the others as
 * {@linkcode ScheduleName} says.
 *
 * @param step From 1 to `steps`.
 */
export function learningRate(step: number, config: ScheduleConfig): number {
  const { schedule = "cosine", lr, minLr, warmupSteps, decaySteps = 0, steps } = config;
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
