/**
 * Precision regions for TF.js code: the active policy and its overrides.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import {
  type ClassFormats,
  classFormats,
  everyQuantizer,
  type PolicyName,
  policyNameOn,
  type PolicyWord,
  type PrecisionOverride,
  type Scope,
} from "../../precision/mod.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { refuseAsync, refusePromise } from "../native/synchronous.ts";
import { type Policy, policyOf } from "../binding/policy.ts";
import type { AmaxRecord } from "../binding/region.ts";
import { withRoundingKey } from "./scope.ts";

/** A precision policy with its overrides and random key. */
export interface Precision {
  /** The policy's name; `off` is float32, `on` the device's autocast with bfloat16. */
  readonly policy: PolicyWord;
  /** Formats per layer or class of operations. They override the policy; the last match wins. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /**
   * Key of stochastic rounding, int32 [2]. Inside a compiled function, pass it as an argument. Default: a fixed key.
   */
  readonly roundingKey?: tf.Tensor | undefined;
  /** Maxima of previous steps and of this step, for delayed scaling. Default: none; scales follow the current maxima. */
  readonly amax?: AmaxRecord | undefined;
}

/**
 * Runs synchronous TF.js code under a precision policy. Regions nest: an inner `autocast("float32", …)` keeps its
 * part in float32.
 *
 * The backward pass uses the policy that each op had in the forward pass. Both
 * `tf.grad((w) => autocast(policy, () => f(w)))` and `optimizer.minimize(() => autocast(policy, …))` therefore work as
 * in PyTorch.
 *
 * @param precision A policy's name, or a policy with overrides. Overrides apply to operations that have a class
 * ({@linkcode operation}).
 * @param work The code to run.
 * @returns The result of `work`.
 * @throws {RangeError} For an unknown policy.
 * @throws {TypeError} If `precision` is neither a name nor an object with a policy's name and overrides, or when `work` is asynchronous: the region would end before the
 * code does.
 */
export function autocast<R>(precision: PolicyWord | Precision, work: () => R): R {
  refuseAsync("autocast", work);
  const given = precisionOf(precision);
  const region = regionOf(given);
  const result = withRoundingKey(
    given.roundingKey,
    () => currentTensorFlow().binding.regions.within({ policy: region, amax: given.amax }, work),
  );
  refusePromise("autocast", result);
  return result;
}

/** Returns the full name of a policy on the device of the backend. */
export function fullPolicyName(word: PolicyWord): PolicyName {
  const device = () => currentTensorFlow().binding.isUsingGpuDevice() ? "gpu" : "cpu";
  return policyNameOn(word, device) as PolicyName; // checked by its users
}

function precisionOf(given: PolicyWord | Precision): Precision {
  if (typeof given === "string") return { policy: given };
  if (typeof given?.policy === "string") return given;
  throw new TypeError(
    `Cannot autocast: expected a policy's name or an object { policy, overrides }, got ${
      given === null || typeof given !== "object" ? given : `policy ${given.policy}`
    }.`,
  );
}

/** Returns the policy of a region. */
function regionOf({ policy: name, overrides = [] }: Precision): Policy {
  const policy = policyOf(fullPolicyName(name));
  return overrides.length === 0 ? policy : { ...policy, overrides };
}

/**
 * Returns the formats that a precision sets for a class of operations in a layer.
 *
 * @returns The formats. Empty if neither the policy nor an override sets a format for the class. Autocast's lists of
 * operations then decide.
 * @throws {RangeError} For an unknown policy.
 */
export function formatsIn(precision: Precision, scope: Scope): ClassFormats {
  return classFormats(regionOf(precision), scope);
}

/** Returns true if a precision uses random numbers, for stochastic rounding or Hadamard signs. Steps then need a key. */
export function drawsRandomly(precision: Precision): boolean {
  const policy = regionOf(precision);
  return policy.linear?.hadamard === "random" ||
    everyQuantizer(policy).some(({ format }) => format.rounding === "stochastic");
}
