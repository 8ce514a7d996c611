/**
 * Quantization of tensors to a scaled format. The results equal those of `quantizeArray` in lib/precision, bit for bit.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  exponentOf,
  type Format,
  parseFormat,
  parseQuantizer,
  type Quantizer,
  type Scaling,
} from "../../precision/mod.ts";
import {
  bitsOf,
  bitwise,
  divideBy,
  floatBits,
  floatOf,
  INFINITE,
  int,
  opaque,
  scaleDown,
  scaleUp,
  splitMagnitude,
} from "./_bits.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { POLICIES } from "../binding/policy.ts";
import { fused } from "../binding/fused.ts";
import { MIN_COMPILED, noiseFor, roundBits, roundTo } from "./rounding.ts";
import { toFloat32 } from "../binding/true_dtype.ts";

/** Options of {@linkcode quantizeTensor}. */
export interface QuantizeTensorOptions {
  /** Axis along which rows and blocks extend. Negative axes count from the end. Default: -1, the last axis. */
  readonly axis?: number | undefined;
  /** Random key, int32 [2]. Required for stochastic rounding. */
  readonly key?: tf.Tensor | undefined;
  /**
   * Largest magnitudes in previous steps, latest first, for delayed scaling, float32 [n]. Default: none. The tensor's
   * own largest magnitude then sets the scale.
   */
  readonly history?: tf.Tensor | undefined;
}

/**
 * Scaling of groups: x becomes round(x · 2^-exponent · scale) · inverse · 2^exponent. The three tensors broadcast to
 * the values.
 */
interface Conversion {
  /** Exponents, int32. */
  readonly exponent: tf.Tensor;
  /** Factors before rounding, float32. Undefined: 1. */
  readonly scale: tf.Tensor | undefined;
  /** Factors after rounding, float32. NaN for groups with NaN or Inf. */
  readonly inverse: tf.Tensor;
}

/** Format of the block scales in NVFP4. */
const BLOCK_SCALE: Format = parseFormat("e4m3fn");

/**
 * Rounds a tensor to the values that a format with a scaling can represent. The rounding has no gradient. Special
 * values and numbers beyond the largest one are treated as in `quantizeArray`.
 *
 * @param x Any floating tensor.
 * @param quantizer The format and the scaling.
 * @param options Axis, random key and history.
 * @returns Without a scaling, a tensor in the format's storage type. With a scaling, float32.
 * @throws {TypeError} For stochastic rounding without a key.
 */
export function quantizeTensor(
  x: tf.Tensor,
  quantizer: Quantizer,
  { axis = -1, key, history }: QuantizeTensorOptions = {},
): tf.Tensor {
  const { format, scaling, name } = quantizer;
  if (scaling === undefined) return observedRounding(x, format, roundTo(x, format, key));
  const { regions } = currentTensorFlow().binding, { onRounding } = regions.current;
  return tf.tidy(() => {
    const wide = toFloat32(x);
    if (wide.size === 0) return tf.clone(wide);
    const noise = noiseFor(layoutOf(wide.shape, scaling, axis).grouped, format, key);
    const inputs = [wide, ...noise, ...scaling.kind === "delayed" && history !== undefined ? [history] : []];
    const options = { quantizer: name, axis, isRandom: noise.length > 0 };
    // An observer receives tensors of the caller's trace, which a compiled function does not have.
    return onRounding === undefined
      ? quantizeCompiled(inputs, options)[0]!
      : regions.withPolicy(POLICIES.float32, () => quantizeScaled(inputs, options)[0]!);
  });
}

/** Options of a scaled quantization, as plain data. */
interface ScaledOptions {
  /** Name of the format with its scaling. */
  readonly quantizer: string;
  /** Axis along which rows and blocks extend. */
  readonly axis: number;
  /** True if the second input contains random bits. */
  readonly isRandom: boolean;
}

/**
 * Quantizes x, float32. The further inputs are random bits for stochastic rounding, and the history of delayed scaling.
 */
