/**
 * Differences between runs by chance: the noise floor of perturbed runs, and the differences between seeds.
 *
 * @module
 */
import { isPerturbed, type RecordedRun, seriesOf } from "../record/mod.ts";
import { curveFindings } from "./_curve_findings.ts";
import { type Block, blockMeans } from "./gap_blocks.ts";
import { isBaseline } from "./precision_name.ts";
import { gapOf, keyOf, type Pair } from "./stability.ts";
import { meanOf, standardDeviation, tQuantile } from "./student.ts";

/** Noise floor measured by one kind of perturbation. */
export interface FloorSource {
  /**
   * Kind of perturbation. `noise`: initial weights changed by at most one unit in the last place.
   * `order`: another order of sums.
   */
  readonly kind: "noise" | "order";
  /** Number of pairs, at least 1. */
  readonly pairs: number;
  /** Root mean square of the pairs' gaps of the final validation loss, in nats per token. */
  readonly rms: number;
}

/**
 * Noise floor: size of the gaps between float32 runs and their perturbed copies. A perturbed copy computes the same
 * function with different rounding. Training amplifies the rounding differences, so that the gaps show what chance
 * alone does to a pair.
 */
export interface NoiseFloor {
  /** Number of perturbed pairs, at least 1. */
  readonly pairs: number;
  /** Root mean square of the pairs' gaps of the final validation loss, in nats per token. */
  readonly rms: number;
  /** Limit of the noise: 1.96 `rms`. If the gaps are normally distributed, 95 % of them are smaller. */
  readonly limit: number;
  /** Noise floor by kind of perturbation. Kinds without a pair are omitted. */
  readonly sources: readonly FloorSource[];
  /** Limit of the noise of training losses, for each block of steps. NaN for blocks without finite losses. */
  readonly byBlock: readonly number[];
}

/** Normal quantile of a two-sided 95 % limit. */
const LIMIT = 1.959964;

/**
 * Returns the noise floor of perturbed pairs. Excludes pairs with non-finite losses. Returns undefined if no pair is
 * left.
 */
export function noiseFloor(pairs: readonly Pair[], blocks: readonly Block[]): NoiseFloor | undefined {
  const gaps = pairs.map((pair) => ({ gap: gapOf(pair), kind: kindOf(pair) })).filter(({ gap }) =>
    Number.isFinite(gap.finalValidation) && gap.nonFinite.baseline + gap.nonFinite.other === 0
  );
  if (gaps.length === 0) return undefined;
  const means = gaps.map(({ gap: { byStep } }) => blockMeans(byStep, blocks));
  const rmsOf = (some: typeof gaps) => rootMeanSquare(some.map(({ gap }) => gap.finalValidation));
  const rms = rmsOf(gaps);
  return {
    pairs: gaps.length,
    rms,
    limit: LIMIT * rms,
    sources: (["noise", "order"] as const).flatMap((kind) => {
      const own = gaps.filter((one) => one.kind === kind);
      return own.length === 0 ? [] : [{ kind, pairs: own.length, rms: rmsOf(own) }];
    }),
    byBlock: blocks.map((_, b) =>
      LIMIT * rootMeanSquare(means.map((one) => one[b]!).filter(Number.isFinite))
    ),
  };
}

function kindOf({ other: { manifest: { spec } } }: Pair): FloorSource["kind"] {
  return spec.perturb > 0 ? "noise" : "order";
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(meanOf(values.map((value) => value ** 2)));
}

/** Differences between seeds of the baseline precision. */
export interface SeedSpread {
  /** Number of seeds, at least 2. */
  readonly seeds: number;
  /** Root mean square difference between two seeds' final validation losses, in nats per token. */
  readonly rms: number;
  /**
   * Prediction limit, at the confidence level, of the difference between two new seeds: t quantile with seeds - 1
   * degrees of freedom, times `rms`.
   */
  readonly limit: number;
}

/**
 * Returns the differences between the final validation losses of runs with different seeds. Excludes diverged runs.
 * Returns undefined for fewer than two seeds.
 */
export function spreadOfSeeds(runs: readonly RecordedRun[], level: number): SeedSpread | undefined {
  const bySeed = new Map(runs.map((run) => [run.manifest.spec.seed, run]));
  const losses = [...bySeed.values()].filter((run) => curveFindings(run).divergedAt === undefined)
    .map((run) => seriesOf(run).evals.at(-1)?.loss ?? NaN).filter(Number.isFinite);
  if (losses.length < 2) return undefined;
  const rms = Math.SQRT2 * standardDeviation(losses);
  return { seeds: losses.length, rms, limit: tQuantile((1 + level) / 2, losses.length - 1) * rms };
}

/**
 * Returns the effect of the seed on the final validation loss in float32. The effect is the root mean square difference
 * of finished runs that differ only in seed, pooled over settings.
 *
 * @returns `nats`: the effect in nats per token. `pairs`: the number of pairs of seeds. Undefined without finite
 * losses.
 */
export function pooledSeedSpread(runs: readonly RecordedRun[]): { nats: number; pairs: number } | undefined {
  const groups = new Map<string, number[]>();
  for (const run of runs) {
    const loss = seriesOf(run).evals.at(-1)?.loss;
    const { spec } = run.manifest;
    if (!isBaseline(spec) || isPerturbed(spec) || run.status !== "finished" || loss === undefined) continue;
    const key = keyOf(run, ["seed"]);
    groups.set(key, [...groups.get(key) ?? [], loss]);
  }
  const squares = [...groups.values()]
    .flatMap((losses) => losses.flatMap((a, i) => losses.slice(i + 1).map((b) => (a - b) ** 2)))
    .filter(Number.isFinite);
  return squares.length === 0 ? undefined : { nats: Math.sqrt(meanOf(squares)), pairs: squares.length };
}
