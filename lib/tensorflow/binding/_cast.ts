/**
 * Casts between floating types, all of which are float32 to TF.js, given the binding: for code that `backend.ts` needs.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Binding } from "./binding.ts";
import type { OpBackend } from "./op_backend.ts";

/** The binding, and TF.js's backend on it. */
export interface BoundBackend {
  /** The binding under TF.js. */
  readonly binding: Binding;
  /** TF.js's backend. */
  readonly backend: OpBackend;
}

/** Returns the `TF_DataType` that a tensor really has. */
export function dtypeIn({ binding, backend }: BoundBackend, tensor: tf.Tensor): number {
  return binding.dtypeOf(backend.getInputTensorIds([tensor])[0]!);
}

/** Casts a tensor to another floating type, without a gradient. */
export function castIn({ binding, backend }: BoundBackend, tensor: tf.Tensor, dtype: number): tf.Tensor {
  const id = backend.getInputTensorIds([tensor])[0]!;
  return backend.createOutputTensor(binding.metadata(binding.castTo(id, dtype)));
}

/** Casts a tensor to another floating type; the gradient is cast to the tensor's own. */
export function convertIn(bound: BoundBackend, tensor: tf.Tensor, dtype: number): tf.Tensor {
  return tf.customGrad((given) => {
    const x = given as tf.Tensor, from = dtypeIn(bound, x);
    return { value: castIn(bound, x, dtype), gradFunc: (dy: tf.Tensor) => convertIn(bound, dy, from) };
  })(tensor);
}
