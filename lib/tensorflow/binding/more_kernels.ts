/**
 * Kernels that tfjs-node-gpu lacks and TensorFlow has ops for.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import type { OpBackend } from "./op_backend.ts";

const type = (name: string, value: number) => ({ name, type: AttributeType.TYPE, value });

/** What a kernel is given. */
interface Call {
  inputs: Record<string, tf.Tensor>;
  attrs: Record<string, unknown>;
  backend: OpBackend;
}

const KERNELS: Readonly<Record<string, (call: Call) => tf.Tensor>> = {
  BitwiseAnd: ({ inputs: { a, b }, backend }) =>
    backend.executeSingleOutput("BitwiseAnd", [type("T", DataType.INT32)], [a!, b!]),
  DenseBincount: ({ inputs: { x, weights }, attrs: { size, binaryOutput }, backend }) =>
    tf.tidy(() => {
      const attributes = [
        type("Tidx", DataType.INT32),
        type("T", DataType.FLOAT),
        { name: "binary_output", type: AttributeType.BOOL, value: binaryOutput },
      ];
      return backend.executeSingleOutput("DenseBincount", attributes, [
        x!,
        tf.scalar(size as number, "int32"),
        weights!,
      ]);
    }),
  SearchSorted: ({ inputs: { sortedSequence, values }, attrs: { side }, backend }) =>
    backend.executeSingleOutput(side === "left" ? "LowerBound" : "UpperBound", [
      type("T", DataType.FLOAT),
      type("out_type", DataType.INT32),
    ], [sortedSequence!, values!]),
};

/** Adds the kernels. */
export function registerMoreKernels(): void {
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: (call) => kernel(call as unknown as Call),
    });
  }
}
