/**
 * The baseline precision, with which every other precision is compared.
 *
 * @module
 */
import type { PrecisionOverride } from "./override.ts";

/** Name of the baseline's policy. */
export const BASELINE = "float32";

/** Fields of a spec that set the precision of a run. */
export interface OfPrecision {
  /** Name of the policy. */
  readonly policy: string;
  /** Format overrides, which take precedence over the policy. */
  readonly overrides: readonly PrecisionOverride[];
}

/** Returns true if a run uses the policy {@linkcode BASELINE} without overrides. */
export function isBaseline({ policy, overrides }: OfPrecision): boolean {
  return policy === BASELINE && overrides.length === 0;
}
