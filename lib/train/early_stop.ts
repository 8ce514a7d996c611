/**
 * Early stopping: tracks the best evaluation and the evaluations since. Plain data, for checkpoints.
 *
 * @module
 */

/** Early stopping criterion. */
export interface EarlyStopConfig {
  /** Number of evaluations without improvement after which a run ends; 0: never. */
  readonly patience: number;
  /** Minimum decrease of the best loss that counts as an improvement, in nats. */
  readonly minDelta: number;
}

/** Summary of a run's evaluations. */
export interface EvaluationHistory {
  /** The best loss and its step; undefined before the first finite loss. */
  readonly best: { readonly step: number; readonly loss: number } | undefined;
  /** Number of evaluations since the last improvement. */
  readonly waited: number;
}

/** History before the first evaluation. */
export const NO_HISTORY: EvaluationHistory = { best: undefined, waited: 0 };

/**
 * Records an evaluation. A loss that is NaN or infinite is not an improvement.
 *
 * @returns The new history, whether this evaluation is the best so far, and whether the run ends.
 */
export function addEvaluation(
  history: EvaluationHistory,
  evaluation: { step: number; loss: number },
  { patience, minDelta }: EarlyStopConfig,
): { history: EvaluationHistory; improved: boolean; stop: boolean } {
  const { step, loss } = evaluation;
  const improved = Number.isFinite(loss) &&
    (history.best === undefined || loss < history.best.loss - minDelta);
  const next = improved
    ? { best: { step, loss }, waited: 0 }
    : { best: history.best, waited: history.waited + 1 };
  return { history: next, improved, stop: patience > 0 && next.waited >= patience };
}
