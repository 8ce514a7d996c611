/**
 * What experiments read of runs.
 *
 * @module
 */
import { type Estimate, estimate } from "../lib/analysis/mod.ts";
import { least } from "../lib/number/extent.ts";
import type { RecordedRun } from "../lib/record/mod.ts";

/** The validation loss at the end, or at a step, in nats per token; NaN where it was lost. */
export function validationLoss(run: RecordedRun, step?: number): number {
  const evaluations = run.events.filter((event) => event.event === "eval");
  const found = step === undefined ? evaluations.at(-1) : evaluations.find((event) => event.step === step);
  return found?.loss ?? NaN;
}

/** The same in bits per byte. */
export function bitsPerByte(run: RecordedRun): number {
  return run.events.findLast((event) => event.event === "eval")?.bitsPerByte ?? NaN;
}

/** Whether a loss was NaN or infinite, or ends far above the best one that the run had. */
export function diverged(run: RecordedRun): boolean {
  const losses = run.events.flatMap((event) => event.event === "step" ? [event.loss] : []);
  const best = least(run.events.flatMap((event) => event.event === "eval" ? [event.loss] : []));
  return !losses.every(Number.isFinite) || !(validationLoss(run) <= best + 0.5);
}

/**
 * The differences of a figure between runs of two kinds that share a seed, and their mean with a paired 95 % interval.
 *
 * @param runs All runs.
 * @param kinds `other` minus `base`.
 * @param figure What is compared (default: the final validation loss).
 */
export function pairedGap(
  runs: readonly RecordedRun[],
  kinds: { base: (run: RecordedRun) => boolean; other: (run: RecordedRun) => boolean },
  figure: (run: RecordedRun) => number = validationLoss,
): Estimate {
  const seedOf = (run: RecordedRun) => run.manifest.spec.seed;
  const bases = new Map(runs.filter(kinds.base).map((run) => [seedOf(run), figure(run)]));
  return estimate(runs.filter(kinds.other).map((run) => figure(run) - (bases.get(seedOf(run)) ?? NaN)));
}

/** Whether a run has a policy. */
export function hasPolicy(policy: string): (run: RecordedRun) => boolean {
  return (run) => run.manifest.spec.policy === policy;
}

/** An estimate as a row's fields. */
export function fields({ mean, half, n }: Estimate): { gap: number; half: number | null; n: number } {
  return { gap: mean, half: half ?? null, n };
}

/** An estimate in words. */
export function inWords({ mean, half }: Estimate): string {
  if (!Number.isFinite(mean)) return "not finite";
  const sign = mean >= 0 ? "+" : "-";
  return `${sign}${Math.abs(mean).toFixed(4)}${half === undefined ? "" : ` ± ${half.toFixed(4)}`}`;
}

/**
 * A model of 0.1 million parameters on Shakespeare's characters, small enough for some ten runs a minute: what experiments
 * train unless they say otherwise.
 */
export const SMALL_MODEL = {
  data: "shakespeare",
  vocab: ["character"],
  seq: [64],
  tokensPerStep: 768,
  nLayer: 2,
  nHead: 2,
  nEmbd: 64,
  lr: 1e-3,
  minLr: 0,
  checkpointEvery: 1_000_000,
} as const;
