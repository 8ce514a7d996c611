/**
 * Building blocks of operations: explicit gradients, casts between types that TF.js does not distinguish, and row
 * reductions.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import type { Policy } from "../binding/policy.ts";
import { engine } from "../binding/tape.ts";
import { castTo, dtypeOf } from "../binding/true_dtype.ts";

/**
 * Values with their gradient. `backward` receives the gradients of the values and returns those of all inputs in order.
 */
export interface WithBackward {
  values: tf.Tensor[];
  /** Tensors of the forward pass that `backward` uses. TF.js keeps them alive until then. */
  saved: tf.Tensor[];
  backward: (dys: tf.Tensor[], saved: tf.Tensor[]) => tf.Tensor[];
}

/** Extends `tf.customGrad` to any number of inputs and results. */
export function withGradient<I extends tf.Tensor[]>(
  inputs: I,
  forward: (...inputs: I) => WithBackward,
): tf.Tensor[] {
  let backward: WithBackward["backward"] | undefined;
  return engine().runKernelFunc({
    forwardFunc: (_, save) => {
      const result = forward(...inputs);
      backward = result.backward;
      save(result.saved);
      return result.values;
    },
    backwardsFunc: (dys, saved) => {
      const gradients = backward!(Array.isArray(dys) ? dys : [dys], saved);
      return Object.fromEntries(gradients.map((gradient, i) => [i, () => gradient]));
    },
    inputs: { ...inputs } as unknown as Record<string, tf.Tensor>,
  });
}

export function withPolicy<R>(policy: Policy, work: () => R): R {
  return currentTensorFlow().binding.regions.withPolicy(policy, work);
}

/** Casts to a type by its number. TF.js reports both types as float32. */
export function cast(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

/** Casts to another tensor's type. */
export const castAs = (tensor: tf.Tensor, like: tf.Tensor): tf.Tensor => cast(tensor, dtypeOf(like));

export const float32 = (tensor: tf.Tensor): tf.Tensor => cast(tensor, DataType.FLOAT);

export function runOp(
  name: string,
  attributes: Record<string, [number, unknown]>,
  inputs: tf.Tensor[],
): tf.Tensor {
  const list = Object.entries(attributes).map(([key, [type, value]]) => ({ name: key, type, value }));
  return currentTensorFlow().backend.executeSingleOutput(name, list, inputs);
}

/** Returns the type of matrix products under the active policy. */
export function productType(): number | undefined {
  const { policy } = currentTensorFlow().binding.regions.current;
  return policy.lowOps.has("MatMul") ? policy.lowType : undefined;
}

/**
 * Sums rows, [N, C] to [N, 1]. Uses a product with ones in XLA, whose own sum adds one number at a time. TensorFlow's
 * kernel is fast without the product.
 */
export function rowSums(x: tf.Tensor): tf.Tensor {
  if (currentTensorFlow().binding.trace?.mode !== "xla") return tf.sum(x, -1, true);
  return tf.matMul(x, tf.ones([x.shape.at(-1)!, 1]));
}

/**
 * Returns the maximum of each row, [N, C] to [N, 1]. XLA may drop NaN. Use this function only where NaN also reaches
 * the result by another path, for instance a softmax's sum. `tf.max` propagates NaN, but would reduce each row a second
 * time.
 */
export function rowMax(x: tf.Tensor): tf.Tensor {
  const attributes: Record<string, [number, unknown]> = {
    keep_dims: [AttributeType.BOOL, true],
    T: [AttributeType.TYPE, DataType.FLOAT],
    Tidx: [AttributeType.TYPE, DataType.INT32],
  };
  return runOp("Max", attributes, [x, tf.tensor1d([-1], "int32")]);
}

/** Returns the mean of each row, [N, C] to [N, 1], in the form that is faster in the current mode. */
export function rowMeans(x: tf.Tensor): tf.Tensor {
  if (currentTensorFlow().binding.trace?.mode !== "xla") return tf.mean(x, -1, true);
  return tf.div(rowSums(x), x.shape.at(-1)!);
}
