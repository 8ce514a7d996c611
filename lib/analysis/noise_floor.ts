/**
 * Differences between runs by chance: the noise floor of perturbed runs, and the differences between seeds.
 *
 * @module
 */
import { type RecordedRun, seriesOf } from "../record/mod.ts";
import { type Block, blockMeans, divergedAt } from "./gap_blocks.ts";
import { isBaseline } from "./precision_name.ts";
import { gapOf, keyOf, type Pair } from "./stability.ts";
import { meanOf, standardDeviation, tQuantile } from "./student.ts";

/**
 * Noise floor: gaps between float32 runs and their perturbed copies, whose initial weights differ by at most one unit in the
 * last place.
 * Both runs are float32, so the gaps are noise: training amplifies rounding differences.
 */
export interface NoiseFloor {
  /** Number of perturbed pairs, at least 1. */
  readonly pairs: number;
  /** Root mean square of their gaps of the final validation loss, in nats per token. */
  readonly rms: number;
  /** 1.96 rms: 95 % of the gaps are smaller, if they are normally distributed. */
  readonly limit: number;
  /** Limits of the gap of training losses, by block of steps. NaN without finite losses. */
  readonly byBlock: readonly number[];
}

/** Normal quantile of a two-sided 95 % limit. */
const LIMIT = 1.959964;

/** Returns the noise floor of perturbed pairs. Excludes diverged runs. Undefined without pairs. */
export function noiseFloor(pairs: readonly Pair[], blocks: readonly Block[]): NoiseFloor | undefined {
  const gaps = pairs.map((pair) => gapOf(pair)).filter(({ finalValidation, nonFinite }) =>
    Number.isFinite(finalValidation) && nonFinite.baseline + nonFinite.other === 0
  );
  if (gaps.length === 0) return undefined;
  const means = gaps.map(({ byStep }) => blockMeans(byStep, blocks));
  const rms = rootMeanSquare(gaps.map(({ finalValidation }) => finalValidation));
  return {
    pairs: gaps.length,
    rms,
    limit: LIMIT * rms,
    byBlock: blocks.map((_, b) =>
      LIMIT * rootMeanSquare(means.map((one) => one[b]!).filter(Number.isFinite))
    ),
  };
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
  /** Prediction limit of the difference between two new seeds, at the confidence level: t(seeds - 1) · rms. */
  readonly limit: number;
}

/** Returns the spread of the final validation losses of runs with different seeds. Excludes diverged runs. */
export function spreadOfSeeds(runs: readonly RecordedRun[], level: number): SeedSpread | undefined {
  const bySeed = new Map(runs.map((run) => [run.manifest.spec.seed, seriesOf(run)]));
  const losses = [...bySeed.values()].filter(({ steps }) => divergedAt(steps.loss) === undefined)
    .map(({ evals }) => evals.at(-1)?.loss ?? NaN).filter(Number.isFinite);
  if (losses.length < 2) return undefined;
  const rms = Math.SQRT2 * standardDeviation(losses);
  return { seeds: losses.length, rms, limit: tQuantile((1 + level) / 2, losses.length - 1) * rms };
}

/**
 * Returns the effect of the seed on the final validation loss in float32: the root mean square difference of finished
 * runs that differ only in seed, pooled over settings.
 *
 * @returns Nats per token, and the number of seed pairs. Undefined without finite losses.
 */
export function pooledSeedSpread(runs: readonly RecordedRun[]): { nats: number; pairs: number } | undefined {
  const groups = new Map<string, number[]>();
  for (const run of runs) {
    const loss = seriesOf(run).evals.at(-1)?.loss;
    const { spec } = run.manifest;
    if (!isBaseline(spec) || spec.perturb > 0 || run.status !== "finished" || loss === undefined) continue;
    const key = keyOf(run, ["seed"]);
    groups.set(key, [...groups.get(key) ?? [], loss]);
  }
  const squares = [...groups.values()]
    .flatMap((losses) => losses.flatMap((a, i) => losses.slice(i + 1).map((b) => (a - b) ** 2)))
    .filter(Number.isFinite);
  return squares.length === 0 ? undefined : { nats: Math.sqrt(meanOf(squares)), pairs: squares.length };
}
