/**
 * Operations on rows of a matrix: filling it in place, without a second copy, and slicing it after other tensors are
 * computed.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { dtypeOf } from "../binding/true_dtype.ts";
import { isXla, runOp } from "./_unit.ts";

/** Creates a float32 matrix for {@linkcode fillRows}. Its initial values are undefined. */
export function emptyMatrix([N, C]: [number, number]): tf.Tensor2D {
  if (isXla()) return tf.fill([N, C], 0);
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
  // XLA supports only the op that copies the matrix, but compiles it to an in-place update. TensorFlow's own kernel of
  // that op always copies.
  const filled = isXla()
    ? runOp("TensorScatterUpdate", { T, Tindices: [AttributeType.TYPE, DataType.INT32] }, [
      matrix,
      tf.reshape(places, [-1, 1]),
      rows,
    ])
    : runOp("InplaceUpdate", { T }, [matrix, places, rows]);
  return filled as tf.Tensor2D;
}

/**
 * Slices rows of a matrix, but only after other tensors are computed. Without this dependency, a graph would run the
 * products of all blocks at once. TensorFlow's op IdentityN waits for all its inputs.
 */
export function rowsAfter(
  matrix: tf.Tensor2D,
  { begin, size }: { begin: number; size: number },
  after: readonly tf.Tensor[],
): tf.Tensor2D {
  const { backend, binding } = currentTensorFlow();
  const columns = matrix.shape[1];
  if (binding.trace === undefined) return tf.slice(matrix, [begin, 0], [size, columns]);
  const types = [DataType.INT32, ...after.map(() => DataType.FLOAT)];
  const [start] = backend.executeMultipleOutputs(
    "IdentityN",
    [{ name: "T", type: AttributeType.TYPE, value: types }],
    [tf.tensor1d([begin, 0], "int32"), ...after],
    types.length,
  );
  return runOp("Slice", {
    T: [AttributeType.TYPE, dtypeOf(matrix)],
    Index: [AttributeType.TYPE, DataType.INT32],
  }, [matrix, start!, tf.tensor1d([size, columns], "int32")]) as tf.Tensor2D;
}
