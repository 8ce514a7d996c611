/**
 * Minimum and maximum of arrays of any size. `Math.min(...values)` throws a RangeError above about 125,000 values,
 * since arguments are passed on the stack.
 *
 * @module
 */

/** Returns the smallest value. Returns Infinity for an empty array, and NaN if any value is NaN. */
export function least(values: ArrayLike<number>): number {
  let found = Infinity;
  for (let i = 0; i < values.length; i++) found = Math.min(found, values[i]!);
  return found;
}

/** Returns the largest value. Returns -Infinity for an empty array, and NaN if any value is NaN. */
export function greatest(values: ArrayLike<number>): number {
  let found = -Infinity;
  for (let i = 0; i < values.length; i++) found = Math.max(found, values[i]!);
  return found;
}