function quantizeScaled(
  [x, ...further]: readonly tf.Tensor[],
  { quantizer, axis, isRandom }: ScaledOptions,
): tf.Tensor[] {
  const { format, scaling } = parseQuantizer(quantizer);
  const [noise, history] = isRandom ? further : [undefined, ...further];
  const groups = groupsOf(x!, scaling!, axis);
  // No cast saturates: scaled values are rounded in float32, which also keeps NaN in formats without it.
  const element: Format = {
    ...format,
    ...{ overflow: "saturate", hasNaN: true, storage: "float32", emulated: true },
  };
  const { exponent, scale, inverse } = conversionOf(groups, { format: element, scaling: scaling!, history });
  const lowered = scaleDown(groups.values, tf.neg(exponent));
  const scaled = scale === undefined ? lowered : tf.mul(lowered, scale);
  const values = format.rounding === "nearest"
    ? roundToNearest(scaled, format)
    : roundBits(scaled, element, noise);
  const rounded = tf.mul(observedRounding(scaled, element, values), inverse);
  return [groups.restore(scaleUp(rounded, exponent))];
}

const quantizeCompiled = fused("quantize", quantizeScaled, { minElements: MIN_COMPILED });

/** Passes the values before and after rounding to the active observer, if any. Returns the values after rounding. */
function observedRounding(before: tf.Tensor, format: Format, after: tf.Tensor): tf.Tensor {
  const { onRounding, layer, backward } = currentTensorFlow().binding.regions.current;
  onRounding?.({ layer, backward, format, before, after });
  return after;
}

/**
 * Returns the largest magnitude of a tensor, to be recorded for delayed scaling. 0 if a value is not finite.
 *
 * @returns A float32 scalar.
 */
export function amaxOf(x: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const amax = tf.max(magnitudes(toFloat32(x))); // of integers: NaN is the largest
    return floatOf(tf.where(tf.less(amax, int(INFINITE)), amax, int(0))) as tf.Scalar;
  });
}

/** Values in the groups that share a scale. */
interface Groups {
  /** Values of shape [outer, blocks, block, inner]. If the whole tensor is one group, the tensor itself. */
  readonly values: tf.Tensor;
  /** Bits of each group's largest magnitude, int32. Broadcasts to `values`. */
  readonly amax: tf.Tensor;
  /** Returns values of the groups in the shape of the tensor. */
  readonly restore: (values: tf.Tensor) => tf.Tensor;
}

/** Layout of the groups in a tensor. */
interface Layout {
  /** Product of the sizes before the axis, size of the axis, and product of the sizes after it. */
  readonly rows: [outer: number, length: number, inner: number];
  /**
   * Shape of the values in groups, [outer, blocks, block, inner], with the last block padded. If the whole tensor is
   * one group, the tensor's shape.
   */
  readonly grouped: number[];
}

/** Returns the layout of the groups that share a scale. */
function layoutOf(shape: number[], scaling: Scaling, axis: number): Layout {
  const sizes = shape.length === 0 ? [1] : shape;
  const at = axis < 0 ? axis + sizes.length : axis;
  const product = (values: readonly number[]) => values.reduce((total, size) => total * size, 1);
  const length = sizes[at]!, outer = product(sizes.slice(0, at)), inner = product(sizes.slice(at + 1));
  const block = Math.min(scaling.block ?? length, length);
  const isWhole = scaling.kind === "tensor" || scaling.kind === "delayed";
  return {
    rows: [outer, length, inner],
    grouped: isWhole ? shape : [outer, Math.ceil(length / block), block, inner],
  };
}

function groupsOf(x: tf.Tensor, scaling: Scaling, axis: number): Groups {
  if (scaling.kind === "tensor" || scaling.kind === "delayed") {
    return { values: x, amax: tf.max(magnitudes(x)), restore: (values) => values };
  }
  const { rows: [outer, length, inner], grouped } = layoutOf(x.shape, scaling, axis);
  const padding = grouped[1]! * grouped[2]! - length;
  const rows = tf.reshape(x, [outer, length, inner]);
  const whole = padding === 0 ? rows : tf.pad(rows, [[0, 0], [0, padding], [0, 0]]);
  const values = tf.reshape(whole, grouped);
  return {
    values,
    amax: tf.max(magnitudes(values), 2, true),
    restore: (values) => {
      const joined = tf.reshape(values, [outer, length + padding, inner]);
      return tf.reshape(
        padding === 0 ? joined : tf.slice(joined, [0, 0, 0], [outer, length, inner]),
        x.shape,
      );
    },
  };
}

