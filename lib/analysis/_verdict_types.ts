/**
 * Kinds and contents of verdicts.
 *
 * @module
 */

/**
 * Kind of a verdict.
 *
 * - `stable`: all losses are bit-identical, or two one-sided tests show a gap of the final validation loss within the tolerance:
 *   its interval at 1 - 2 (1 - level), 90 % by default, lies within ±tolerance.
 * - `degraded`, `improved`: the gap differs from 0 after Holm's correction over the comparisons of a report, and is not
 *   `stable`.
 * - `within noise`: the interval of the gap lies within the noise floor, and the gap is neither of the above.
 * - `diverged`: the other precision diverged, and the baseline did not.
 * - `undecided`: the pairs show none of the above.
 *
 * Without an effect of precision, the probability of any `degraded` or `improved` in a report is at most 1 - level. The
 * probability of `stable` is at most 1 - level for a gap outside of the tolerance. `docs/comparison.md` has the measured rates.
 */
export type VerdictKind = "stable" | "within noise" | "degraded" | "improved" | "diverged" | "undecided";

/** Verdict of a comparison. */
export interface Verdict {
  /** Kind of the verdict. */
  readonly kind: VerdictKind;
  /** Verdict as one sentence. */
  readonly sentence: string;
  /** Gap of the final validation loss in nats per token. NaN without a finite pair. */
  readonly gap: number;
  /** Half the width of its confidence interval at the comparison's level. Undefined if there is no interval. */
  readonly half: number | undefined;
  /** p-value of a gap of 0, by a two-sided t test. Undefined without a test. */
  readonly p: number | undefined;
  /** The p-value after Holm's correction over `comparisons`. */
  readonly adjustedP: number | undefined;
  /** Number of tests of the report, for Holm's correction. */
  readonly comparisons: number;
  /**
   * Smallest gap that equally many pairs detect with a probability of 0.8, in nats per token, at a significance level of
   * (1 - level) / `comparisons`. Undefined for fewer than two pairs.
   */
  readonly detectable: number | undefined;
  /** For `undecided`: number of additional pairs that decide with a probability of 0.8, if at most 1,000 pairs do. */
  readonly morePairs: number | undefined;
  /** For `diverged`: first step at which the other side of a pair diverged. */
  readonly step: number | undefined;
}

/** A verdict without its sentence. */
export type Judged = Omit<Verdict, "sentence">;
