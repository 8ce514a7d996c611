/**
 * True element types of tensors, casts, and raw bytes. TF.js itself reports bfloat16 and float16 tensors as `float32`.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { castIn, convertIn, dtypeIn } from "./_cast.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType, dtypeName } from "../native/dtype.ts";

/** Name of a floating element type. */
export type FloatingDtype = "float32" | "bfloat16" | "float16";

/** Floating element types, as numbers of `TF_DataType`. */
const FLOATING: Readonly<Record<FloatingDtype, number>> = {
  float32: DataType.FLOAT,
  bfloat16: DataType.BFLOAT16,
  float16: DataType.HALF,
};

/** Returns a tensor's true element type, such as `bfloat16`. */
export function trueDtype(tensor: tf.Tensor): string {
  const dtype = dtypeOf(tensor);
  return dtype === DataType.HALF ? "float16" : dtypeName(dtype);
}

/**
 * Rounds a tensor to bfloat16, to nearest, ties to even. In the backward pass, its gradient is cast to the tensor's own
 * type.
 */
export function toBfloat16(tensor: tf.Tensor): tf.Tensor {
  return convert(tensor, DataType.BFLOAT16);
}

/**
 * Rounds a tensor to float16, to nearest, ties to even. Values that round to more than 65,504 become infinite. In the
 * backward pass, its gradient is cast to the tensor's own type.
 */
export function toFloat16(tensor: tf.Tensor): tf.Tensor {
  return convert(tensor, DataType.HALF);
}

/**
 * Converts a tensor to float32, which is exact. In the backward pass, its gradient is cast to the tensor's own type.
 */
export function toFloat32(tensor: tf.Tensor): tf.Tensor {
  return convert(tensor, DataType.FLOAT);
}

/**
 * Creates a floating tensor from the bytes of its elements, as safetensors files store them.
 *
 * @param bytes Elements in row-major order, little-endian.
 * @param like Shape and true element type of the tensor.
 * @throws {RangeError} If the type is not a {@linkcode FloatingDtype}.
 * @throws {TypeError} If the number of bytes does not match the shape.
 */
export function tensorOfBytes(
  bytes: Uint8Array,
  like: { shape: readonly number[]; dtype: FloatingDtype },
): tf.Tensor {
  const dtype = FLOATING[like.dtype];
  if (dtype === undefined) {
    throw new RangeError(
      `Cannot make a tensor from bytes: expected one of the types ${Object.keys(FLOATING).join(", ")}, ` +
        `got ${like.dtype}.`,
    );
  }
  const { backend, binding, runtime } = currentTensorFlow();
  const handle = runtime.memory.handleOfBytes({ dtype, shape: like.shape, bytes });
  return backend.createOutputTensor(binding.ofHandle(handle, { dtype, shape: like.shape }));
}

/** Returns the bytes of a tensor's elements in the true type, in row-major order, little-endian. */
export function bytesOf(tensor: tf.Tensor): Uint8Array<ArrayBuffer> {
  const { backend, binding, runtime } = currentTensorFlow();
  return new Uint8Array(runtime.memory.readBytes(binding.handleOf(backend.getInputTensorIds([tensor])[0]!)));
}

/**
 * Returns a tensor's true type, as a number of `TF_DataType`.
 *
 * @internal
 */
export function dtypeOf(tensor: tf.Tensor): number {
  return dtypeIn(currentTensorFlow(), tensor);
}

/**
 * Casts a tensor to another floating type. In the backward pass, its gradient is cast back to the tensor's own type.
 *
 * @internal
 */
export function convert(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return convertIn(currentTensorFlow(), tensor, dtype);
}

/**
 * Casts a tensor to another floating type. The cast has no gradient.
 *
 * @internal
 */
export function castTo(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return castIn(currentTensorFlow(), tensor, dtype);
}
