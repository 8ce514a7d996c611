/**
 * A matrix that is filled in place, block by block, without a second copy.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { runOp } from "./_unit.ts";

/**
 * XLA supports only the op that copies the matrix, but compiles the op to an in-place update. TensorFlow's own kernel
 * of that op always copies.
 */
const inXla = () => currentTensorFlow().binding.trace?.mode === "xla";

/** Creates a float32 matrix for {@linkcode fillRows}. Its initial values are undefined. */
export function emptyMatrix([N, C]: [number, number]): tf.Tensor2D {
  if (inXla()) return tf.fill([N, C], 0);
  // A constant would be filled once for all calls.
  return runOp("Empty", {
    dtype: [AttributeType.TYPE, DataType.FLOAT],
    init: [AttributeType.BOOL, false],
  }, [tf.tensor1d([N, C], "int32")]) as tf.Tensor2D;
}

/**
 * Fills rows of a matrix in place. Do not use the input matrix again, except to dispose of it.
 *
 * @param matrix The result of {@linkcode emptyMatrix} or of a previous call, [N, C].
 * @param begin Index of the first row to fill.
 * @param rows Values of the rows, float32 [n, C].
 * @returns The filled matrix.
 */
export function fillRows(matrix: tf.Tensor2D, begin: number, rows: tf.Tensor): tf.Tensor2D {
  const places = tf.range(begin, begin + rows.shape[0]!, 1, "int32");
  const T: [number, unknown] = [AttributeType.TYPE, DataType.FLOAT];
  const filled = inXla()
    ? runOp("TensorScatterUpdate", { T, Tindices: [AttributeType.TYPE, DataType.INT32] }, [
      matrix,
      tf.reshape(places, [-1, 1]),
      rows,
    ])
    : runOp("InplaceUpdate", { T }, [matrix, places, rows]);
  return filled as tf.Tensor2D;
}
