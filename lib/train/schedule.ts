/**
 * The learning rate over a run: linear warm-up, then a cosine down to a floor.
 *
 * @module
 */

/** The schedule's settings. */
export interface ScheduleConfig {
  /** Peak learning rate, reached at the end of the warm-up. */
  readonly lr: number;
  /** The rate at the last step. */
  readonly minLr: number;
  /** Steps of warm-up, in [0, steps). */
  readonly warmupSteps: number;
  /** Steps of the run. */
  readonly steps: number;
}

/**
 * The learning rate of a step.
 *
 * Warm-up is lr · step / (warmupSteps + 1), so that the first step is not lost at a rate of 0; then
 * minLr + (lr - minLr) · (1 + cos(pi · progress)) / 2 with progress from 0 to 1 at the last step.
 *
 * @param step From 1 to `steps`.
 */
export function learningRate(step: number, { lr, minLr, warmupSteps, steps }: ScheduleConfig): number {
  if (step <= warmupSteps) return lr * step / (warmupSteps + 1);
  if (steps <= warmupSteps + 1) return lr;
  const progress = (step - warmupSteps - 1) / (steps - warmupSteps - 1);
  return minLr + (lr - minLr) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
