/**
 * Integer arithmetic on the bits of float32 tensors. TensorFlow's float32 kernels flush subnormal numbers to zero;
 * integer arithmetic does not.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";

/** Bits of infinity, of the smallest normal number, and of the mantissa, as int32. */
export const INFINITE = 0x7f800000, SMALLEST_NORMAL = 0x00800000, MANTISSA_BITS = 0x007fffff;

/** Reinterprets the bits of float32 as int32. */
export function bitsOf(x: tf.Tensor): tf.Tensor {
  return bitcast(x, DataType.INT32);
}

/** Reinterprets int32 as the bits of float32. */
export function floatOf(bits: tf.Tensor): tf.Tensor {
  return bitcast(bits, DataType.FLOAT);
}

function bitcast(x: tf.Tensor, type: number): tf.Tensor {
  const { backend } = currentTensorFlow();
  return backend.executeSingleOutput("Bitcast", [
    { name: "T", type: AttributeType.TYPE, value: type === DataType.FLOAT ? DataType.INT32 : DataType.FLOAT },
    { name: "type", type: AttributeType.TYPE, value: type },
  ], [x]);
}

/** Computes a bitwise operation of int32 tensors. The operands broadcast. */
export function bitwise(
  op: "BitwiseAnd" | "BitwiseOr" | "BitwiseXor" | "RightShift" | "LeftShift",
  x: tf.Tensor,
  y: tf.Tensor | number,
): tf.Tensor {
  const other = typeof y === "number" ? int(y) : y;
  return currentTensorFlow().backend.executeSingleOutput(op, [
    { name: "T", type: AttributeType.TYPE, value: DataType.INT32 },
  ], [x, other]);
}

/**
 * Returns a positive tensor unchanged, in a form that XLA cannot simplify divisions across. XLA would replace 1 / (a /
 * b) by b / a, and (a / b) / c by a / (b · c), which changes the rounding.
 */
export function opaque(x: tf.Tensor): tf.Tensor {
  const bits = bitsOf(x);
  return floatOf(bitwise("BitwiseOr", bits, bitwise("RightShift", bits, 31))); // ors 0: the sign
}

/**
 * Divides positive numbers by a constant, correctly rounded. XLA would replace a division by a constant by a product
 * with its inverse. The divisor is therefore made to depend on the dividend.
 */
export function divideBy(x: tf.Tensor, divisor: number): tf.Tensor {
  const zero = bitwise("RightShift", bitsOf(x), 31); // the sign
  return tf.div(x, floatOf(bitwise("BitwiseOr", zero, floatBits(divisor))));
}

/** Returns an int32 scalar. */
export function int(value: number): tf.Scalar {
  return tf.scalar(value, "int32");
}

/** Returns a number's float32 bits as int32. */
export function floatBits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

/** Exponent and mantissa of float32 numbers: |x| = (1 + mantissa · 2^-23) · 2^exponent. Meaningless for 0. */
export interface Magnitude {
  /** Exponent, int32. */
  readonly exponent: tf.Tensor;
  /** Mantissa bits without the leading 1, int32. */
  readonly mantissa: tf.Tensor;
}

/**
 * Splits magnitudes into exponent and mantissa. Subnormal numbers are normalized.
 *
 * @param size Bits of |x|, int32.
 */
export function splitMagnitude(size: tf.Tensor): Magnitude {
  const subnormal = tf.less(size, int(SMALLEST_NORMAL));
  const normalized = tf.where(subnormal, bitsOf(tf.cast(size, "float32")), size);
  const offset = tf.mul(tf.cast(subnormal, "int32"), int(149));
  return {
    exponent: tf.sub(tf.sub(bitwise("RightShift", normalized, 23), int(127)), offset),
    mantissa: bitwise("BitwiseAnd", normalized, MANTISSA_BITS),
  };
}

/**
 * Computes x · 2^k. Results below the normal numbers become 0.
 *
 * @param x float32. Subnormal numbers are read exactly.
 * @param k int32, in [-400, 400]. Broadcasts.
 */
export function scaleDown(x: tf.Tensor, k: tf.Tensor): tf.Tensor {
  const bits = bitsOf(x), size = bitwise("BitwiseAnd", bits, 0x7fffffff);
  const subnormal = tf.less(size, int(SMALLEST_NORMAL));
  const whole = timesPower(tf.cast(size, "float32"), tf.sub(k, int(149)));
  return tf.where(subnormal, withSignOf(bits, whole), timesPower(x, k));
}

/** Returns non-negative numbers with the sign bit of `bits`. */
function withSignOf(bits: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return floatOf(bitwise("BitwiseOr", bitsOf(x), bitwise("BitwiseAnd", bits, -0x80000000)));
}

/**
 * Computes x · 2^k. Subnormal results are rounded to nearest, ties to even.
 *
 * @param x float32, 0 or normal.
 * @param k int32, in [-250, 250]. Broadcasts.
 */
export function scaleUp(x: tf.Tensor, k: tf.Tensor): tf.Tensor {
  const normal = timesPower(x, k);
  // A subnormal number is a multiple of 2^-149, which is the integer in its bits.
  const multiples = tf.round(timesPower(tf.abs(x), tf.add(k, int(149)))); // half to even
  // Numbers that round up to the smallest normal one are subnormal before, and would be flushed.
  const subnormal = tf.lessEqual(multiples, tf.scalar(SMALLEST_NORMAL));
  const small = floatOf(tf.cast(tf.minimum(multiples, SMALLEST_NORMAL), "int32"));
  return tf.where(subnormal, withSignOf(bitsOf(x), small), normal);
}

/** Multiplies by 2^k in two steps. Each factor is a normal power of two. */
function timesPower(x: tf.Tensor, k: tf.Tensor): tf.Tensor {
  const half = bitwise("RightShift", k, 1); // rounds down
  return tf.mul(tf.mul(x, powerOfTwo(half)), powerOfTwo(tf.sub(k, half)));
}

/** Returns 2^k as a normal number. k is clipped if necessary. */
function powerOfTwo(k: tf.Tensor): tf.Tensor {
  const limited = tf.minimum(tf.maximum(k, int(-126)), int(127));
  return floatOf(bitwise("LeftShift", tf.add(limited, int(127)), 23));
}
