/**
 * Means of few values with their intervals, by Student's t. Plain numbers.
 *
 * @module
 */
import jstat from "jstat";

/** How sure intervals are, where nobody says otherwise: 95 of 100 of them hold the true value. */
export const DEFAULT_LEVEL = 0.95;

/** A mean, and how far the truth may be from it. */
export interface Estimate {
  /** The mean; NaN of no values. */
  readonly mean: number;
  /** Half the width of the interval around it; undefined: one value alone, or none, has no interval. */
  readonly half: number | undefined;
  /** Standard deviation of the values (n - 1 in the denominator); undefined as `half` is. */
  readonly sd: number | undefined;
  /** How many values it is from. */
  readonly n: number;
}

/**
 * The value that a t-distributed number stays below with probability `p`.
 *
 * @param p In (0, 1).
 * @param df Degrees of freedom, at least 1.
 */
export function tQuantile(p: number, df: number): number {
  return p === 0.5 ? 0 : jstat.studentt.inv(p, df);
}

/**
 * The mean of independent values with its two-sided interval, mean ± t(n - 1) sd / √n (Student 1908). Of differences of
 * pairs it is the paired t interval: what the members of a pair share is no part of its width.
 *
 * It is exact for normal values, and on the safe side for most with heavier tails.
 *
 * @param values Finite.
 * @param level How sure, in (0, 1); default 0.95.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { estimate } from "@losskit/losskit/analysis";
 *
 * const { mean, half } = estimate([1, 2, 3]);
 * assertAlmostEquals(mean, 2);
 * assertAlmostEquals(half!, 4.302653 / Math.sqrt(3), 1e-5); // t of 2 degrees of freedom: 4.302653
 * ```
 */
export function estimate(values: readonly number[], level: number = DEFAULT_LEVEL): Estimate {
  const n = values.length;
  const mean = meanOf(values);
  if (n < 2) return { mean, half: undefined, sd: undefined, n };
  const sd = standardDeviation(values);
  return { mean, sd, n, half: tQuantile((1 + level) / 2, n - 1) * sd / Math.sqrt(n) };
}

/**
 * How probable a mean as far from 0 is, if each value were as probable with the other sign: Fisher's exact test for
 * pairs (1935). It asks for no distribution, but of n pairs it can say no less than 2 / 2^n.
 *
 * @param values Finite, at most 16: all their signs are tried.
 * @throws {RangeError} for more.
 */
export function signFlipP(values: readonly number[]): number {
  const n = values.length;
  if (n > 16) throw new RangeError(`Cannot try all signs: wanted at most 16 values: given ${n}`);
  const found = Math.abs(values.reduce((sum, x) => sum + x, 0));
  const slack = 1e-12 * values.reduce((sum, x) => sum + Math.abs(x), 0); // sums in another order
  let asFar = 0;
  for (let signs = 0; signs < 2 ** n; signs++) {
    const sum = values.reduce((sum, x, i) => sum + (signs >> i & 1 ? -x : x), 0);
    if (Math.abs(sum) >= found - slack) asFar++;
  }
  return asFar / 2 ** n;
}

/** The mean; NaN of none. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** The standard deviation, with n - 1 in the denominator; NaN of fewer than two. */
export function standardDeviation(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}
