/**
 * Medians.
 *
 * @module
 */

/** Returns the median: for an even count the mean of the two middle values, NaN for an empty list. */
export function median(values: ArrayLike<number>): number {
  const sorted = new Float64Array(values).sort();
  const middle = sorted.length / 2;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Returns the running medians of a list. Equal to {@linkcode median} of each window, without repeated sorting.
 *
 * @param values Values without NaN. May be infinite.
 * @param window Window length, from 1 to the number of values.
 * @returns One median per window, in order.
 */
export function runningMedians(values: ArrayLike<number>, window: number): Float64Array {
  const sorted = Float64Array.from({ length: window }, (_, i) => values[i]!).sort();
  const upper = window >> 1, lower = (window - 1) >> 1;
  const middle = () => lower === upper ? sorted[upper]! : (sorted[lower]! + sorted[upper]!) / 2;
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
