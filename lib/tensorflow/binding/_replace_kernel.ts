/**
 * Replacement of a kernel of the backend.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** The arguments of a kernel. */
export type KernelCall = Parameters<tf.KernelFunc>[0];

/** A function that runs a kernel with one result. */
export type RunKernel = (call: KernelCall) => tf.TensorInfo;

/**
 * Replaces a kernel of the TensorFlow backend.
 *
 * @param name Name of the kernel, which must have a single result.
 * @param kernelFunc The new kernel. It receives each call, and a function that runs the former kernel.
 */
export function replaceKernel(
  name: string,
  kernelFunc: (call: KernelCall, run: RunKernel) => tf.TensorInfo,
): void {
  const kernel = tf.getKernel(name, "tensorflow");
  tf.unregisterKernel(name, "tensorflow");
  tf.registerKernel({ ...kernel, kernelFunc: (call) => kernelFunc(call, kernel.kernelFunc as RunKernel) });
}
