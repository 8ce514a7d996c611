/**
 * LayerNorm, and the step of a residual stream that it follows, as units: one rounding, forward and backward, and one pass
 * over memory where data is large.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { DataType } from "../native/dtype.ts";
import { fused } from "../compile/fused.ts";
import { type Branches, replaceSum, takeBranches } from "./residual.ts";
import { formatOf, operation } from "../precision/scope.ts";
import { dtypeOf } from "../binding/true_dtype.ts";
import { cast, castAs, float32, productType, rowMeans, withGradient } from "./_unit.ts";

/** Rows that LayerNorm made 0 in the mean and 1 in the variance: the result, and what backward wants to know. */
function normalize(
  [x, gain, bias]: [tf.Tensor, tf.Tensor, tf.Tensor],
  { epsilon, dtype }: { epsilon: number; dtype: number },
): { value: tf.Tensor; mean: tf.Tensor; inverse: tf.Tensor } {
  const mean = rowMeans(x); // [N, 1]
  const centred = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(rowMeans(tf.square(centred)), epsilon)); // [N, 1]
  return { value: cast(tf.add(tf.mul(tf.mul(centred, inverse), gain), bias), dtype), mean, inverse };
}

/** Gradients of LayerNorm: of x, float32, of gain and of bias. */
function normalizeGrad(
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
  const { value, mean, inverse } = normalize([float32(x!), gain!, bias!], options);
  return [value, mean, inverse];
});

const normBackward = fused("layerNormGrad", ([dy, x, mean, inverse, gain]) => {
  const [dx, dGain, dBias] = normalizeGrad([dy!, float32(x!), mean!, inverse!, gain!]);
  return [castAs(dx, x!), dGain, dBias];
});

/** Settings of a LayerNorm. */
export interface NormSettings {
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
  /**
   * Whether matrix products alone use the result, so that it may be rounded to their type at once. Default: no, it has x's
   * type.
   */
  readonly lowered?: boolean;
}

/** Parameters of a LayerNorm, and its settings. */
export interface LayerNormParameters extends NormSettings {
  /** Gains, [C]. */
  readonly weight: tf.Tensor;
  /** Shifts, [C]. Default: none. */
  readonly bias?: tf.Tensor | undefined;
}

/**
 * Normalizes over the last dimension, (x - mean) / sqrt(variance + epsilon) * weight + bias, the variance
 * divided by C. Computed in float32 and rounded once to x's type, or to that of products.
 *
 * @param x [N, C].
 * @param parameters `weight` [C], `bias` [C], and `epsilon` (default 1e-5).
 */
export function layerNorm(x: tf.Tensor, parameters: LayerNormParameters): tf.Tensor {
  const { weight, bias = tf.zeros(weight.shape), ...settings } = parameters;
  const branches = formatOf("layerNorm") === undefined ? takeBranches(x) : undefined;
  if (branches === undefined) return normOfRows([x, weight, bias], settings);
  const { sum, normal } = addLayerNorm(branches, [weight, bias], settings);
  replaceSum(x, sum);
  return normal;
}

const normOfRows = operation(
  "layerNorm",
  (inputs: [tf.Tensor, tf.Tensor, tf.Tensor], options: NormSettings) => {
    const { epsilon = 1e-5, lowered = false } = options;
    const dtype = (lowered ? loweredType() : undefined) ?? dtypeOf(inputs[0]);
    return withGradient(inputs, (x, gain, bias) => {
      const [value, mean, inverse] = normForward([x, gain, bias], { epsilon, dtype });
      return {
        values: [value!],
        saved: [x, mean!, inverse!, gain],
        backward: ([dy], [x, mean, inverse, gain]) => normBackward([dy!, x!, mean!, inverse!, gain!], {}),
      };
    })[0]!;
  },
);

/** The type that matrix products round their inputs to; undefined: they keep it, or have a format of their own. */
function loweredType(): number | undefined {
  return formatOf("linear") === undefined ? productType() : undefined;
}

const addNormForward = fused("addLayerNorm", ([x, y, gain, bias], options: NormOptions) => {
  const sum = tf.add(x!, float32(y!));
  const { value, mean, inverse } = normalize([sum, gain!, bias!], options);
  return [sum, value, mean, inverse];
});

const addNormBackward = fused(
  "addLayerNormGrad",
  ([dSum, dy, sum, mean, inverse, gain], { dtype }: { dtype: number }) => {
    const [dx, dGain, dBias] = normalizeGrad([dy!, sum!, mean!, inverse!, gain!]);
    const total = tf.add(dx, dSum!);
    return dtype === DataType.FLOAT ? [total, dGain, dBias] : [total, dGain, dBias, cast(total, dtype)];
  },
);

/** A step of the residual stream, x + y, and its LayerNorm in one pass: the sum, float32 [N, C], and the result. */
function addLayerNorm(
  { x, y }: Branches,
  [weight, bias]: [tf.Tensor, tf.Tensor],
  { epsilon = 1e-5, lowered = false }: NormSettings,
): { sum: tf.Tensor; normal: tf.Tensor } {
  const dtype = (lowered ? loweredType() : undefined) ?? DataType.FLOAT;
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
