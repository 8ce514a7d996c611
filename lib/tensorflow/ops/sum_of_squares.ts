/**
 * The sum of the squares of a tensor.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import { float32, runOp } from "./_unit.ts";

/**
 * Sums the squares of all elements, without a tensor of the squares: TensorFlow's op L2Loss returns half the sum.
 *
 * @param x A floating tensor of any shape. 16-bit numbers are first cast to float32.
 * @returns A float32 scalar without a gradient.
 */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  return tf.mul(runOp("L2Loss", { T: [AttributeType.TYPE, DataType.FLOAT] }, [float32(x)]), 2) as tf.Scalar;
}
