/**
 * Metrics of runs, shared by the experiments.
 *
 * @module
 */
import { type Estimate, estimate } from "../lib/analysis/mod.ts";
import { greatest, least } from "../lib/number/extent.ts";
import type { RecordedRun } from "../lib/record/mod.ts";
import type { ExperimentVerdict } from "../lib/sweep/mod.ts";

/** Returns the final validation loss, or the one at `step`, in nats per token; NaN if there is no such evaluation. */
export function validationLoss(run: RecordedRun, step?: number): number {
  const evaluations = run.events.filter((event) => event.event === "eval");
  const found = step === undefined ? evaluations.at(-1) : evaluations.find((event) => event.step === step);
  return found?.loss ?? NaN;
}

/** Returns the final validation loss in bits per byte; NaN without an evaluation. */
export function bitsPerByte(run: RecordedRun): number {
  return run.events.findLast((event) => event.event === "eval")?.bitsPerByte ?? NaN;
}

/** Returns the largest attention logit over all layers and probed steps. */
export function attentionMax({ events }: RecordedRun): number {
  const probes = events.flatMap((event) => event.event === "step" && event.probes ? [event.probes] : []);
  const found = probes.flatMap((one) => Object.values(one).map(({ attentionMax }) => attentionMax));
  return greatest(found.filter((value) => typeof value === "number"));
}

/** Returns true if a loss was NaN or infinite, or if the final loss is more than 0.5 nats above the run's best loss. */
export function diverged(run: RecordedRun): boolean {
  const losses = run.events.flatMap((event) => event.event === "step" ? [event.loss] : []);
  const best = least(run.events.flatMap((event) => event.event === "eval" ? [event.loss] : []));
  return !losses.every(Number.isFinite) || !(validationLoss(run) <= best + 0.5);
}

/**
 * Returns the mean difference of a metric between two kinds of runs, paired by seed, with its 95 % confidence interval.
 *
 * @param runs All runs.
 * @param kinds Predicates of both kinds. The difference is `other` minus `base`.
 * @param metric Metric to compare (default: the final validation loss).
 */
export function pairedGap(
  runs: readonly RecordedRun[],
  kinds: { base: (run: RecordedRun) => boolean; other: (run: RecordedRun) => boolean },
  metric: (run: RecordedRun) => number = validationLoss,
): Estimate {
  const seedOf = (run: RecordedRun) => run.manifest.spec.seed;
  const bases = new Map(runs.filter(kinds.base).map((run) => [seedOf(run), metric(run)]));
  return estimate(runs.filter(kinds.other).map((run) => metric(run) - (bases.get(seedOf(run)) ?? NaN)));
}

/** Returns a predicate for runs with a policy. */
export function hasPolicy(policy: string): (run: RecordedRun) => boolean {
  return (run) => run.manifest.spec.policy === policy;
}

/** Returns an estimate as fields of a table row. */
export function fields({ mean, half, n }: Estimate): { gap: number; half: number | null; n: number } {
  return { gap: mean, half: half ?? null, n };
}

/** Returns the lower bound of a 95 % confidence interval; -Infinity for fewer than two values. */
export function lowest({ mean, half }: Estimate): number {
  return mean - (half ?? Infinity);
}

/** Returns the upper bound of a 95 % confidence interval; Infinity for fewer than two values. */
export function highest({ mean, half }: Estimate): number {
  return mean + (half ?? Infinity);
}

/** Returns true if a mean is above `least`, and its 95 % confidence interval is above 0. */
export function isAbove(estimate: Estimate, least = 0): boolean {
  return estimate.mean > least && lowest(estimate) > 0;
}

/**
 * Concludes from the parts of a prediction.
 *
 * @param parts Parts by name: true if the part holds.
 * @returns The verdict, and a sentence that lists the parts.
 */
export function concludeParts(
  parts: Readonly<Record<string, boolean>>,
): { verdict: ExperimentVerdict; sentence: string } {
  const listed = Object.entries(parts).map(([name, holds]) => `${name}: ${holds ? "yes" : "no"}`);
  return {
    verdict: Object.values(parts).every(Boolean) ? "reproduced" : "not reproduced",
    sentence: `Parts that hold: ${listed.join("; ")}.`,
  };
}

/** Formats an estimate as text. */
export function inWords({ mean, half }: Estimate): string {
  if (!Number.isFinite(mean)) return "not finite";
  const sign = mean >= 0 ? "+" : "-";
  return `${sign}${Math.abs(mean).toFixed(4)}${half === undefined ? "" : ` ± ${half.toFixed(4)}`}`;
}

/**
 * Default spec of the experiments: a model of 0.1 million parameters on Shakespeare's characters, for about ten runs per
 * minute.
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
