/**
 * Compares paired runs, which differ in their precision alone, over several seeds. Plain numbers.
 *
 * @module
 */
import { least } from "../number/extent.ts";
import { type RecordedRun, seriesOf } from "../record/mod.ts";
import { type Block, blockMeans, blocksOf, divergedAt, tailBegin } from "./gap_blocks.ts";
import { precisionName } from "./precision_name.ts";
import { DEFAULT_TOLERANCE, type Gap, gapOf, type Pair, spikes } from "./stability.ts";
import {
  DEFAULT_LEVEL,
  type Estimate,
  estimate,
  signFlipP,
  standardDeviation,
  tQuantile,
} from "./student.ts";

/** Options of a comparison. */
export interface ComparisonOptions {
  /** How sure intervals and limits are, in (0, 1). Default: 0.95. */
  readonly level?: number;
  /** The smallest gap of the final loss that matters, nats per token. Default: {@linkcode DEFAULT_TOLERANCE}. */
  readonly tolerance?: number;
  /** Further runs in the pairs' baseline precision, of other seeds: they tell how far seeds lie apart. */
  readonly seeds?: readonly RecordedRun[];
}

/** One pair, compared. */
export interface ComparedPair {
  /** Seed of the baseline. */
  readonly seed: number;
  /** Seed of the other run: another one only where seeds are what is compared. */
  readonly otherSeed: number;
  /** The gap, other minus baseline, in nats per token. */
  readonly gap: Gap;
  /** The area between the curves of training losses, with its sign: nats per token times steps. */
  readonly integrated: number;
  /** Steps whose losses are spikes, on each side. */
  readonly spikes: { readonly baseline: readonly number[]; readonly other: readonly number[] };
  /** The step at which each side was lost; undefined: it was not. */
  readonly divergedAt: { readonly baseline: number | undefined; readonly other: number | undefined };
}

/** How far seeds of the baseline precision lie apart. */
export interface SeedFloor {
  /** Seeds that it is from, at least 2. */
  readonly seeds: number;
  /** Root mean square difference of two seeds' final validation losses, nats per token. */
  readonly rms: number;
  /**
   * What the mean difference of as many pairs as there are stays within, with the level's probability, if seed is all
   * that differs: t(seeds - 1) sd √(2 / pairs).
   */
  readonly limit: number;
}

/** The gap of training losses over a stretch of steps. */
export interface GapBlock extends Block {
  /** Mean over pairs, with its interval for this block alone. */
  readonly gap: Estimate;
  /** What seeds alone stay within, as {@linkcode SeedFloor.limit} is; undefined: there are too few. */
  readonly floor: number | undefined;
}

/** A comparison of pairs. */
export interface Comparison {
  /** What differs within a pair. `nothing`: runs of one precision and one seed. */
  readonly differs: "precision" | "seed" | "nothing";
  /** Of the other side and of the baseline. */
  readonly precision: { readonly baseline: string; readonly other: string };
  /** How sure intervals are. */
  readonly level: number;
  /** The smallest gap that matters, nats per token. */
  readonly tolerance: number;
  /** Pair by pair. */
  readonly pairs: readonly ComparedPair[];
  /** Over the pairs of which no side was lost; each with its interval. All but `bitsPerByte` in nats per token. */
  readonly gaps: {
    /** Of the final validation loss: what the verdict is about. */
    readonly validation: Estimate;
    /** Of the same in bits per byte. */
    readonly bitsPerByte: Estimate;
    /** Of the training loss, mean over the last block: the last step alone is noise. */
    readonly final: Estimate;
    /** Of the training loss, mean over all steps. */
    readonly mean: Estimate;
    /** The largest distance of training losses at one step. */
    readonly maximum: Estimate;
    /** The area between the curves, nats per token times steps. */
    readonly integrated: Estimate;
  };
  /** Exact probability of a mean validation gap as far from 0 by signs alone; undefined: fewer than 2 pairs, or over 16. */
  readonly signFlipP: number | undefined;
  /** How far seeds lie apart; undefined: there are not two of them. */
  readonly floor: SeedFloor | undefined;
  /** The gap of training losses by block. */
  readonly blocks: readonly GapBlock[];
  /** The first step from which on the mean gap can be told from 0, to the end; undefined: it cannot at the end. */
  readonly apartFrom: number | undefined;
  /** The first step from which on the mean gap is beyond what seeds do, to the end; undefined: it is not at the end. */
  readonly beyondFloorFrom: number | undefined;
  /** Whether every loss of every pair is the same number on both sides. */
  readonly identical: boolean;
}

/**
 * Compares pairs.
 *
 * @param pairs Of one setting and one pair of precisions, each of its own seed; at least one.
 * @throws {RangeError} for no pair, or a level or a tolerance that is none.
 */