/**
 * Rounds to the nearest value of a format, ties to even. Larger numbers and infinities become the largest value.
 * Subnormal numbers of float32 count as 0. This takes half as many passes over the data as `roundTo`, which also
 * handles subnormal numbers and other roundings.
 */
function roundToNearest(x: tf.Tensor, { exponent, mantissa, largest }: Format): tf.Tensor {
  const lowest = 2 - 2 ** (exponent - 1) + 127; // exponent field of the smallest normal number
  const limited = tf.maximum(tf.minimum(x, largest), -largest);
  const binade = tf.maximum(bitwise("BitwiseAnd", bitsOf(limited), INFINITE), int(lowest << 23));
  const ulp = tf.sub(binade, int(mantissa << 23)); // bits of the distance between neighbors
  const inverse = floatOf(tf.sub(int(254 << 23), ulp));
  return tf.mul(tf.round(tf.mul(limited, inverse)), floatOf(ulp));
}

/** Returns the bits of |x|. They have the order of the magnitudes, with NaN above Inf. */
function magnitudes(x: tf.Tensor): tf.Tensor {
  return bitwise("BitwiseAnd", bitsOf(x), 0x7fffffff);
}

function conversionOf(
  { amax: current }: Groups,
  { format, scaling, history }: { format: Format; scaling: Scaling; history: tf.Tensor | undefined },
): Conversion {
  const emax = exponentOf(format.largest), largest = floatBits(format.largest);
  const amax = scaling.kind === "delayed" && history !== undefined
    ? delayedAmax(current, history, scaling.history!)
    : current;
  if (scaling.kind === "nvfp4") return blockScales(amax, format);
  const { exponent, mantissa } = splitMagnitude(amax);
  const floor = tf.sub(exponent, int(emax));
  if (scaling.kind === "mx") {
    const saturates = tf.greater(mantissa, int(largest & 0x7fffff));
    const shared = scaling.exponent === "ceil" ? tf.add(floor, tf.cast(saturates, "int32")) : floor;
    const limited = tf.minimum(tf.maximum(shared, int(-127)), int(127));
    return { exponent: limited, scale: undefined, inverse: orNaN(tf.onesLike(floatOf(amax)), amax) };
  }
  const scale = opaque(tf.div(format.largest, magnitudeAt(emax, mantissa)));
  return { exponent: floor, scale, inverse: orNaN(tf.div(1, scale), amax) };
}

/** Returns (1 + mantissa · 2^-23) · 2^exponent. */
function magnitudeAt(exponent: number, mantissa: tf.Tensor): tf.Tensor {
  return floatOf(bitwise("BitwiseOr", mantissa, exponent + 127 << 23));
}

/** Replaces `values` by NaN for groups whose largest magnitude is NaN or Inf. */
function orNaN(values: tf.Tensor, amax: tf.Tensor): tf.Tensor {
  return tf.where(tf.less(amax, int(INFINITE)), values, tf.fill(values.shape, NaN));
}

/**
 * Returns the largest magnitude that sets the scale of delayed scaling: the history's, or the current one if the
 * history is empty or 0.
 */
function delayedAmax(current: tf.Tensor, history: tf.Tensor, length: number): tf.Tensor {
  const used = tf.slice(history, [0], [Math.min(length, history.size)]);
  const most = tf.max(bitsOf(used));
  return tf.where(tf.greater(most, int(0)), most, current);
}

/** Returns the scaling of NVFP4: each block's E4M3 scale times the tensor's float32 scale. */
function blockScales(amax: tf.Tensor, format: Format): Conversion {
  const whole = tf.max(amax); // of the tensor
  const { exponent, mantissa } = splitMagnitude(whole);
  const emax = exponentOf(format.largest), shift = tf.sub(exponent, int(emax));
  const tensorScale = opaque(divideBy(magnitudeAt(emax, mantissa), format.largest * BLOCK_SCALE.largest));
  const blocks = scaleDown(floatOf(amax), tf.neg(shift));
  const wanted = tf.div(opaque(divideBy(blocks, format.largest)), tensorScale);
  const inverse = tf.mul(roundTo(wanted, BLOCK_SCALE), tensorScale);
  const scale = tf.where(tf.equal(inverse, 0), inverse, tf.div(1, inverse));
  return { exponent: shift, scale, inverse: orNaN(inverse, tf.broadcastTo(whole, inverse.shape)) };
}
