/**
 * The element types that tensors really have: asking for them, casting, and their bytes. TF.js says `float32` of
 * bfloat16 and float16 tensors too.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { castIn, convertIn, dtypeIn } from "./_cast.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType, dtypeName } from "../native/dtype.ts";

/** Names of floating types. */
export type FloatingDtype = "float32" | "bfloat16" | "float16";

/** Floating types that a tensor may have, by TensorFlow's numbers. */
const FLOATING: Readonly<Record<FloatingDtype, number>> = {
  float32: DataType.FLOAT,
  bfloat16: DataType.BFLOAT16,
  float16: DataType.HALF,
};

/** The element type that a tensor really has, such as `bfloat16`. */
export function trueDtype(tensor: tf.Tensor): string {
  const dtype = dtypeOf(tensor);
  return dtype === DataType.HALF ? "float16" : dtypeName(dtype);
}

/** Rounds a tensor once to the nearest bfloat16. The gradient is rounded to the tensor's own type. */
export function toBfloat16(tensor: tf.Tensor): tf.Tensor {
  return convert(tensor, DataType.BFLOAT16);
}

/**
 * Rounds a tensor once to the nearest float16; values above 65,504 become infinite. The gradient is rounded to the
 * tensor's own type.
 */
export function toFloat16(tensor: tf.Tensor): tf.Tensor {
  return convert(tensor, DataType.HALF);
}

/** Converts a tensor to float32, which is exact. The gradient is rounded to the tensor's own type. */
export function toFloat32(tensor: tf.Tensor): tf.Tensor {
  return convert(tensor, DataType.FLOAT);
}

/**
 * A floating tensor made of its elements' bytes, as a safetensors file holds them.
 *
 * @param bytes Little-endian elements in C order.
 * @param like Its shape and true element type.
 * @throws {RangeError} for a type that is not floating.
 * @throws {TypeError} when the bytes do not fill the shape.
 */
export function tensorOfBytes(
  bytes: Uint8Array,
  like: { shape: readonly number[]; dtype: FloatingDtype },
): tf.Tensor {
  const dtype = FLOATING[like.dtype];
  if (dtype === undefined) {
    throw new RangeError(
      `Cannot make a tensor of bytes: its type must be one of ${Object.keys(FLOATING).join(", ")}: ` +
        `it is ${like.dtype}`,
    );
  }
  const { backend, binding, runtime } = currentTensorFlow();
  const handle = runtime.handleOfBytes({ dtype, shape: like.shape, bytes });
  return backend.createOutputTensor(binding.ofHandle(handle, { dtype, shape: like.shape }));
}

/** A copy of a tensor's elements in its true type: little-endian, C order. */
export function bytesOf(tensor: tf.Tensor): Uint8Array<ArrayBuffer> {
  const { backend, binding, runtime } = currentTensorFlow();
  return new Uint8Array(runtime.readBytes(binding.handleOf(backend.getInputTensorIds([tensor])[0]!)));
}

/**
 * Returns the `TF_DataType` that a tensor really has.
 *
 * @internal
 */
export function dtypeOf(tensor: tf.Tensor): number {
  return dtypeIn(currentTensorFlow(), tensor);
}

/**
 * Casts a tensor to another floating type; the gradient is cast to the tensor's own.
 *
 * @internal
 */
export function convert(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return convertIn(currentTensorFlow(), tensor, dtype);
}

/**
 * Casts a tensor to another floating type, without a gradient.
 *
 * @internal
 */
export function castTo(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return castIn(currentTensorFlow(), tensor, dtype);
}
