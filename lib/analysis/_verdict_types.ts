/**
 * Types of verdicts.
 *
 * @module
 */

/**
 * Kind of a verdict.
 *
 * - `stable`: all losses are bit-identical, or two one-sided tests show that the gap of the final validation loss is
 * within the tolerance. The gap's confidence interval at level 1 - 2 (1 - level), 90 % by default, then lies within
 * ±tolerance.
 * - `degraded`, `improved`: the gap differs from 0 after Holm's correction over the comparisons of a report, and is not
 *   `stable`.
 * - `within noise`: the confidence interval of the gap lies within the noise floor, and no kind above applies.
 * - `diverged`: runs in the compared precision diverged, and their baselines did not.
 * - `undecided`: no other kind applies.
 *
 * If precision has no effect, the probability of any `degraded` or `improved` in a report is at most 1 - level. If the
 * true gap is outside of the tolerance, the probability of `stable` is at most 1 - level. `docs/comparison.md` states
 * measured rates.
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
  /**
   * Half the width of the gap's confidence interval, in nats per token, at the comparison's level. Undefined if there
   * is no interval.
   */
  readonly half: number | undefined;
  /** p-value of a two-sided t test of a zero gap. Undefined without a test. */
  readonly p: number | undefined;
  /** p-value after Holm's correction over the tests of the report. Undefined without a test. */
  readonly adjustedP: number | undefined;
  /** Number of tests in the report. Holm's correction depends on this number. */
  readonly comparisons: number;
  /**
   * Smallest gap that the same number of pairs detects with a probability of 0.8, in nats per token. The significance
   * level is (1 - level) / `comparisons`. Undefined for fewer than two pairs.
   */
  readonly detectable: number | undefined;
  /**
   * For `undecided`: number of additional pairs that give another verdict with a probability of 0.8. Undefined if more
   * than 1,000 pairs are required.
   */
  readonly morePairs: number | undefined;
  /** For `diverged`: first step at which a run in the compared precision diverged. */
  readonly step: number | undefined;
}

/** A verdict without its sentence. */
export type Judged = Omit<Verdict, "sentence">;
