/**
 * Casts between floating types, for files that receive the binding as an argument. TF.js reports every floating type as
 * float32.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Binding } from "./binding.ts";
import type { OpBackend } from "./op_backend.ts";

/** The binding, and TF.js's backend on top of it. */
export interface BoundBackend {
  /** The binding below TF.js. */
  readonly binding: Binding;
  /** TF.js's backend. */
  readonly backend: OpBackend;
}

/** Returns a tensor's true type, as a number of `TF_DataType`. */
export function dtypeIn({ binding, backend }: BoundBackend, tensor: tf.Tensor): number {
  return binding.dtypeOf(backend.getInputTensorIds([tensor])[0]!);
}

/** Casts a tensor to another floating type. The cast has no gradient. */
export function castIn({ binding, backend }: BoundBackend, tensor: tf.Tensor, dtype: number): tf.Tensor {
  const id = backend.getInputTensorIds([tensor])[0]!;
  return backend.createOutputTensor(binding.metadata(binding.castTo(id, dtype)));
}

/**
 * Casts a tensor to another floating type. In the backward pass, its gradient is cast back to the tensor's own type.
 */
export function convertIn(bound: BoundBackend, tensor: tf.Tensor, dtype: number): tf.Tensor {
  return tf.customGrad((given) => {
    const x = given as tf.Tensor, from = dtypeIn(bound, x);
    return { value: castIn(bound, x, dtype), gradFunc: (dy: tf.Tensor) => convertIn(bound, dy, from) };
  })(tensor);
}
