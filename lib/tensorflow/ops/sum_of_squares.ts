/**
 * The sum of the squares of a tensor.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import { runOp } from "./_unit.ts";

/**
 * Sums the squares of all elements, without a tensor of the squares: TensorFlow's op L2Loss returns half the sum.
 *
 * @param x A float32 tensor of any shape.
 * @returns A float32 scalar without a gradient.
 */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  return tf.mul(runOp("L2Loss", { T: [AttributeType.TYPE, DataType.FLOAT] }, [x]), 2) as tf.Scalar;
}
