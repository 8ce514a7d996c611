/**
 * Loss and gradients of a batch under a precision.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, gptLogits, type Parameters } from "../model/mod.ts";
import { autocast, type Precision, toFloat32 } from "../tensorflow/mod.ts";
import type { LossSums } from "../tensorflow/ops/blocked_cross_entropy.ts";
import { type LossConfig, type ScaledBatch, trainingLoss } from "./loss.ts";
import type { Criterion } from "./trainer_options.ts";

/** Settings for computing gradients: the model, the loss and the precision. */
export interface GradientConfig extends Omit<Precision, "roundingKey" | "amax"> {
  /** Config of the model. */
  readonly model: GptConfig;
  /** Regularization and padding of the cross entropy. Default: the mean cross entropy of all positions. */
  readonly loss?: LossConfig | undefined;
  /**
   * A user-written loss that replaces the cross entropy. It maps logits [B, T, V] and targets int32 [B, T] to a scalar.
   */
  readonly criterion?: Criterion | undefined;
}

/**
 * Computes the loss of a batch and the gradient of every parameter. The results are float32 in every precision.
 *
 * @param parameters Weights, float32.
 * @param batch Inputs, targets and scales, as in {@linkcode trainingLoss}.
 * @param config The model, the loss and the precision.
 * @returns `loss`: in nats per token, without label smoothing and z-loss. `gradients`: of the objective, which includes
 * both, by parameter. `amax`: largest magnitudes of operands with delayed scaling, if the batch has histories.
 */
export function lossAndGradients(
  parameters: Parameters,
  batch: ScaledBatch,
  config: GradientConfig,
): { loss: tf.Scalar; gradients: Parameters; amax: Parameters } {
  const names = Object.keys(parameters);
  const { policy, overrides } = config, { roundingKey, histories = {} } = batch;
  const seen: Parameters = {};
  return autocast({ policy, overrides, roundingKey, amax: { histories, seen } }, () => {
    let plain: tf.Scalar | undefined; // the reported loss, if it differs from the objective
    const fn = (...values: tf.Tensor[]) => {
      const record = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      const { objective, nll } = config.criterion === undefined
        ? trainingLoss(record, batch, config.model, config.loss)
        : criterionLoss(record, batch, { ...config, criterion: config.criterion });
      if (nll !== objective) plain = nll;
      return objective;
    };
    const inputs = names.map((name) => parameters[name]!);
    // Unlike tf.valueAndGrads, the engine tells which gradients are missing.
    const { value, grads } = tf.engine().gradients(() => fn(...inputs), inputs, undefined, true);
    const unused = names.filter((_, i) => !grads[i]);
    if (unused.length > 0) {
      throw new RangeError(
        `Cannot train: expected a loss that depends on every parameter, got no gradient of ${
          unused.join(", ")
        }. ` +
          "Use these parameters, or remove them.",
      );
    }
    // Gradients of a lowered product are rounded to its type; the optimizer works on float32.
    const unscaled = (gradient: tf.Tensor) =>
      batch.lossScale === undefined ? toFloat32(gradient) : tf.div(toFloat32(gradient), batch.lossScale);
    const gradients = Object.fromEntries(names.map((name, i) => [name, unscaled(grads[i]!)]));
    const amax = Object.fromEntries(Object.entries(seen).map(([name, kept]) => [name, released(kept)]));
    if (plain === undefined) return { loss: value as tf.Scalar, gradients, amax };
    value.dispose();
    return { loss: released(plain), gradients, amax };
  });
}

/** Moves a kept tensor to the caller's scope. */
function released<T extends tf.Tensor>(kept: T): T {
  const tensor = tf.clone(kept);
  kept.dispose();
  return tensor;
}

/** Computes a user-written loss. For a micro-batch, multiplies the loss by the micro-batch's share of the batch. */
function criterionLoss(
  parameters: Parameters,
  batch: ScaledBatch,
  { model, criterion }: { model: GptConfig; criterion: Criterion },
): LossSums {
  const [B, T] = batch.x.shape;
  const logits = tf.reshape(gptLogits(parameters, batch.x, model, batch), [B, T, model.vocabSize]);
  const value = toFloat32(criterion(logits as tf.Tensor3D, batch.y));
  if (value.size !== 1) {
    throw new TypeError(`Cannot train: expected loss() to return a scalar, got shape [${value.shape}].`);
  }
  const scalar = tf.reshape(value, []) as tf.Scalar;
  const nll = batch.scale === undefined
    ? scalar
    : tf.mul(scalar, tf.mul(batch.scale, batch.y.size)) as tf.Scalar;
  if (batch.lossScale === undefined) return { objective: nll, nll };
  return { objective: tf.mul(nll, batch.lossScale) as tf.Scalar, nll: tf.keep(nll) };
}
