/**
 * Names of precisions.
 *
 * @module
 */
import { BASELINE, isBaseline, type OfPrecision, precisionLabel } from "../precision/mod.ts";
import type { RecordedRun } from "../record/mod.ts";

export { BASELINE, isBaseline, type OfPrecision };

/**
 * Returns the name of a run's precision, such as `bf16-autocast`. With overrides, the name lists them and marks
 * emulated formats: `bf16-autocast, softmax@h.1=e8m3 (emulated e8m3)`.
 */
export function precisionName(spec: OfPrecision): string {
  return precisionLabel(spec);
}

/** Returns the device of a run: `cpu`, the name of a GPU, or `unknown` if none is recorded. */
export function deviceOf({ manifest: { environment: { device } } }: RecordedRun): string {
  return device ?? "unknown";
}
