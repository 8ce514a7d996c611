/**
 * The loss: the mean negative log likelihood of the next token, in nats, over B T positions.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, gptLogits, type Parameters } from "../model/mod.ts";
import { sparseCrossEntropy } from "../tensorflow/mod.ts";

/** A batch on the device: `x` and `y`, int32 [B, T], `y` being `x` shifted by one. */
export interface BatchTensors {
  /** Inputs, int32 [B, T]. */
  readonly x: tf.Tensor2D;
  /** Targets, int32 [B, T]: the token after each input. */
  readonly y: tf.Tensor2D;
}

/**
 * The loss of every position, -log softmax(logits)[y], always computed in float32.
 *
 * @returns float32 [N], in nats; position b T + t.
 */
export function tokenLosses(parameters: Parameters, batch: BatchTensors, config: GptConfig): tf.Tensor1D {
  const logits = gptLogits(parameters, batch.x, config); // [N, V]
  return sparseCrossEntropy(logits, tf.reshape(batch.y, [-1])) as tf.Tensor1D;
}

/** The mean of {@linkcode tokenLosses}, in nats per token. */
export function meanLoss(parameters: Parameters, batch: BatchTensors, config: GptConfig): tf.Scalar {
  return tf.mean(tokenLosses(parameters, batch, config));
}