export function comparePairs(pairs: readonly Pair[], options: ComparisonOptions = {}): Comparison {
  const { level = DEFAULT_LEVEL, tolerance = DEFAULT_TOLERANCE, seeds = [] } = options;
  const [first] = pairs;
  if (first === undefined) {
    throw new RangeError("Cannot compare: wanted at least one pair of runs, given none");
  }
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`Cannot compare: level must be in (0, 1): it is ${level}`);
  }
  if (!(tolerance >= 0)) {
    throw new RangeError(`Cannot compare: tolerance must be at least 0 nats: it is ${tolerance}`);
  }
  const curves = pairs.map(curvesOf);
  const judged = pairs.map((pair, i) => judgePair(pair, { ...curves[i]!, tolerance }));
  const steps = least(curves.map(({ baseline, other }) => Math.min(baseline.length, other.length)));
  const blocks = blocksOf(steps);
  const sound = judged.map((_, i) => i).filter((i) => {
    const { baseline, other } = judged[i]!.divergedAt;
    return baseline === undefined && other === undefined;
  });
  const over = (value: (pair: ComparedPair, i: number) => number) =>
    estimate(sound.map((i) => value(judged[i]!, i)).filter(Number.isFinite), level);
  const byBlock = curves.map(({ baseline, other }) =>
    blockMeans(baseline.subarray(0, steps).map((loss, i) => other[i]! - loss), blocks)
  );
  const differs = differenceIn(first);
  const others = [...differs === "precision" ? pairs.map(({ baseline }) => baseline) : [], ...seeds];
  const floor = floorOf(others, { blocks, level, pairs: Math.max(1, sound.length) });
  const gapBlocks = blocks.map((block, b) => ({
    ...block,
    gap: estimate(sound.map((i) => byBlock[i]![b]!).filter(Number.isFinite), level),
    floor: floor?.byBlock[b],
  }));
  const validation = over(({ gap }) => gap.finalValidation);
  const values = sound.map((i) => judged[i]!.gap.finalValidation).filter(Number.isFinite);
  return {
    differs,
    precision: {
      baseline: precisionName(first.baseline.manifest.spec),
      other: precisionName(first.other.manifest.spec),
    },
    level,
    tolerance,
    pairs: judged,
    gaps: {
      validation,
      bitsPerByte: over(({ gap }) => gap.finalBitsPerByte),
      final: over((_, i) => byBlock[i]!.at(-1) ?? NaN),
      mean: over(({ gap }) => gap.mean),
      maximum: over(({ gap }) => Math.abs(gap.largest)),
      integrated: over(({ integrated }) => integrated),
    },
    signFlipP: values.length >= 2 && values.length <= 16 ? signFlipP(values) : undefined,
    floor: floor && { seeds: floor.seeds, rms: floor.rms, limit: floor.limit },
    blocks: gapBlocks,
    apartFrom: stepOf(gapBlocks, ({ gap: { mean, half } }) => half !== undefined && Math.abs(mean) > half),
    beyondFloorFrom: stepOf(gapBlocks, ({ gap, floor }) => floor !== undefined && Math.abs(gap.mean) > floor),
    identical: pairs.every(areIdentical),
  };
}

function differenceIn({ baseline, other }: Pair): Comparison["differs"] {
  const [a, b] = [baseline.manifest.spec, other.manifest.spec];
  return precisionName(a) !== precisionName(b) ? "precision" : a.seed !== b.seed ? "seed" : "nothing";
}

function stepOf(blocks: readonly GapBlock[], found: (block: GapBlock) => boolean): number | undefined {
  const at = tailBegin(blocks.map(found));
  return at === undefined ? undefined : blocks[at]!.first;
}

/** Training losses by step, nats per token. */
interface Curves {
  readonly baseline: Float64Array;
  readonly other: Float64Array;
}

function curvesOf({ baseline, other }: Pair): Curves {
  return { baseline: seriesOf(baseline).steps.loss, other: seriesOf(other).steps.loss };
}

function judgePair(
  pair: Pair,
  { baseline, other, tolerance }: Curves & { tolerance: number },
): ComparedPair {
  const gap = gapOf(pair, tolerance);
  const lost = (run: RecordedRun, losses: Float64Array) => {
    const last = seriesOf(run).evals.at(-1);
    return divergedAt(losses) ?? (last === undefined || Number.isFinite(last.loss) ? undefined : last.step);
  };
  return {
    seed: pair.baseline.manifest.spec.seed,
    otherSeed: pair.other.manifest.spec.seed,
    gap,
    integrated: gap.byStep.reduce((sum, at) => Number.isFinite(at) ? sum + at : sum, 0),
    spikes: {
      baseline: spikes(baseline).map((i) => i + 1),
      other: spikes(other).map((i) => i + 1),
    },
    divergedAt: { baseline: lost(pair.baseline, baseline), other: lost(pair.other, other) },
  };
}

/** Equal to the last bit: steps, losses, evaluations. */
function areIdentical({ baseline, other }: Pair): boolean {
  const [a, b] = [seriesOf(baseline), seriesOf(other)];
  const { loss } = b.steps;
  return a.steps.length === b.steps.length && a.steps.loss.every((value, i) => Object.is(value, loss[i])) &&
    a.evals.length === b.evals.length &&
    a.evals.every(({ step, loss }, i) => step === b.evals[i]!.step && Object.is(loss, b.evals[i]!.loss));
}

/** How far runs of several seeds lie apart: at the end, and over each block. Runs that were lost are left out. */
function floorOf(
  runs: readonly RecordedRun[],
  { blocks, level, pairs }: { blocks: readonly Block[]; level: number; pairs: number },
): SeedFloor & { byBlock: (number | undefined)[] } | undefined {
  const bySeed = new Map(runs.map((run) => [run.manifest.spec.seed, seriesOf(run)]));
  const curves = [...bySeed.values()].map(({ steps, evals }) => ({
    losses: steps.loss,
    validation: evals.at(-1)?.loss ?? NaN,
  })).filter(({ losses, validation }) => Number.isFinite(validation) && divergedAt(losses) === undefined);
  if (curves.length < 2) return undefined;
  const limitOf = (values: readonly number[]) =>
    tQuantile((1 + level) / 2, values.length - 1) * standardDeviation(values) * Math.sqrt(2 / pairs);
  const means = curves.map(({ losses }) => blockMeans(losses, blocks));
  const validation = curves.map((curve) => curve.validation);
  return {
    seeds: curves.length,
    rms: Math.SQRT2 * standardDeviation(validation),
    limit: limitOf(validation),
    byBlock: blocks.map((_, b) => {
      const values = means.map((one) => one[b]!).filter(Number.isFinite);
      return values.length < 2 ? undefined : limitOf(values);
    }),
  };
}
