/**
 * Precision regions for TF.js code: which policy is in force, and explicit casts.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { currentTensorFlow } from "./backend.ts";
import { DataType, dtypeName } from "./dtype.ts";
import { POLICIES, type PolicyName } from "./policy.ts";

/**
 * Runs synchronous TF.js code under a precision policy. Regions nest; `autocast("float32", …)` inside another is how
 * a part is kept out.
 *
 * @param name A policy's name.
 * @param work What runs under it; its result is returned.
 * @throws {RangeError} for an unknown policy.
 * @throws {TypeError} when `work` is asynchronous: the region would end before it.
 */
export function autocast<R>(name: PolicyName, work: () => R): R {
  const policy = POLICIES[name];
  if (policy === undefined) throw unknownPolicy(name);
  const result = currentTensorFlow().binding.withPolicy(policy, work);
  if (result instanceof Promise) {
    throw new TypeError(
      "Cannot autocast an asynchronous function: wanted one that returns when its ops are done",
    );
  }
  return result;
}

/** The error for a policy's name that is none. */
export function unknownPolicy(given: string): RangeError {
  return new RangeError(
    `Cannot use the precision policy "${given}": wanted one of ${Object.keys(POLICIES).join(", ")}`,
  );
}

/** The element type that a tensor really has: TF.js says `float32` of bfloat16 ones too. */
export function trueDtype(tensor: tf.Tensor): string {
  const { backend, binding } = currentTensorFlow();
  return dtypeName(binding.dtypeOf(backend.getInputTensorIds([tensor])[0]!));
}

/** A tensor with the same values, rounded once to the nearest bfloat16. It has no gradient of its own. */
export function toBfloat16(tensor: tf.Tensor): tf.Tensor {
  return castTo(tensor, DataType.BFLOAT16);
}

/** A tensor with the same values in float32. It has no gradient of its own. */
export function toFloat32(tensor: tf.Tensor): tf.Tensor {
  return castTo(tensor, DataType.FLOAT);
}

function castTo(tensor: tf.Tensor, dtype: number): tf.Tensor {
  const { backend, binding } = currentTensorFlow();
  const id = backend.getInputTensorIds([tensor])[0]!;
  return backend.createOutputTensor(binding.metadata(binding.castTo(id, dtype)));
}
