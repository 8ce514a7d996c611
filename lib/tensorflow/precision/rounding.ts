/**
 * Rounding of tensors to a format.
 *
 * TensorFlow's casts round to bfloat16 and float16. Integer arithmetic on the bits of float32 rounds to every other
 * format.
 *
 * TensorFlow's float32 kernels flush subnormal numbers to zero; integer arithmetic does not. Formats with 8 exponent
 * bits have the same subnormal range, and their subnormal numbers are rounded as IEEE 754 requires. Subnormal numbers
 * of narrower formats are normal numbers in float32.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Format, parseFormat } from "../../precision/mod.ts";
import {
  bitsOf,
  bitwise,
  floatBits,
  floatOf,
  INFINITE,
  int,
  MANTISSA_BITS,
  SMALLEST_NORMAL,
} from "./_bits.ts";
import { DataType } from "../native/dtype.ts";
import { fused } from "../binding/fused.ts";
import { statelessBits } from "./random.ts";
import { castTo, dtypeOf, toFloat32 } from "../binding/true_dtype.ts";
import { asOneOp } from "./watch.ts";

/** Number of mantissa bits of float32, and the bits of -0 as int32. */
const MANTISSA = 23, SIGN = -0x80000000;

/** TensorFlow's element types for the formats that it supports. */
const STORAGE = { float32: DataType.FLOAT, bfloat16: DataType.BFLOAT16, float16: DataType.HALF } as const;

/**
 * Rounds a tensor to a format once. The rounding has no gradient.
 *
 * @param x Any floating tensor.
 * @param format The format. `kahan` rounds to nearest, because the optimizer adds the compensation.
 * @param key Random key, int32 [2]. Required for stochastic rounding. Equal keys give equal results.
 * @returns A tensor in the format's storage type, which is float32 for emulated formats.
 * @throws {TypeError} For stochastic rounding without a key.
 */
export function roundTo(x: tf.Tensor, format: Format, key?: tf.Tensor): tf.Tensor {
  if (format.family === "scale") return tf.tidy(() => roundScales(toFloat32(x), format));
  if (!format.emulated) {
    const dtype = STORAGE[format.storage];
    return dtypeOf(x) === dtype ? x : castTo(x, dtype);
  }
  const { name, largest } = format;
  return asOneOp(
    { name: `rounding to ${name}`, format: name, largest },
    x,
    () =>
      tf.tidy(() => roundCompiled([toFloat32(x), ...noiseFor(x.shape, format, key)], { format: name })[0]!),
  );
}

/**
 * Returns the random bits of a stochastic rounding, int32, in a list of one. The list is empty for other roundings. The
 * bits are drawn outside of fused functions, because XLA has another generator.
 *
 * @throws {TypeError} For stochastic rounding without a key.
 */
export function noiseFor(
  shape: readonly number[],
  { rounding }: Format,
  key: tf.Tensor | undefined,
): tf.Tensor[] {
  if (rounding !== "stochastic") return [];
  if (key !== undefined) return [statelessBits(shape, key)];
  throw new TypeError(
    "Cannot round stochastically: expected a key, an int32 tensor of shape [2], got none.",
  );
}

/** Minimum number of elements for compiled roundings. A compiled rounding replaces 15 to 60 ops. */
export const MIN_COMPILED = 2 ** 12;

const roundCompiled = fused("round", ([x, noise], { format }: { format: string }) => [
  x!.size === 0 ? tf.clone(x!) : roundBits(x!, parseFormat(format), noise),
], { minElements: MIN_COMPILED });

/**
 * Rounds float32 numbers to an emulated format.
 *
 * @param noise Random bits, int32, of the shape of x. Required for stochastic rounding.
 */
