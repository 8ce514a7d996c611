/**
 * Means of few values, with confidence intervals and tests by Student's t distribution.
 *
 * @module
 */
import tCdf from "@stdlib/stats-base-dists-t-cdf";

/** Default confidence level. */
export const DEFAULT_LEVEL = 0.95;

/** A mean with its confidence interval. */
export interface Estimate {
  /** Mean. NaN without values. */
  readonly mean: number;
  /** Half the width of the confidence interval. Undefined for fewer than two values. */
  readonly half: number | undefined;
  /** Standard deviation of the values (denominator n - 1). Undefined for fewer than two values. */
  readonly sd: number | undefined;
  /** Number of values. */
  readonly n: number;
}

/**
 * Returns the quantile of Student's t distribution.
 *
 * @param p Probability in (0, 1).
 * @param df Degrees of freedom, at least 1.
 */
export function tQuantile(p: number, df: number): number {
  if (p === 0.5) return 0;
  if (p > 0.5) return -tQuantile(1 - p, df);
  const key = `${p} ${df}`, known = quantiles.get(key);
  if (known !== undefined) return known;
  // stdlib's own quantile reads all environment variables, which commands without that permission may not.
  let low = -1, high = 0;
  while (tCdf(low, df) > p) high = low, low *= 2;
  for (let middle = (low + high) / 2; middle !== low && middle !== high; middle = (low + high) / 2) {
    if (tCdf(middle, df) > p) high = middle;
    else low = middle;
  }
  quantiles.set(key, low);
  return low;
}

/** Known quantiles of the lower half by probability and degrees of freedom. */
const quantiles = new Map<string, number>();

/** Returns the two-sided p-value of a t statistic with `df` degrees of freedom. */
export function tTwoSidedP(t: number, df: number): number {
  return 2 * tCdf(-Math.abs(t), df);
}

/**
 * Returns the mean of independent values with its two-sided confidence interval, mean ± t(n - 1) sd / √n (Student 1908). For
 * differences within pairs, this is the paired t interval.
 *
 * The coverage is exact for normally distributed values, and conservative for most distributions with heavier tails.
 *
 * @param values Finite values.
 * @param level Confidence level in (0, 1). Default: 0.95.
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

/** Returns the two-sided p-value of the t test of a zero mean. Returns undefined for fewer than two values. */
export function meanP({ mean, sd, n }: Estimate): number | undefined {
  if (sd === undefined) return undefined;
  if (sd === 0) return mean === 0 ? 1 : 0;
  return tTwoSidedP(mean / (sd / Math.sqrt(n)), n - 1);
}

/**
 * Adjusts p-values for multiple comparisons by Holm's step-down method (1979), and returns them in the same order. If
 * hypotheses with adjusted values below 0.05 are rejected, the probability of any false rejection is at most 5 %. This
 * holds for every dependence of the tests.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const adjusted = new Array<number>(values.length);
  let largest = 0;
  order.forEach((i, rank) =>
    adjusted[i] = largest = Math.max(largest, Math.min(1, (values.length - rank) * values[i]!))
  );
  return adjusted;
}

/**
 * Returns the two-sided p-value of a zero mean under random sign flips, by Fisher's exact test for pairs (1935). Does
 * not assume a normal distribution. The smallest possible p-value of n pairs is 2 / 2^n.
 *
 * @param values Finite values, at most 16, because all sign combinations are enumerated.
 * @throws {RangeError} For more than 16 values.
 */
export function signFlipP(values: readonly number[]): number {
  const n = values.length;
  if (n > 16) throw new RangeError(`Cannot enumerate all signs: expected at most 16 values, got ${n}`);
  const found = Math.abs(values.reduce((sum, x) => sum + x, 0));
  const slack = 1e-12 * values.reduce((sum, x) => sum + Math.abs(x), 0); // tolerance for another order of summation
  let asFar = 0;
  for (let signs = 0; signs < 2 ** n; signs++) {
    const sum = values.reduce((sum, x, i) => sum + (signs >> i & 1 ? -x : x), 0);
    if (Math.abs(sum) >= found - slack) asFar++;
  }
  return asFar / 2 ** n;
}

/** Returns the mean, or NaN for an empty list. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** Returns the standard deviation (denominator n - 1), or NaN for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}
