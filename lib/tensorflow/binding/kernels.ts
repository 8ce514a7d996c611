/**
 * Replacements of kernels of tfjs-node-gpu that copy their inputs to JavaScript, or that TensorFlow computes
 * incorrectly.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import type { OpBackend } from "./op_backend.ts";

/**
 * `tf.gather` without reading all indices in JavaScript at each call. TensorFlow's CPU kernel still throws if an index
 * is out of range.
 */
const gather: tf.KernelConfig = {
  kernelName: "GatherV2",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number };
    const { x, indices } = inputs as unknown as { x: tf.Tensor; indices: tf.Tensor };
    // Check the shapes only, so that errors have TF.js's text.
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
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

/** `tf.concat`. TensorFlow cannot concatenate scalars, which tfjs-node's histogram summary requires. */
const concat: tf.KernelConfig = {
  kernelName: "Concat",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, backend, attrs }) => {
    const { axis } = attrs as unknown as { axis: number };
    const tensors = Object.values(inputs) as unknown as tf.Tensor[];
    const typeAttribute = { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT };
    const number = { name: "N", type: AttributeType.INT, value: tensors.length };
    const { executeSingleOutput } = backend as unknown as OpBackend;
    if (tensors.every(({ shape }) => shape.length === 0)) {
      const attributes = [number, typeAttribute, { name: "axis", type: AttributeType.INT, value: 0 }];
      return executeSingleOutput.call(backend, "Pack", attributes, tensors);
    }
    const axisTensor = tf.scalar(axis, "int32");
    try {
      return executeSingleOutput.call(backend, "ConcatV2", [
        number,
        { name: "Tidx", type: AttributeType.TYPE, value: DataType.INT32 },
        typeAttribute,
      ], [...tensors, axisTensor]);
    } finally {
      axisTensor.dispose();
    }
  },
};

/** `tf.round`. TensorFlow 2.21's op returns zeros for int32. The replacement returns integers unchanged. */
const round: tf.KernelConfig = {
  kernelName: "Round",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, backend }) => {
    const { x } = inputs as unknown as { x: tf.Tensor };
    const name = x.dtype === "int32" ? "Identity" : "Round";
    const attributes = [{ name: "T", type: AttributeType.TYPE, value: DataType.FLOAT }];
    return (backend as unknown as OpBackend).executeSingleOutput(name, attributes, [x]);
  },
};

/** Replaces the kernels. Call this function after tfjs-node-gpu has registered its own. */
export function registerKernels(): void {
  for (const kernel of [concat, gather, round]) {
    tf.unregisterKernel(kernel.kernelName, kernel.backendName);
    tf.registerKernel(kernel);
  }
}
