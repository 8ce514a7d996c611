/**
 * Spikes: temporary or permanent rises of a training loss above the noise of its steps.
 *
 * @module
 */
import { least } from "../number/extent.ts";
import { median, medianResiduals, robustDeviation, runningMedians } from "./median.ts";

/** Window of the trailing median in steps. The first losses have no full window and are not tested. */
const WINDOW = 32;

/** Number of preceding windows whose lowest median is the baseline: a rise of up to 64 steps does not move it. */
const MEMORY = 64;

/** Window of the short median, which finds slow rises, in steps. */
const SHORT = 7;

/** Maximum number of steps on each side of a centered median, which measures noise around the trend. */
const SIDE = 32;

/** A single loss must rise further above the trend than the lowest loss lies below the trend, times this factor. */
const TAIL = 1.5;

/** Upper bound of the ratio of residuals around the baseline to residuals around the trend, for correlated noise. */
const CORRELATED = 1.35;

/** Options of {@linkcode spikes}. */
export interface SpikeOptions {
  /** Threshold in standard deviations of a step's loss. Default: 5. */
  readonly z?: number;
}

/**
 * Returns the first step of each spike of a training loss.
 *
 * Each loss is compared with a baseline: the lowest of the last 64 medians of 32 losses. A spike of up to 64 steps
 * cannot raise this baseline. A spike begins if one loss exceeds the baseline by more than `z` standard deviations and
 * by more than 1.5 times the deepest dip below the trend. A spike also begins if the median of 7 losses exceeds the
 * baseline by more than `z` standard deviations. The spike ends when neither condition holds, and the median of 7
 * losses is below half of the threshold. The standard deviation is estimated from the median absolute deviation of the
 * run's losses from the baseline.
 *
 * Detects jumps of one step, and slow rises. `docs/comparison.md` states false-positive rates and detection rates.
 * Non-finite losses are not spikes; {@linkcode countNonFinite} counts them. The first 32 losses are not tested.
 *
 * @param losses Losses by step, in nats per token.
 * @returns Indices into `losses`, one per spike, in ascending order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spikes } from "@losskit/losskit/analysis";
 *
 * const losses = Array.from({ length: 100 }, (_, i) => 2 + 0.01 * Math.sin(i));
 * losses[70] = 3;
 * assertEquals(spikes(losses), [70]);
 * ```
 */
export function spikes(losses: ArrayLike<number>, { z = 5 }: SpikeOptions = {}): number[] {
  const filled = withoutGaps(losses);
  if (filled.length <= WINDOW) return [];
  const above = aboveBaseline(filled), short = runningMedians(above, Math.min(SHORT, above.length));
  const shortAt = (i: number) => short[Math.max(0, i - SHORT + 1)]!;
  const aroundTrend = medianResiduals(filled, SIDE);
  const { middle, deviation } = noiseOf(above, {
    most: CORRELATED * robustDeviation(aroundTrend),
    isQuiet: (i, most) => !(shortAt(i) > z / 2 * most),
  });
  const slow = middle + z * deviation, end = middle + z / 2 * deviation;
  const fast = middle + Math.max(z * deviation, -TAIL * least(aroundTrend));
  const found: number[] = [];
  let isInside = false;
  for (let i = 0; i < above.length; i++) {
    const hit = above[i]! > fast || i >= SHORT - 1 && shortAt(i) > slow;
    if (hit && !isInside && Number.isFinite(losses[i + WINDOW]!)) found.push(i + WINDOW);
    isInside = hit || isInside && shortAt(i) > end;
  }
  return found;
}

/** Replaces non-finite losses by the preceding finite loss. Empty without finite losses. */
function withoutGaps(losses: ArrayLike<number>): Float64Array {
  let last = NaN;
  for (let i = 0; i < losses.length && Number.isNaN(last); i++) {
    if (Number.isFinite(losses[i]!)) last = losses[i]!;
  }
  if (Number.isNaN(last)) return new Float64Array(0);
  const filled = new Float64Array(losses.length);
  for (let i = 0; i < filled.length; i++) {
    if (Number.isFinite(losses[i]!)) last = losses[i]!;
    filled[i] = last;
  }
  return filled;
}

/** Returns losses minus the baseline, from loss {@linkcode WINDOW} on. */
function aboveBaseline(losses: Float64Array): Float64Array {
  const lowest = runningMinima(runningMedians(losses, WINDOW), MEMORY + 1);
  return losses.slice(WINDOW).map((loss, i) => loss - lowest[i]!);
}

/** Returns the minimum of each value and the values before it, `window` at most. */
function runningMinima(values: Float64Array, window: number): Float64Array {
  const queue = new Int32Array(values.length); // indices of ascending values, each below all later values
  let first = 0, end = 0;
  return values.map((value, i) => {
    while (end > first && values[queue[end - 1]!]! >= value) end--;
    queue[end++] = i;
    if (queue[first]! <= i - window) first++;
    return values[queue[first]!]!;
  });
}

/**
 * Returns center and standard deviation of losses above the baseline, without elevated steps. A steep trend adds to the
 * deviation, so that it is limited to `most`. Short runs have too few steps for the estimate, and get `most`.
 */
function noiseOf(
  above: Float64Array,
  { most, isQuiet }: { most: number; isQuiet: (i: number, most: number) => boolean },
): { middle: number; deviation: number } {
  const quiet = above.filter((_, i) => isQuiet(i, most));
  if (quiet.length < WINDOW) return { middle: 0, deviation: most };
  const middle = Math.max(0, median(quiet)); // a falling trend lies below the baseline
  return { middle, deviation: Math.min(most, robustDeviation(quiet.map((value) => value - middle))) };
}
