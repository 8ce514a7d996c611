/**
 * Blocks of steps, and the step at which a run diverges.
 *
 * @module
 */
import { least } from "../number/extent.ts";
import { medianResiduals, robustDeviation, runningMedians } from "./median.ts";

/** A block of consecutive steps. */
export interface Block {
  /** First step, from 1. */
  readonly first: number;
  /** Last step, inclusive. */
  readonly last: number;
}

/** Maximum number of blocks into which a run's steps are split. */
export const BLOCKS = 20;

/** Splits steps 1 to `steps` into at most 20 blocks of equal length. The last block may be shorter. */
export function blocksOf(steps: number): Block[] {
  const length = Math.max(1, Math.ceil(steps / BLOCKS));
  return Array.from({ length: Math.ceil(steps / length) }, (_, i) => ({
    first: i * length + 1,
    last: Math.min(steps, (i + 1) * length),
  }));
}

/**
 * Returns the mean of the finite values of each block, or NaN for a block without finite values. The first value
 * belongs to step 1.
 */
export function blockMeans(values: ArrayLike<number>, blocks: readonly Block[]): number[] {
  return blocks.map(({ first, last }) => {
    let sum = 0, count = 0;
    for (let i = first - 1; i < Math.min(last, values.length); i++) {
      if (Number.isFinite(values[i]!)) sum += values[i]!, count++;
    }
    return sum / count;
  });
}

/**
 * Returns the index from which all values of a list are true until its end. Returns undefined if the last value is
 * false.
 *
 * With a list of test results per block, this is fixed-sequence testing from the last block backward. The sequence
 * stops at the first test that is not significant. Each test may therefore use the full significance level (Maurer,
 * Hothorn and Lehmacher 1995).
 */
export function tailBegin(found: readonly boolean[]): number | undefined {
  const lastFalse = found.lastIndexOf(false);
  return lastFalse === found.length - 1 ? undefined : lastFalse + 1;
}

/** Window of the running median, in steps. A median ignores temporary spikes. */
const WINDOW = 32;

/**
 * Minimum rise above noise, in standard deviations of a step's loss. Short runs contain few independent values of correlated noise,
 * and require `short` / steps more.
 */
const NOISE = { long: 8, short: 400 };

/** Number of steps on each side of the centered median, around which noise is measured. */
const SIDE = 64;

/** Minimum length of a half of a run whose noise is measured separately, in steps. */
const HALF = 50;

/** Minimum rise in nats per token. The loss of a model that does not learn fluctuates in its last digits. */
const LEAST = 0.05;

/**
 * Returns the step at which a run diverged, or undefined if the run did not diverge.
 *
 * A run has diverged if its losses stay non-finite until the end. A run has also diverged if its running median of 32
 * losses (or of a quarter of a shorter run) stays far above its minimum until the end. The rise must exceed each of
 * three thresholds: half of the progress so far, 8 + 400 / steps standard deviations of a single loss, and 0.05 nats.
 * The standard deviation is measured around a centered median of 129 losses, in the quieter half of the run. For runs
 * of at least 100 steps, less than 1 % of stationary curves with an autocorrelation of up to 0.95 count as diverged.
 *
 * @param losses Training losses by step, from step 1, in nats per token.
 */
export function divergedAt(losses: ArrayLike<number>): number | undefined {
  const finite = new Float64Array(losses).map((loss) => Number.isFinite(loss) ? loss : Infinity);
  const lastFinite = finite.findLastIndex(Number.isFinite);
  if (lastFinite < losses.length - 1) return lastFinite + 2;
  const window = Math.min(WINDOW, Math.floor(losses.length / 4));
  if (window < 2) return undefined; // too few to separate a rise from noise
  const medians = runningMedians(finite, window);
  const lowest = least(medians);
  const rise = (NOISE.long + NOISE.short / losses.length) * noiseOf(finite.filter(Number.isFinite));
  const line = lowest + Math.max((medians[0]! - lowest) / 2, rise, LEAST);
  if (!(medians.at(-1)! > line)) return undefined;
  const under = medians.findLastIndex((one) => one <= line);
  // The median crosses the line when half of the window has. Return the first of these losses.
  const first = finite.findIndex((loss, i) => i > under && loss > line);
  return first + 1;
}

/** Returns the standard deviation of a step's loss around the trend, in the quieter half of a run. */
function noiseOf(losses: Float64Array): number {
  const residuals = medianResiduals(losses, Math.min(SIDE, (losses.length - 1) >> 1));
  const middle = losses.length >> 1;
  if (middle < HALF) return robustDeviation(residuals);
  return Math.min(
    robustDeviation(residuals.subarray(0, middle)),
    robustDeviation(residuals.subarray(middle)),
  );
}
