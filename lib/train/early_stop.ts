/**
 * Which evaluation was the best, and whether to give up waiting for a better one. Plain data, for checkpoints.
 *
 * @module
 */

/** When to stop. */
export interface EarlyStopConfig {
  /** Evaluations without improvement that end a run; 0: never. */
  readonly patience: number;
  /** What a loss must be below the best one by to be an improvement, in nats. */
  readonly minDelta: number;
}

/** What evaluations have come to. */
export interface EvaluationHistory {
  /** The best loss and its step; undefined: none was a number yet. */
  readonly best: { readonly step: number; readonly loss: number } | undefined;
  /** Evaluations since the last improvement. */
  readonly waited: number;
}

/** Before the first evaluation. */
export const NO_HISTORY: EvaluationHistory = { best: undefined, waited: 0 };

/**
 * Takes one more evaluation in. A loss that is NaN or infinite is no improvement.
 *
 * @returns The new history, whether this evaluation is the best so far, and whether patience is at an end.
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
