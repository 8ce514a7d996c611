/**
 * LayerNorm and RMSNorm. In graphs, each can be computed together with the residual sum before it. All round once,
 * forward and backward. RMSNorm is LayerNorm with a mean of 0 and without a bias.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { DataType } from "../native/dtype.ts";
import { fused } from "../binding/fused.ts";
import { type Branches, replaceSum, takeBranches } from "./residual.ts";
import { hasFormat, operation } from "../precision/scope.ts";
import { dtypeOf } from "../binding/true_dtype.ts";
import { cast, castAs, float32, productType, rowMeans, withGradient } from "./_unit.ts";

/**
 * Normalizes rows to mean 0 and variance 1; with `rms`, to mean square 1. Also returns the values that the backward
 * pass uses.
 */
function normalize(
  [x, gain, bias]: [tf.Tensor, tf.Tensor, tf.Tensor],
  { epsilon, dtype, rms }: NormOptions,
): { value: tf.Tensor; mean: tf.Tensor; inverse: tf.Tensor } {
  const mean = rms ? tf.zeros([x.shape[0]!, 1]) : rowMeans(x); // [N, 1]
  const centered = rms ? x : tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(rowMeans(tf.square(centered)), epsilon)); // [N, 1]
  return { value: cast(tf.add(tf.mul(tf.mul(centered, inverse), gain), bias), dtype), mean, inverse };
}

/** Computes the gradients of a norm with respect to x (float32), weight and bias. */
function normalizeGrad(
  [dy, x, mean, inverse, gain]: readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
  { rms }: GradOptions,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const wideDy = float32(dy);
  const normal = tf.mul(rms ? x : tf.sub(x, mean), inverse);
  const dNormal = tf.mul(wideDy, gain);
  const along = rowMeans(tf.mul(dNormal, normal));
  const centered = rms ? dNormal : tf.sub(dNormal, rowMeans(dNormal));
  const dx = tf.mul(tf.sub(centered, tf.mul(normal, along)), inverse);
  return [dx, tf.sum(tf.mul(wideDy, normal), 0), tf.sum(wideDy, 0)];
}

/** Options of a norm's forward pass: the type of its result, and true for RMSNorm. */
interface NormOptions {
  epsilon: number;
  dtype: number;
  rms: boolean;
}

const normForward = fused("layerNorm", ([x, gain, bias], options: NormOptions) => {
  const { value, mean, inverse } = normalize([float32(x!), gain!, bias!], options);
  return [value, mean, inverse];
});

/** Options of a norm's gradient: true for RMSNorm. */
interface GradOptions {
  rms: boolean;
}

const normBackward = fused("layerNormGrad", ([dy, x, mean, inverse, gain], options: GradOptions) => {
  const [dx, dGain, dBias] = normalizeGrad([dy!, float32(x!), mean!, inverse!, gain!], options);
  return [castAs(dx, x!), dGain, dBias];
});

/** Settings of a norm. */
export interface NormSettings {
  /** Number that is added to the variance (LayerNorm) or the mean square (RMSNorm). Default: 1e-5. */
  readonly epsilon?: number;
  /**
   * True if only matrix products use the result. The result is then rounded to the type of matrix products. Default:
   * false. The result then has the type of x.
   */
  readonly lowered?: boolean;
}

/** Parameters of a norm, with its settings. */
export interface LayerNormParameters extends NormSettings {
  /** Weight (gain), [C]. */
  readonly weight: tf.Tensor;
  /** Bias, [C]. Default: none. */
  readonly bias?: tf.Tensor | undefined;
}

/**
 * Computes LayerNorm over the last dimension: (x - mean) / sqrt(variance + epsilon) * weight + bias. The variance is
 * the mean of the squared deviations (divided by C). The computation is in float32 and rounds once: to x's type, or
 * with `lowered` to the type of matrix products. The operation's class is `layerNorm`.
 *
 * @param x [N, C].
 * @param parameters `weight` [C], `bias` [C], `epsilon` (default 1e-5) and `lowered`.
 * @returns [N, C].
 */
export function layerNorm(x: tf.Tensor, parameters: LayerNormParameters): tf.Tensor {
  return norm(x, parameters, false);
}

