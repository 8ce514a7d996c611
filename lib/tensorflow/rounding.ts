/**
 * Tensors rounded to a format: bfloat16 and float16 by TensorFlow's casts, every other format by integer arithmetic on
 * float32's bits.
 *
 * TensorFlow's float32 kernels take subnormal numbers for zero. Bits are spared from that, so that subnormals of formats
 * with 8 bits of exponent are rounded as IEEE 754 says; of narrower formats they are float32's normal numbers.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Format } from "../precision/mod.ts";
import { AttributeType } from "./attribute.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType } from "./dtype.ts";
import { statelessBits, statelessUniform } from "./random.ts";
import { castTo, dtypeOf, toFloat32 } from "./true_dtype.ts";

/** Bits of float32's mantissa, the bias of its exponent, and the bits of infinity. */
const MANTISSA = 23, BIAS = 127, INFINITE = 0x7f800000;

/** TensorFlow's types of the formats that it has. */
const STORAGE = { float32: DataType.FLOAT, bfloat16: DataType.BFLOAT16, float16: DataType.HALF } as const;

/**
 * A tensor rounded to a format, once. It has no gradient of its own.
 *
 * @param x Any floating tensor.
 * @param format What to round to; `kahan` rounds to nearest here.
 * @param key int32 [2], for stochastic rounding: equal keys give equal results.
 * @returns In the format's storage: emulated formats are float32 tensors whose values the format has.
 * @throws {TypeError} for stochastic rounding without a key.
 */
export function roundTo(x: tf.Tensor, format: Format, key?: tf.Tensor): tf.Tensor {
  if (!format.emulated) {
    const dtype = STORAGE[format.storage];
    return dtypeOf(x) === dtype ? x : castTo(x, dtype);
  }
  if (format.rounding === "stochastic" && key === undefined) {
    throw new TypeError("Cannot round stochastically: wanted a key, an int32 tensor of shape [2]");
  }
  return tf.tidy(() => roundBits(toFloat32(x), format, key));
}

function roundBits(x: tf.Tensor, { exponent, mantissa, rounding }: Format, key?: tf.Tensor): tf.Tensor {
  const dropped = MANTISSA - mantissa;
  const bits = bitcast(x, DataType.INT32);
  const size = bitwise("BitwiseAnd", bits, 0x7fffffff); // the bits of |x|
  const sign = bitwise("BitwiseXor", bits, size);
  const isNumber = tf.lessEqual(size, int(INFINITE));
  let rounded = size;
  if (dropped > 0) {
    const low = 2 ** dropped - 1; // the bits that go
    let raised = size;
    if (rounding === "stochastic") {
      raised = tf.add(size, bitwise("BitwiseAnd", statelessBits(x.shape, key!), low));
    } else if (rounding !== "truncate") {
      const odd = bitwise("BitwiseAnd", bitwise("RightShift", size, dropped), 1);
      raised = tf.add(size, tf.add(odd, int(2 ** (dropped - 1) - 1)));
    }
    rounded = bitwise("BitwiseAnd", raised, ~low);
    // Infinity stays what it is, and so does NaN, whose bits a sum could carry away.
    rounded = tf.where(tf.less(size, int(INFINITE)), rounded, size);
  }
  if (exponent < 8) {
    const bias = 2 ** (exponent - 1) - 1;
    const largest = ((BIAS + bias) << MANTISSA) | (2 ** MANTISSA - 2 ** dropped);
    const beyond = tf.greater(rounded, int(largest));
    // Towards zero, only infinity itself is infinite.
    const end = rounding === "truncate"
      ? tf.where(
        tf.equal(size, int(INFINITE)),
        tf.fill(x.shape, INFINITE, "int32"),
        tf.fill(x.shape, largest, "int32"),
      )
      : tf.fill(x.shape, INFINITE, "int32");
    rounded = tf.where(beyond, end, rounded);
    const smallestNormal = (BIAS + 1 - bias) << MANTISSA;
    rounded = tf.where(
      tf.less(size, int(smallestNormal)),
      bitcast(
        roundFixed(bitcast(size, DataType.FLOAT), { step: 2 ** (1 - bias - mantissa), rounding }, key),
        DataType.INT32,
      ),
      rounded,
    );
    rounded = tf.where(isNumber, rounded, size);
  }
  return bitcast(bitwise("BitwiseOr", rounded, sign), DataType.FLOAT);
}

/** Magnitudes rounded to multiples of a power of two: subnormals. */
function roundFixed(
  x: tf.Tensor,
  { step, rounding }: { step: number; rounding: Format["rounding"] },
  key?: tf.Tensor,
): tf.Tensor {
  const steps = tf.mul(x, 1 / step); // exact
  const whole = rounding === "stochastic"
    ? tf.floor(tf.add(steps, statelessUniform(x.shape, key!)))
    : rounding === "truncate"
    ? tf.floor(steps)
    : tf.round(steps); // half to even
  return tf.mul(whole, step);
}

/** A tensor of 32-bit elements, its bits read as another type. */
function bitcast(x: tf.Tensor, type: number): tf.Tensor {
  const { backend } = currentTensorFlow();
  return backend.executeSingleOutput("Bitcast", [
    { name: "T", type: AttributeType.TYPE, value: type === DataType.FLOAT ? DataType.INT32 : DataType.FLOAT },
    { name: "type", type: AttributeType.TYPE, value: type },
  ], [x]);
}

function bitwise(
  op: "BitwiseAnd" | "BitwiseOr" | "BitwiseXor" | "RightShift",
  x: tf.Tensor,
  y: tf.Tensor | number,
) {
  const other = typeof y === "number" ? int(y) : y;
  return currentTensorFlow().backend.executeSingleOutput(op, [
    { name: "T", type: AttributeType.TYPE, value: DataType.INT32 },
  ], [x, other]);
}

function int(value: number): tf.Scalar {
  return tf.scalar(value, "int32");
}
