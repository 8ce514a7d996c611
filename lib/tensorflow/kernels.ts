/**
 * Kernels of ours in place of those of tfjs-node-gpu that read their inputs on the host.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "./attribute.ts";
import { DataType } from "./dtype.ts";
import type { OpBackend } from "./op_backend.ts";

/**
 * `tf.gather` without reading every index in JavaScript at each call. An index out of range is still an error:
 * TensorFlow's own CPU kernel checks it.
 */
const gather: tf.KernelConfig = {
  kernelName: "GatherV2",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number };
    const { x, indices } = inputs as unknown as { x: tf.Tensor; indices: tf.Tensor };
    const axisTensor = tf.scalar(axis, "int32");
    try {
      return (backend as unknown as OpBackend).executeSingleOutput("GatherV2", [
        { name: "batch_dims", type: AttributeType.INT, value: batchDims },
        { name: "Tparams", type: AttributeType.TYPE, value: DataType.FLOAT },
        { name: "Tindices", type: AttributeType.TYPE, value: DataType.INT32 },
        { name: "Taxis", type: AttributeType.TYPE, value: DataType.INT32 },
      ], [x, indices, axisTensor]);
    } finally {
      axisTensor.dispose();
    }
  },
};

/** Replaces the kernels. Call it after tfjs-node-gpu registered its own. */
export function registerKernels(): void {
  for (const kernel of [gather]) {
    tf.unregisterKernel(kernel.kernelName, kernel.backendName);
    tf.registerKernel(kernel);
  }
}
