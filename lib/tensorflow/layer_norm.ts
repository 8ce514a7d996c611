/**
 * LayerNorm, and the step of a residual stream that it follows, as units: one rounding, forward and backward, and one pass
 * over memory where data is large.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { DataType } from "./dtype.ts";
import { fused } from "./fused.ts";
import { dtypeOf } from "./true_dtype.ts";
import { cast, castAs, float32, productType, rowMeans, withGradient } from "./_unit.ts";

/** Rows that LayerNorm made 0 in the mean and 1 in the variance: the result, and what backward wants to know. */
function normalise(
  [x, gain, bias]: [tf.Tensor, tf.Tensor, tf.Tensor],
  { epsilon, dtype }: { epsilon: number; dtype: number },
): { value: tf.Tensor; mean: tf.Tensor; inverse: tf.Tensor } {
  const mean = rowMeans(x); // [N, 1]
  const centred = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(rowMeans(tf.square(centred)), epsilon)); // [N, 1]
  return { value: cast(tf.add(tf.mul(tf.mul(centred, inverse), gain), bias), dtype), mean, inverse };
}

/** Gradients of LayerNorm: of x, float32, of gain and of bias. */
function normaliseGrad(
  [dy, x, mean, inverse, gain]: readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const wideDy = float32(dy);
  const normal = tf.mul(tf.sub(x, mean), inverse);
  const dNormal = tf.mul(wideDy, gain);
  const average = rowMeans(dNormal);
  const along = rowMeans(tf.mul(dNormal, normal));
  const dx = tf.mul(tf.sub(tf.sub(dNormal, average), tf.mul(normal, along)), inverse);
  return [dx, tf.sum(tf.mul(wideDy, normal), 0), tf.sum(wideDy, 0)];
}

interface NormOptions {
  epsilon: number;
  dtype: number;
}

const normForward = fused("layerNorm", ([x, gain, bias], options: NormOptions) => {
  const { value, mean, inverse } = normalise([float32(x!), gain!, bias!], options);
  return [value, mean, inverse];
});

const normBackward = fused("layerNormGrad", ([dy, x, mean, inverse, gain]) => {
  const [dx, dGain, dBias] = normaliseGrad([dy!, float32(x!), mean!, inverse!, gain!]);
  return [castAs(dx, x!), dGain, dBias];
});

const addNormForward = fused("addLayerNorm", ([x, y, gain, bias], options: NormOptions) => {
  const sum = tf.add(x!, float32(y!));
  const { value, mean, inverse } = normalise([sum, gain!, bias!], options);
  return [sum, value, mean, inverse];
});

const addNormBackward = fused(
  "addLayerNormGrad",
  ([dSum, dy, sum, mean, inverse, gain], { dtype }: { dtype: number }) => {
    const [dx, dGain, dBias] = normaliseGrad([dy!, sum!, mean!, inverse!, gain!]);
    const total = tf.add(dx, dSum!);
    return dtype === DataType.FLOAT ? [total, dGain, dBias] : [total, dGain, dBias, cast(total, dtype)];
  },
);

/** What LayerNorm is given besides its input. */
export interface LayerNormParameters {
  /** Gains, [C]. */
  weight: tf.Tensor;
  /** Shifts, [C]. */
  bias: tf.Tensor;
  /** Added to the variance; default 1e-5. */
  epsilon?: number;
  /** Whether the result is rounded to the type that the policy's matrix products take; default: it has x's type. */
  lowered?: boolean;
}

/**
 * Layer normalisation over the last dimension, (x - mean) / sqrt(variance + epsilon) * weight + bias, the variance
 * divided by C. Computed in float32 and rounded once to x's type, or to that of products.
 *
 * @param x [N, C].
 * @param parameters `weight` [C], `bias` [C], and `epsilon` (default 1e-5).
 */
export function layerNorm(x: tf.Tensor, parameters: LayerNormParameters): tf.Tensor {
  const { weight, bias, epsilon = 1e-5, lowered = false } = parameters;
  const dtype = (lowered ? productType() : undefined) ?? dtypeOf(x);
  return withGradient([x, weight, bias], (x, gain, bias) => {
    const [value, mean, inverse] = normForward([x, gain, bias], { epsilon, dtype });
    return {
      values: [value!],
      saved: [x, mean!, inverse!, gain],
      backward: ([dy], [x, mean, inverse, gain]) => normBackward([dy!, x!, mean!, inverse!, gain!], {}),
    };
  })[0]!;
}

/**
 * A step of the residual stream: the sum of two, and its {@linkcode layerNorm}, in one pass.
 *
 * @param x The stream, float32 [N, C].
 * @param y What is added to it, [N, C] of any floating type.
 * @param parameters Of the LayerNorm.
 * @returns The sum, float32 [N, C], and its LayerNorm.
 */
export function addLayerNorm(
  x: tf.Tensor,
  y: tf.Tensor,
  parameters: LayerNormParameters,
): { sum: tf.Tensor; normal: tf.Tensor } {
  const { weight, bias, epsilon = 1e-5, lowered = false } = parameters;
  const dtype = (lowered ? productType() : undefined) ?? DataType.FLOAT;
  const dtypeY = dtypeOf(y);
  const [sum, normal] = withGradient([x, y, weight, bias], (x, y, gain, bias) => {
    const [sum, value, mean, inverse] = addNormForward([x, y, gain, bias], { epsilon, dtype });
    return {
      values: [sum!, value!],
      saved: [sum!, mean!, inverse!, gain],
      backward: ([dSum, dy], [sum, mean, inverse, gain]) => {
        const inputs = [dSum!, dy!, sum!, mean!, inverse!, gain!];
        const [dx, dGain, dBias, dY] = addNormBackward(inputs, { dtype: dtypeY });
        return [dx!, dY ?? dx!, dGain!, dBias!];
      },
    };
  });
  return { sum: sum!, normal: normal! };
}
