/**
 * The loss: the mean negative log likelihood of the next token over B · T positions, in nats, with optional
 * regularization. The loss is computed in float32, for logits of any type. If the precision sets a number format for
 * the operation class `loss`, the logits and the loss of each position are rounded to that format. The sum over
 * positions is float32.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { blockedLoss } from "../model/gpt_model.ts";
import { logitsOfParts } from "../model/gpt.ts";
import { type GptConfig, gptHidden, headLogits, type Parameters } from "../model/mod.ts";
import {
  countedTargets,
  nllOfParts,
  nllOfRows,
  plainCrossEntropy,
  tokenScale,
} from "../tensorflow/ops/cross_entropy_loss.ts";
import { type LossSums, rangesOf } from "../tensorflow/ops/blocked_cross_entropy.ts";

export { IGNORE_INDEX } from "../text/mod.ts";

/**
 * Number of logits, N · V, above which losses are computed in blocks: 2^24, 64 MiB in float32. N is the number of
 * positions, B · T, and V the vocabulary size.
 */
export const BLOCKED_ABOVE: number = 2 ** 24;

/** A batch on the device: `x` and `y`, int32 [B, T], where `y` is `x` shifted by one. */
export interface BatchTensors {
  /** Inputs, int32 [B, T]. */
  readonly x: tf.Tensor2D;
  /** Targets, int32 [B, T]: the token after each input. */
  readonly y: tf.Tensor2D;
  /** Random key of dropout, int32 [2]. Default: no dropout. */
  readonly dropoutKey?: tf.Tensor | undefined;
  /** Random key of stochastic rounding, int32 [2]. Default: a fixed key. */
  readonly roundingKey?: tf.Tensor | undefined;
}

/** A batch and the factors that scale its loss. */
export interface ScaledBatch extends BatchTensors {
  /**
   * Factor of the sum of the losses of all positions. For a micro-batch, the factor is 1 / the number of targets in the
   * whole step. The losses of the micro-batches then add up to the step's mean. Default: 1 / the number of targets in
   * this batch.
   */
  readonly scale?: tf.Scalar | undefined;
  /** Factor of the objective, from the gradient scaler. The reported loss does not contain the factor. Default: 1. */
  readonly lossScale?: tf.Scalar | undefined;
  /**
   * Largest magnitudes of operands in previous steps, for delayed scaling, by operand. Default: none. Scales are then
   * computed from the current magnitudes.
   */
  readonly histories?: Readonly<Record<string, tf.Tensor>> | undefined;
}

/** Options of the cross-entropy loss. By default, the loss is the mean over all positions without regularization. */
export interface LossConfig {
  /** Epsilon of label smoothing, in [0, 1), as PyTorch's `cross_entropy` defines it. Default: 0. */
  readonly labelSmoothing?: number;
  /**
   * Coefficient of the z-loss, (log Z)² of each position, where Z is the sum of the exponentials of the logits.
   * Typical: 1e-4 (Chowdhery 2022 *PaLM*; Wortsman 2023 *Small-scale proxies*). Default: 0.
   */
  readonly zLoss?: number;
  /** Target value of positions that are excluded from the loss. Default: none, so that all positions count. */
  readonly ignoreIndex?: number | undefined;
  /**
   * True to compute the loss in blocks, without holding all logits in memory at once. Default: true for more than
   * {@linkcode BLOCKED_ABOVE} logits.
   */
  readonly blocked?: boolean | undefined;
}

/**
 * Returns the loss of every position, -log softmax(logits)[y], computed in float32.
 *
 * @param parameters Weights of the model.
 * @param batch Inputs and targets, int32 [B, T].
 * @param config Config of the model.
 * @param options `ignoreIndex`: target value of positions whose loss is 0. `blocked`: as in {@linkcode LossConfig}.
 * @returns float32 [B · T], in nats. The loss of sequence b at position t has index b · T + t.
 */
export function tokenLosses(
  parameters: Parameters,
  batch: BatchTensors,
  config: GptConfig,
  options: Pick<LossConfig, "ignoreIndex" | "blocked"> = {},
): tf.Tensor1D {
  const { targets, counted } = countedTargets(batch.y, options.ignoreIndex);
  const losses = isBlocked(batch.y, { config, blocked: options.blocked })
    ? blockedTokenLosses(parameters, { ...batch, targets }, config)
    : nllOfParts(logitsOfParts(parameters, batch.x, config, batch), targets);
  return (counted === undefined ? losses : tf.mul(losses, counted)) as tf.Tensor1D;
}

