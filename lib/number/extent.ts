/**
 * The least and the greatest of any number of values. `Math.min(...values)` ends in a RangeError from about 125,000 values
 * on, since arguments lie on the stack.
 *
 * @module
 */

/** Returns the least value; Infinity of none, NaN where any is NaN. */
export function least(values: ArrayLike<number>): number {
  let found = Infinity;
  for (let i = 0; i < values.length; i++) found = Math.min(found, values[i]!);
  return found;
}

/** Returns the greatest value; -Infinity of none, NaN where any is NaN. */
export function greatest(values: ArrayLike<number>): number {
  let found = -Infinity;
  for (let i = 0; i < values.length; i++) found = Math.max(found, values[i]!);
  return found;
}
