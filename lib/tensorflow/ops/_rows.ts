/**
 * A matrix that is filled block by block without ever being there twice.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { runOp } from "./_unit.ts";

/** XLA has only the op that copies, and makes it one that does not; TensorFlow's own kernel of that one always copies. */
const inXla = () => currentTensorFlow().binding.trace?.mode === "xla";

/** A float32 matrix to be filled by {@linkcode fillRows}; what is in it until then is left open. */
export function emptyMatrix([N, C]: [number, number]): tf.Tensor2D {
  if (inXla()) return tf.fill([N, C], 0);
  // Never a constant, which would be filled once for all calls.
  return runOp("Empty", {
    dtype: [AttributeType.TYPE, DataType.FLOAT],
    init: [AttributeType.BOOL, false],
  }, [tf.tensor1d([N, C], "int32")]) as tf.Tensor2D;
}

/**
 * Fills rows of a matrix. The matrix that is given must not be used again, but for being disposed of.
 *
 * @param matrix From {@linkcode emptyMatrix} or from here, [N, C].
 * @param begin The first row to be filled.
 * @param rows float32 [n, C].
 * @returns The matrix with these rows.
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
