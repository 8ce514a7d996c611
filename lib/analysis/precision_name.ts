/**
 * What runs are computed in, in words.
 *
 * @module
 */
import { precisionLabel, type PrecisionOverride } from "../precision/mod.ts";
import type { RecordedRun } from "../record/mod.ts";

/** The policy that others are held against. */
export const BASELINE = "float32";

/** What a spec says of precision. */
export interface OfPrecision {
  /** The policy's name. */
  readonly policy: string;
  /** Formats that count before it. */
  readonly overrides: readonly PrecisionOverride[];
}

/**
 * A run's precision: `bf16-autocast`; with overrides, and what of it is emulated,
 * `bf16-autocast, softmax@h.1=e8m3 (emulated e8m3)`.
 */
export function precisionName(spec: OfPrecision): string {
  return precisionLabel(spec);
}

/** Whether all of a run is in {@linkcode BASELINE}. */
export function isBaseline({ policy, overrides }: OfPrecision): boolean {
  return policy === BASELINE && overrides.length === 0;
}

/** What a run was computed on: `cpu`, or the name of the GPU. */
export function deviceOf({ manifest: { environment: { device } } }: RecordedRun): string {
  return device ?? "unknown";
}
