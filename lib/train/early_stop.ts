/**
 * Early stopping: tracks the best evaluation and the number of evaluations since. The state is plain JSON, so that
 * checkpoints can hold it.
 *
 * @module
 */

/** Early stopping criterion. */
export interface EarlyStopConfig {
  /** Number of evaluations without improvement after which a run ends. 0: no early stopping. */
  readonly patience: number;
  /** An evaluation is an improvement if its loss is lower than the best one by more than this, in nats per token. */
  readonly minDelta: number;
}

/** Summary of a run's evaluations. */
export interface EvaluationHistory {
  /**
   * The lowest validation loss that counted as an improvement, and its step. Undefined before the first finite loss.
   */
  readonly best: { readonly step: number; readonly loss: number } | undefined;
  /** Number of evaluations since the last improvement. */
  readonly waited: number;
}

/** History before the first evaluation. */
export const NO_HISTORY: EvaluationHistory = { best: undefined, waited: 0 };

/**
 * Adds an evaluation to a history. A loss that is NaN or infinite is not an improvement.
 *
 * @param history The history before the evaluation.
 * @param evaluation `step`: number of steps done. `loss`: validation loss in nats per token.
 * @param config The early stopping criterion.
 * @returns `history`: the new history. `improved`: true if the loss is an improvement. `stop`: true if the run must
 * end.
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
