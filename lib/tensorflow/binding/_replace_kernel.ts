/**
 * Replaces a kernel of the backend by a function that is given it.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** What a kernel is called with. */
export type KernelCall = Parameters<tf.KernelFunc>[0];

/** Runs a kernel with one result. */
export type RunKernel = (call: KernelCall) => tf.TensorInfo;

/**
 * Replaces a kernel.
 *
 * @param name Its name; it has one result.
 * @param kernelFunc Gets each call, and the former kernel.
 */
export function replaceKernel(
  name: string,
  kernelFunc: (call: KernelCall, run: RunKernel) => tf.TensorInfo,
): void {
  const kernel = tf.getKernel(name, "tensorflow");
  tf.unregisterKernel(name, "tensorflow");
  tf.registerKernel({ ...kernel, kernelFunc: (call) => kernelFunc(call, kernel.kernelFunc as RunKernel) });
}
