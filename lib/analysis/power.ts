/**
 * Statistical power of comparisons: detectable effects, and the numbers of pairs required for a decision.
 *
 * @module
 */
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import { type Estimate, tQuantile } from "./student.ts";

/** Power for which detectable effects and required numbers of pairs are stated. */
export const POWER = 0.8;

/** Number of pairs above which no number is stated. */
const MOST_PAIRS = 1000;

/** Criteria of a decision: a verdict other than `undecided`. */
export interface Criteria {
  /** Significance level of the two-sided t test, after correction for multiple comparisons. */
  readonly alpha: number;
  /** Level of each of the two one-sided tests of equivalence. Default: `alpha`. */
  readonly equivalence?: number;
  /** Equivalence margin in nats per token. Default: 0, which excludes equivalence. */
  readonly tolerance?: number;
  /** Noise floor in nats per token. Default: 0, which means no noise floor. */
  readonly floor?: number;
}

/**
 * Returns the probability that `n` pairs give a decision: a significant effect, or a confidence interval within the
 * tolerance or the noise floor. Assumes normally distributed gaps. Integrates over the distribution of the sample's
 * standard deviation, which is equivalent to the noncentral t distribution.
 *
 * @param effect True mean and true standard deviation of the gaps, in nats per token.
 * @param n Number of pairs, at least 2.
 */
export function power(
  { mean, sd }: { mean: number; sd: number },
  n: number,
  { alpha, equivalence = alpha, tolerance = 0, floor = 0 }: Criteria,
): number {
  const df = n - 1, se = sd / Math.sqrt(n);
  const significant = tQuantile(1 - alpha / 2, df) * se;
  const [oneSided, twoSided] = [
    tQuantile(Math.max(0.5, 1 - equivalence), df) * se,
    tQuantile(1 - equivalence / 2, df) * se,
  ];
  const below = (value: number) => normalCdf(value, mean, se);
  let total = 0, weights = 0;
  const widest = 1 + 8 / Math.sqrt(df);
  for (let k = 0; k < NODES; k++) {
    const u = (k + 0.5) / NODES, q = widest * u * u; // sample standard deviation / sd; denser near 0
    const weight = u * Math.exp((df - 1) * Math.log(q) - df * (q * q - 1) / 2);
    const outside = significant * q, inside = Math.max(tolerance - oneSided * q, floor - twoSided * q, 0);
    const decided = inside >= outside
      ? 1
      : below(-outside) + 1 - below(outside) + below(inside) - below(-inside);
    total += weight * decided, weights += weight;
  }
  return total / weights;
}

/** Number of nodes of the midpoint rule. The error of the power is below 1e-4. */
const NODES = 128;

/**
 * Returns the smallest effect that the same number of pairs with the same standard deviation detects with a probability
 * of 0.8. The effect is in the unit of the estimate. Returns undefined for fewer than two pairs.
 *
 * @param estimate Mean gap.
 * @param alpha Significance level of the two-sided test.
 */
export function detectable({ sd, n }: Estimate, alpha: number): number | undefined {
  return sd === undefined ? undefined : sd * detectableInDeviations(n, alpha);
}

/** Returns the detectable effect of `n` pairs with a standard deviation of 1. */
function detectableInDeviations(n: number, alpha: number): number {
  const key = `${n} ${alpha}`, known = detectableSizes.get(key);
  if (known !== undefined) return known;
  let low = 0, high = 20 * tQuantile(1 - alpha / 2, n - 1) / Math.sqrt(n);
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (power({ mean: middle, sd: 1 }, n, { alpha }) < POWER) low = middle;
    else high = middle;
  }
  detectableSizes.set(key, high);
  return high;
}

/** Known detectable effects by number of pairs and level. */
const detectableSizes = new Map<string, number>();

/**
 * Returns the number of pairs that give a decision with a probability of 0.8. Assumes that the true mean and standard
 * deviation equal the given values. Returns undefined if more than 1,000 pairs are required.
 *
 * @param effect Mean and standard deviation of gaps, in nats per token.
 * @param least Smallest number of pairs to consider, at least 2.
 */
export function pairsToDecide(
  effect: { mean: number; sd: number },
  criteria: Criteria,
  least: number,
): number | undefined {
  const decides = (n: number) => power(effect, n, criteria) >= POWER;
  if (!decides(MOST_PAIRS)) return undefined;
  let low = least - 1, high = MOST_PAIRS;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (decides(middle)) high = middle;
    else low = middle;
  }
  return high;
}
