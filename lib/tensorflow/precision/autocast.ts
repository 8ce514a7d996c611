/**
 * Precision regions of TF.js code: each has a policy and overrides.
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

/** A precision policy with its overrides, and the inputs of random rounding and delayed scaling. */
export interface Precision {
  /** Name of the policy. `off` stands for float32, `on` for the device's autocast policy in bfloat16. */
  readonly policy: PolicyWord;
  /**
   * Formats of single layers and operation classes, which take precedence over the policy. The last match wins.
   * Default: none.
   */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /**
   * Random key of stochastic rounding and random Hadamard signs, int32 [2]. Pass it to a compiled function as an
   * argument. Default: a fixed key.
   */
  readonly roundingKey?: tf.Tensor | undefined;
  /**
   * Record of the operands' largest magnitudes, for delayed scaling. Default: none. Scales then use the current largest
   * magnitude.
   */
  readonly amax?: AmaxRecord | undefined;
}

/**
 * Runs synchronous TF.js code under a precision policy. Regions nest: inside another region, `autocast("float32", …)`
 * keeps its own code in float32.
 *
 * In the backward pass, each op uses the policy that it had in the forward pass. Both `tf.grad((w) => autocast(policy,
 * () => f(w)))` and `optimizer.minimize(() => autocast(policy, …))` therefore work as in PyTorch.
 *
 * @param precision Name of a policy, or a policy with overrides. Overrides apply to operations that have a class
 * ({@linkcode operation}).
 * @param work The code to run.
 * @returns The result of `work`.
 * @throws {RangeError} If the policy is unknown.
 * @throws {TypeError} If `precision` is neither a name nor an object with a policy. Also if `work` is asynchronous,
 * because the region would end before `work` does.
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

/** Returns the full name of a policy. `on` becomes the autocast policy of the current device. */
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

/** Returns a policy together with its overrides. */
function regionOf({ policy: name, overrides = [] }: Precision): Policy {
  const policy = policyOf(fullPolicyName(name));
  return overrides.length === 0 ? policy : { ...policy, overrides };
}

/**
 * Returns the formats that a precision sets for an operation class in a layer.
 *
 * @param precision Policy and overrides.
 * @param scope Layer and operation class.
 * @returns The formats. Empty if neither the policy nor an override sets a format for the class. The policy's lists of
 * operations then decide.
 * @throws {RangeError} If the policy is unknown.
 */
export function formatsIn(precision: Precision, scope: Scope): ClassFormats {
  return classFormats(regionOf(precision), scope);
}

/**
 * Returns true if a precision requires random numbers, for stochastic rounding or random Hadamard signs. Each step then
 * needs a `roundingKey`.
 */
export function drawsRandomly(precision: Precision): boolean {
  const policy = regionOf(precision);
  return policy.linear?.hadamard === "random" ||
    everyQuantizer(policy).some(({ format }) => format.rounding === "stochastic");
}
