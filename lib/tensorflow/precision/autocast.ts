/**
 * Precision regions for TF.js code: which policy is in force, and what is overridden.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import {
  type Format,
  type OpClass,
  parseFormat,
  type PolicyName,
  type PrecisionOverride,
} from "../../precision/mod.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { refuseAsync, refusePromise } from "../native/synchronous.ts";
import { type Policy, policyOf } from "../binding/policy.ts";
import { formatUnder, withRoundingKey } from "./scope.ts";

/** A policy, and what is set beside it. */
export interface Precision {
  /** The policy's name. */
  readonly policy: PolicyName;
  /** Formats of layers and classes of operations, which count before the policy; the last that fits does. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** What stochastic rounding draws from, int32 [2], an argument of a compiled function. Default: a fixed key. */
  readonly roundingKey?: tf.Tensor | undefined;
}

/**
 * Runs synchronous TF.js code under a precision policy. Regions nest: `autocast("float32", …)` inside another keeps a part
 * in float32. Gradients run in the region that their op ran in, so that `tf.grad((w) => autocast(policy, () => f(w)))`
 * and `optimizer.minimize(() => autocast(policy, …))` work as in PyTorch.
 *
 * @param precision A policy's name, or a name with overrides, which act on operations of a class ({@linkcode operation}).
 * @param work The code; its result is returned.
 * @throws {RangeError} for an unknown policy.
 * @throws {TypeError} for a policy that is no name, or when `work` is asynchronous: the region would end before it.
 */
export function autocast<R>(precision: PolicyName | Precision, work: () => R): R {
  refuseAsync("autocast", work);
  const given = precisionOf(precision);
  const region = regionOf(given);
  const result = withRoundingKey(
    given.roundingKey,
    () => currentTensorFlow().binding.regions.withPolicy(region, work),
  );
  refusePromise("autocast", result);
  return result;
}

function precisionOf(given: PolicyName | Precision): Precision {
  if (typeof given === "string") return { policy: given };
  if (typeof given?.policy === "string") return given;
  throw new TypeError(
    `Cannot autocast: expected a policy's name, or a record with one in policy, got ${
      given === null || typeof given !== "object" ? given : `policy ${given.policy}`
    }.`,
  );
}

/** The policy of a region. */
function regionOf({ policy: name, overrides = [] }: Precision): Policy {
  const policy = policyOf(name);
  return overrides.length === 0 ? policy : { ...policy, overrides };
}

/**
 * The format that a precision sets for a class of operations in a layer.
 *
 * @returns undefined: none is set, and the policy's lists count.
 * @throws {RangeError} for an unknown policy.
 */
export function formatIn(
  precision: Precision,
  scope: { layer: string; opClass: OpClass },
): Format | undefined {
  return formatUnder(regionOf(precision), scope);
}

/** Whether a precision rounds anything stochastically, so that it wants a key. */
export function roundsStochastically(precision: Precision): boolean {
  const { classes, overrides = [] } = regionOf(precision);
  return [...Object.values(classes), ...overrides.map(({ format }) => format)]
    .some((name) => parseFormat(name).rounding === "stochastic");
}
