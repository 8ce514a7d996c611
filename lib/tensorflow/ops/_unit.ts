/**
 * Building blocks of operations: explicit gradients, casts to types that TF.js does not know, and row reductions.
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
 * Results of an operation with their gradient. `backward` receives the gradients of `values`, and returns those of all
 * inputs in order.
 */
export interface WithBackward {
  values: tf.Tensor[];
  /** Tensors that `backward` uses. TF.js keeps them alive until then. */
  saved: tf.Tensor[];
  backward: (dys: tf.Tensor[], saved: tf.Tensor[]) => tf.Tensor[];
}

/** Runs a computation with a custom gradient. Unlike `tf.customGrad`, it supports any number of inputs and results. */
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

/** Casts to the TensorFlow type with the given number. TF.js itself reports every floating type as float32. */
export function cast(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

/** Casts to another tensor's type. */
export const castAs = (tensor: tf.Tensor, like: tf.Tensor): tf.Tensor => cast(tensor, dtypeOf(like));

export const float32 = (tensor: tf.Tensor): tf.Tensor => cast(tensor, DataType.FLOAT);

/** Returns true if ops are traced for a function that XLA compiles. */
export const isXla = (): boolean => currentTensorFlow().binding.trace?.mode === "xla";

export function runOp(
  name: string,
  attributes: Record<string, [number, unknown]>,
  inputs: tf.Tensor[],
): tf.Tensor {
  const list = Object.entries(attributes).map(([key, [type, value]]) => ({ name: key, type, value }));
  return currentTensorFlow().backend.executeSingleOutput(name, list, inputs);
}

/** Returns the type of matrix products under the active policy. Undefined if the policy does not lower them. */
export function productType(): number | undefined {
  const { policy } = currentTensorFlow().binding.regions.current;
  return policy.lowOps.has("MatMul") ? policy.lowType : undefined;
}

/**
 * Sums rows, [..., C] to [..., 1]. In XLA, the sum is a product with ones, because XLA's own sum adds one number at a
 * time.
 */
export function rowSums(x: tf.Tensor): tf.Tensor {
  if (!isXla()) return tf.sum(x, -1, true);
  const C = x.shape.at(-1)!;
  // Only the factor is reshaped. Between elementwise ops, a reshape would keep XLA from vectorizing their loop.
  const sums = tf.matMul(tf.reshape(x, [-1, C]), tf.ones([C, 1]));
  return tf.reshape(sums, [...x.shape.slice(0, -1), 1]);
}

/**
 * Largest number of columns whose maximum XLA searches one number at a time. Longer rows are first folded by maxima of
 * two halves, which XLA vectorizes.
 */
const MAX_UNFOLDED = 32;

/**
 * Returns the maximum of each float32 row, [..., C] to [..., 1]. In XLA, a NaN may be lost. Use this function only if
 * NaN also reaches the result by another path, such as a softmax's sum. `tf.max` propagates NaN, but reduces each row a
 * second time.
 */
export function rowMax(x: tf.Tensor): tf.Tensor {
  if (isXla() && x.shape.at(-1)! > MAX_UNFOLDED) return rowMax(halvesMax(x));
  return maxOver(x, -1, { keepDims: true });
}

/**
 * Returns the larger of each element and the element half a row later, [..., C] to [..., ⌈C / 2⌉]. If C is odd, the
 * halves overlap in one column. XLA's maximum tests both operands for NaN; its `select` does not.
 */
function halvesMax(x: tf.Tensor): tf.Tensor {
  const C = x.shape.at(-1)!, half = Math.ceil(C / 2);
  const columns = (from: number) =>
    tf.slice(x, [...x.shape.slice(1).map(() => 0), from], [...x.shape.slice(0, -1), half]);
  const [a, b] = [columns(0), columns(C - half)];
  return tf.where(tf.greater(a, b), a, b);
}

/** Returns the maximum of float32 over an axis. In XLA, a NaN may be lost, as in {@linkcode rowMax}. */
export function maxOver(x: tf.Tensor, axis: number, { keepDims }: { keepDims: boolean }): tf.Tensor {
  const attributes: Record<string, [number, unknown]> = {
    keep_dims: [AttributeType.BOOL, keepDims],
    T: [AttributeType.TYPE, DataType.FLOAT],
    Tidx: [AttributeType.TYPE, DataType.INT32],
  };
  return runOp("Max", attributes, [x, tf.tensor1d([axis], "int32")]);
}

/** Returns the mean of each row, [..., C] to [..., 1]. In XLA, it uses {@linkcode rowSums}, which is faster there. */
export function rowMeans(x: tf.Tensor): tf.Tensor {
  if (!isXla()) return tf.mean(x, -1, true);
  return tf.div(rowSums(x), x.shape.at(-1)!);
}
