/**
 * What units are made of: operations with a gradient that is written out, and casts between the types that TF.js does not
 * tell apart.
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

/** Values with their gradient: `backward` gets the values' gradients, and returns that of every input in order. */
export interface WithBackward {
  values: tf.Tensor[];
  /** What `backward` uses of the forward pass; TF.js keeps it alive until then. */
  saved: tf.Tensor[];
  backward: (dys: tf.Tensor[], saved: tf.Tensor[]) => tf.Tensor[];
}

/** `tf.customGrad` for any number of inputs and results. */
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

/** Casts to the type that another tensor had; both are float32 to TF.js. */
export function cast(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

/** Casts to the type that another tensor has. */
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

/** The type that the policy in force has matrix products take. */
export function productType(): number | undefined {
  const { policy } = currentTensorFlow().binding.regions.current;
  return policy.lowOps.has("MatMul") ? policy.lowType : undefined;
}

/**
 * Sums of rows, [N, C] to [N, 1]. XLA adds a row up one number at a time, unless it is a product with ones; TensorFlow's
 * own kernel does not need that.
 */
export function rowSums(x: tf.Tensor): tf.Tensor {
  if (currentTensorFlow().binding.trace?.mode !== "xla") return tf.sum(x, -1, true);
  return tf.matMul(x, tf.ones([x.shape.at(-1)!, 1]));
}

/**
 * Largest numbers of rows, [N, C] to [N, 1]. XLA may drop NaN: use it where NaN reaches the result by another way, as it
 * does through a softmax's sum. There `tf.max`, which keeps NaN, would add each row up once more.
 */
export function rowMax(x: tf.Tensor): tf.Tensor {
  const attributes: Record<string, [number, unknown]> = {
    keep_dims: [AttributeType.BOOL, true],
    T: [AttributeType.TYPE, DataType.FLOAT],
    Tidx: [AttributeType.TYPE, DataType.INT32],
  };
  return runOp("Max", attributes, [x, tf.tensor1d([-1], "int32")]);
}

/** Means of rows, [N, C] to [N, 1], in the form that is fast where it runs. */
export function rowMeans(x: tf.Tensor): tf.Tensor {
  if (currentTensorFlow().binding.trace?.mode !== "xla") return tf.mean(x, -1, true);
  return tf.div(rowSums(x), x.shape.at(-1)!);
}