/** Returns the mean of {@linkcode tokenLosses} over the targets that are not excluded, in nats per token. */
export function meanLoss(
  parameters: Parameters,
  batch: BatchTensors,
  config: GptConfig,
  options: Pick<LossConfig, "ignoreIndex" | "blocked"> = {},
): tf.Scalar {
  const losses = tokenLosses(parameters, batch, config, options);
  return options.ignoreIndex === undefined
    ? tf.mean(losses)
    : tf.mul(tf.sum(losses), tokenScale(batch.y, options.ignoreIndex)) as tf.Scalar;
}

/**
 * Returns the objective that a training step minimizes, and the loss without regularization that the step reports.
 *
 * @param parameters Weights of the model.
 * @param batch Inputs, targets and scales.
 * @param config Config of the model.
 * @param options Options of the loss.
 * @returns `objective`: a scalar with a gradient. `nll`: the loss without regularization and scales. Both may be the
 * same tensor. A separate `nll` is kept: `tf.tidy` does not free it.
 */
export function trainingLoss(
  parameters: Parameters,
  batch: ScaledBatch,
  config: GptConfig,
  options: LossConfig = {},
): LossSums {
  const { ignoreIndex, labelSmoothing = 0, zLoss = 0 } = options;
  const blocked = isBlocked(batch.y, { config, blocked: options.blocked });
  const bare = labelSmoothing === 0 && zLoss === 0 && batch.lossScale === undefined;
  if (bare && !blocked && ignoreIndex === undefined && batch.scale === undefined) {
    const objective = meanLoss(parameters, batch, config, { blocked });
    return { objective, nll: objective };
  }
  const { targets, counted } = countedTargets(batch.y, ignoreIndex);
  const mean = batch.scale ?? tokenScale(batch.y, ignoreIndex);
  const scale = batch.lossScale === undefined ? mean : tf.mul(mean, batch.lossScale);
  const weights = tf.mul(counted ?? tf.ones([batch.y.size]), scale) as tf.Tensor1D;
  const rows = { targets, weights, regularization: { labelSmoothing, zLoss } };
  if (!blocked) {
    return unscaled(plainCrossEntropy(logitsOfParts(parameters, batch.x, config, batch), rows), batch);
  }
  return unscaled(blockedLoss(parameters, batch.x, { rows, config, options: batch }), batch);
}

/** Removes the gradient scaler's factor from the plain loss. */
function unscaled({ objective, nll }: LossSums, { lossScale }: ScaledBatch): LossSums {
  if (lossScale === undefined) return { objective, nll };
  const plain = tf.keep(tf.div(nll, lossScale)) as tf.Scalar;
  if (nll !== objective) nll.dispose();
  return { objective, nll: plain };
}

/** Number of logits per chunk of positions: 16 MiB in float32. */
const CHUNK_LOGITS = 2 ** 22;

/** Returns the losses of positions, computed in chunks of rows. The logits of each chunk are freed before the next. */
function blockedTokenLosses(
  parameters: Parameters,
  batch: BatchTensors & { targets: tf.Tensor1D },
  config: GptConfig,
): tf.Tensor1D {
  const hidden = gptHidden(parameters, batch.x, config, batch); // [N, C]
  return tf.concat(
    rangesOf(hidden.shape[0], Math.ceil(CHUNK_LOGITS / config.vocabSize)).map(({ begin, size }) =>
      tf.tidy(() => {
        const logits = headLogits(parameters, tf.slice(hidden, [begin, 0], [size, hidden.shape[1]]), config);
        return nllOfRows(logits, tf.slice(batch.targets, [begin], [size]));
      })
    ),
  ) as tf.Tensor1D;
}

function isBlocked(
  y: tf.Tensor,
  { config, blocked }: { config: GptConfig; blocked: boolean | undefined },
): boolean {
  return blocked ?? y.size * config.vocabSize > BLOCKED_ABOVE;
}
