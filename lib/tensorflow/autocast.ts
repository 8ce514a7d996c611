/**
 * Precision regions for TF.js code: which policy is in force.
 *
 * @module
 */
import { currentTensorFlow } from "./backend.ts";
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
