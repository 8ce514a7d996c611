/**
 * Defaults of the flags of `train` and `sweep`, as typed, for help texts and the reference page.
 *
 * @module
 */
import { SINGLE_RUN } from "../study/mod.ts";
import { DEFAULT_SWEEP } from "../sweep/mod.ts";

/** Returns the default of a field in `train`. Undefined if there is no default. */
export function trainDefault(name: string): unknown {
  const { seq: [T], tokensPerStep, seeds: [seed] } = SINGLE_RUN;
  const own: Record<string, unknown> = { T, seed, B: tokensPerStep / T!, tokenizer: "char", policy: "off" };
  return own[name] ?? SINGLE_RUN[name as keyof typeof SINGLE_RUN];
}

/** Returns the default of a field, or of an axis, in `sweep`. Undefined if there is no default. */
export function sweepDefault(name: string): unknown {
  const own: Record<string, unknown> = { policy: "off,on", vocab: "char,512" };
  return own[name] ?? DEFAULT_SWEEP[name as keyof typeof DEFAULT_SWEEP];
}