export function roundBits(x: tf.Tensor, format: Format, noise?: tf.Tensor): tf.Tensor {
  const { exponent, mantissa, rounding } = format;
  const dropped = MANTISSA - mantissa;
  const bits = bitsOf(x);
  const size = bitwise("BitwiseAnd", bits, 0x7fffffff); // the bits of |x|
  const sign = bitwise("BitwiseXor", bits, size);
  const isNaN = tf.greater(size, int(INFINITE));
  const isFinite = tf.less(size, int(INFINITE));
  let rounded = size;
  if (dropped > 0) {
    const low = 2 ** dropped - 1; // the bits to drop
    let raised = size;
    if (rounding === "stochastic") {
      raised = tf.add(size, bitwise("BitwiseAnd", noise!, low));
    } else if (rounding !== "truncate") {
      const odd = bitwise("BitwiseAnd", bitwise("RightShift", size, dropped), 1);
      raised = tf.add(size, tf.add(odd, int(2 ** (dropped - 1) - 1)));
    }
    // For NaN, the addition could overflow into other bits.
    rounded = tf.where(isFinite, bitwise("BitwiseAnd", raised, ~low), size);
  }
  if (exponent < 8) {
    const bias = 2 ** (exponent - 1) - 1;
    const largest = floatBits(format.largest), overflow = overflowBits(format);
    const isBeyond = tf.greater(rounded, int(largest));
    // Truncation saturates finite numbers at the largest one.
    rounded = rounding === "truncate"
      ? tf.where(isBeyond, tf.where(isFinite, filled(x, largest), filled(x, overflow)), rounded)
      : tf.where(isBeyond, filled(x, overflow), rounded);
    rounded = tf.where(
      tf.less(size, int(floatBits(format.smallestNormal))),
      bitsOf(roundFixed(floatOf(size), { step: 2 ** (1 - bias - mantissa), rounding }, noise)),
      rounded,
    );
    // In a format without NaN, NaN becomes zero with the opposite sign, as in ml_dtypes.
    rounded = tf.where(isNaN, format.hasNaN ? size : filled(x, SIGN), rounded);
  }
  return floatOf(bitwise("BitwiseXor", rounded, sign));
}

/**
 * Rounds to a power of two from 2^-127 to 2^127, as E8M0 requires. Numbers ≤ 0, Inf and NaN become NaN. To nearest, a
 * midpoint rounds to the larger power, and subnormal numbers above 2^-127 round up.
 */
function roundScales(x: tf.Tensor, { rounding }: Format): tf.Tensor {
  const bits = bitsOf(x);
  const field = bitwise("RightShift", bits, MANTISSA);
  const half = rounding === "truncate" ? MANTISSA_BITS + 1 : (MANTISSA_BITS + 1) / 2;
  const isUp = tf.greaterEqual(bitwise("BitwiseAnd", bits, MANTISSA_BITS), int(half));
  const power = tf.add(field, tf.cast(isUp, "int32"));
  const smallest = floatBits(2 ** -127);
  const isSmallest = rounding === "truncate"
    ? tf.less(bits, int(SMALLEST_NORMAL))
    : tf.lessEqual(bits, int(smallest));
  const rounded = tf.where(
    isSmallest,
    filled(x, smallest),
    bitwise("LeftShift", tf.maximum(power, int(1)), MANTISSA),
  );
  const isNumber = tf.logicalAnd(tf.greater(bits, int(0)), tf.less(bits, int(INFINITE)));
  const isNaN = tf.logicalOr(tf.logicalNot(isNumber), tf.greaterEqual(rounded, int(INFINITE)));
  return floatOf(tf.where(isNaN, filled(x, floatBits(NaN)), rounded));
}

/** Returns the float32 bits of the result for a finite number beyond the format's largest value. */
function overflowBits({ overflow, largest }: Format): number {
  return floatBits(overflow === "infinity" ? Infinity : overflow === "saturate" ? largest : NaN);
}

function filled(x: tf.Tensor, bits: number): tf.Tensor {
  return tf.fill(x.shape, bits, "int32");
}

/** Rounds magnitudes to multiples of a power of two, which is the spacing of subnormal numbers. */
function roundFixed(
  x: tf.Tensor,
  { step, rounding }: { step: number; rounding: Format["rounding"] },
  noise?: tf.Tensor,
): tf.Tensor {
  const steps = tf.mul(x, 1 / step); // exact
  const whole = rounding === "stochastic"
    ? tf.floor(tf.add(steps, uniformOf(noise!)))
    : rounding === "truncate"
    ? tf.floor(steps)
    : tf.round(steps); // half to even
  return tf.mul(whole, step);
}

/**
 * Converts random bits to uniform numbers in [0, 1), multiples of 2^-23. `statelessUniform` gives the same numbers for
 * the same key.
 */
function uniformOf(noise: tf.Tensor): tf.Tensor {
  const inUpperBinade = bitwise("BitwiseOr", bitwise("BitwiseAnd", noise, MANTISSA_BITS), floatBits(1));
  return tf.sub(floatOf(inUpperBinade), 1); // exact
}
