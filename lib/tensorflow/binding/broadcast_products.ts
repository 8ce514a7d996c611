/**
 * Matrix products that only repeat values. TF.js computes `tf.meshgrid` as the product of a vector, as a matrix with
 * one row or column, and a vector of ones. PyTorch repeats the values without a product, so no policy may round such a
 * product.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { BoundBackend } from "./_cast.ts";
import { replaceKernel } from "./_replace_kernel.ts";
import { EXACT } from "./dispatch.ts";
import type { WritingBackend } from "./op_backend.ts";

/** Makes such products exact under every policy. Call this function after the backend is registered. */
export function installBroadcastProducts({ binding: { regions }, backend }: BoundBackend): void {
  const ones = new WeakSet<object>();
  const { write } = backend as WritingBackend;
  (backend as WritingBackend).write = function (values, shape, dtype) {
    const data = write.call(this, values, shape, dtype);
    if (shape.length === 2 && shape.includes(1) && isOnes(values)) ones.add(data);
    return data;
  };
  replaceKernel("BatchMatMul", (call, run) => {
    const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const summed = a.shape.at(call.attrs!["transposeA"] ? -2 : -1); // length of the sums
    const isExact = summed === 1 && (ones.has(a.dataId) || ones.has(b.dataId));
    return isExact ? regions.withPolicy(EXACT, () => run(call)) : run(call);
  });
}

function isOnes(values: unknown): boolean {
  return values instanceof Float32Array && values.every((value) => value === 1);
}