/**
 * Computes RMSNorm over the last dimension: x / sqrt(mean(x²) + epsilon) * weight (Zhang and Sennrich 2019). The
 * computation is in float32 and rounds once: to x's type, or with `lowered` to the type of matrix products. The
 * operation's class is `layerNorm`.
 *
 * @param x [N, C].
 * @param parameters `weight` [C], `epsilon` (default 1e-5) and `lowered`.
 * @returns [N, C].
 */
export function rmsNorm(x: tf.Tensor, parameters: Omit<LayerNormParameters, "bias">): tf.Tensor {
  return norm(x, parameters, true);
}

function norm(x: tf.Tensor, parameters: LayerNormParameters, rms: boolean): tf.Tensor {
  const { weight, bias = tf.zeros(weight.shape), ...given } = parameters;
  const settings = { ...given, rms };
  const branches = !hasFormat("layerNorm") ? takeBranches(x) : undefined;
  if (branches === undefined) return normOfRows([x, weight, bias], settings);
  const { sum, normal } = addLayerNorm(branches, [weight, bias], settings);
  replaceSum(x, sum);
  return normal;
}

const normOfRows = operation(
  "layerNorm",
  (inputs: [tf.Tensor, tf.Tensor, tf.Tensor], options: NormSettings & { rms: boolean }) => {
    const { epsilon = 1e-5, lowered = false, rms } = options;
    const dtype = (lowered ? loweredType() : undefined) ?? dtypeOf(inputs[0]);
    return withGradient(inputs, (x, gain, bias) => {
      const [value, mean, inverse] = normForward([x, gain, bias], { epsilon, dtype, rms });
      return {
        values: [value!],
        saved: [x, mean!, inverse!, gain],
        backward: ([dy], [x, mean, inverse, gain]) =>
          normBackward([dy!, x!, mean!, inverse!, gain!], { rms }),
      };
    })[0]!;
  },
);

/**
 * Returns the type to which matrix products round their inputs. Undefined if they do not round them, or if the class
 * `linear` has a format.
 */
function loweredType(): number | undefined {
  return !hasFormat("linear") ? productType() : undefined;
}

const addNormForward = fused("addLayerNorm", ([x, y, gain, bias], options: NormOptions) => {
  const sum = tf.add(x!, float32(y!));
  const { value, mean, inverse } = normalize([sum, gain!, bias!], options);
  return [sum, value, mean, inverse];
});

const addNormBackward = fused(
  "addLayerNormGrad",
  ([dSum, dy, sum, mean, inverse, gain], { dtype, ...options }: GradOptions & { dtype: number }) => {
    const [dx, dGain, dBias] = normalizeGrad([dy!, sum!, mean!, inverse!, gain!], options);
    const total = tf.add(dx, dSum!);
    return dtype === DataType.FLOAT ? [total, dGain, dBias] : [total, dGain, dBias, cast(total, dtype)];
  },
);

/**
 * Adds x + y on the residual stream and computes the norm of the sum in the same pass over memory. Returns the sum,
 * float32 [N, C], and the normalized sum.
 */
function addLayerNorm(
  { x, y }: Branches,
  [weight, bias]: [tf.Tensor, tf.Tensor],
  { epsilon = 1e-5, lowered = false, rms }: NormSettings & { rms: boolean },
): { sum: tf.Tensor; normal: tf.Tensor } {
  const dtype = (lowered ? loweredType() : undefined) ?? DataType.FLOAT;
  const dtypeY = dtypeOf(y);
  const [sum, normal] = withGradient([x, y, weight, bias], (x, y, gain, bias) => {
    const [sum, value, mean, inverse] = addNormForward([x, y, gain, bias], { epsilon, dtype, rms });
    return {
      values: [sum!, value!],
      saved: [sum!, mean!, inverse!, gain],
      backward: ([dSum, dy], [sum, mean, inverse, gain]) => {
        const inputs = [dSum!, dy!, sum!, mean!, inverse!, gain!];
        const [dx, dGain, dBias, dY] = addNormBackward(inputs, { dtype: dtypeY, rms });
        // TF.js disposes of each gradient that it adds to another: the two must not share a tensor.
        return [dx!, dY ?? tf.clone(dx!), dGain!, dBias!];
      },
    };
  });
  return { sum: sum!, normal: normal! };
}
