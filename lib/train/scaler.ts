/**
 * The gradient scaler of float16. The loss is multiplied by a factor, so that small gradients do not underflow in
 * float16. The gradients are divided by the same factor. If a gradient is not finite, the step is skipped and the
 * factor is halved. After 2,000 consecutive finite steps, the factor is doubled. The scaler's state is on the device,
 * so that a step remains one native call.
 *
 * Source: Micikevicius 2018 *Mixed Precision Training*. The constants are those of Keras 3's `LossScaleOptimizer`. A
 * skipped step counts as a step of the schedule, but not of AdamW's bias corrections, as in PyTorch's `GradScaler`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** Initial factor of a run. */
const INITIAL_SCALE = 2 ** 15;

/** Number of consecutive finite steps after which the factor is doubled. */
const GROWTH_INTERVAL = 2000;

/**
 * Returns the scaler's state before the first step, float32 [2]: the factor 2^15, and the number 0 of consecutive
 * finite steps since the factor last changed.
 */
export function initialScaler(): tf.Tensor1D {
  return tf.tensor1d([INITIAL_SCALE, 0]);
}

/** Returns the factor in a scaler's state, as a float32 scalar. */
export function lossScale(scaler: tf.Tensor): tf.Scalar {
  return tf.reshape(tf.slice(scaler, [0], [1]), []);
}

/**
 * Returns the scaler's state after a step.
 *
 * @param scaler The state before the step, float32 [2].
 * @param finite A bool scalar: true if all gradients of the step were finite.
 */
export function nextScaler(scaler: tf.Tensor, finite: tf.Tensor): tf.Tensor1D {
  const [scale, count] = tf.unstack(scaler) as [tf.Tensor, tf.Tensor];
  const longer = tf.add(count, 1);
  const grows = tf.greaterEqual(longer, GROWTH_INTERVAL);
  const nextScale = tf.where(finite, tf.where(grows, tf.mul(scale, 2), scale), tf.mul(scale, 0.5));
  const nextCount = tf.where(tf.logicalAnd(finite, tf.logicalNot(grows)), longer, tf.zerosLike(count));
  return tf.stack([nextScale, nextCount]) as tf.Tensor1D;
}

/** Selects one of two records of tensors on the device: `yes` if the bool scalar `finite` is true, otherwise `no`. */
export function choose<R extends Readonly<Record<string, tf.Tensor>>>(finite: tf.Tensor, yes: R, no: R): R {
  return Object.fromEntries(
    Object.entries(yes).map(([name, tensor]) => [
      name,
      // One condition per element: TensorFlow's SelectV2 would broadcast, TF.js's op does not.
      tf.where(tf.broadcastTo(finite, tensor.shape), tensor, no[name]!),
    ]),
  ) as R;
}
