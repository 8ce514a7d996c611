/**
 * The precision that others are compared with.
 *
 * @module
 */
import type { PrecisionOverride } from "./override.ts";

/** Policy of the baseline. */
export const BASELINE = "float32";

/** Precision fields of a spec. */
export interface OfPrecision {
  /** Name of the policy. */
  readonly policy: string;
  /** Format overrides, which take precedence over the policy. */
  readonly overrides: readonly PrecisionOverride[];
}

/** Returns true if a run is entirely in {@linkcode BASELINE}. */
export function isBaseline({ policy, overrides }: OfPrecision): boolean {
  return policy === BASELINE && overrides.length === 0;
}
