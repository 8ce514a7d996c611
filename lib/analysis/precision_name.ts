/**
 * Names of precisions.
 *
 * @module
 */
import { precisionLabel, type PrecisionOverride } from "../precision/mod.ts";
import type { RecordedRun } from "../record/mod.ts";

/** Policy of the baseline. */
export const BASELINE = "float32";

/** Precision fields of a spec. */
export interface OfPrecision {
  /** Name of the policy. */
  readonly policy: string;
  /** Format overrides, which take precedence over the policy. */
  readonly overrides: readonly PrecisionOverride[];
}

/**
 * Returns the name of a run's precision, such as `bf16-autocast`. With overrides, the name lists them and marks
 * emulated formats: `bf16-autocast, softmax@h.1=e8m3 (emulated e8m3)`.
 */
export function precisionName(spec: OfPrecision): string {
  return precisionLabel(spec);
}

/** Returns true if a run is entirely in {@linkcode BASELINE}. */
export function isBaseline({ policy, overrides }: OfPrecision): boolean {
  return policy === BASELINE && overrides.length === 0;
}

/** Returns the device of a run: `cpu` or the name of a GPU. */
export function deviceOf({ manifest: { environment: { device } } }: RecordedRun): string {
  return device ?? "unknown";
}
