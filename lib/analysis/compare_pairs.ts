/**
 * Comparison of paired runs over several seeds. The two runs of a pair differ only in precision.
 *
 * @module
 */
import { least } from "../number/extent.ts";
import {
  isCopy,
  type NonFiniteRecord,
  recordedNonFinite,
  type RecordedRun,
  seriesOf,
} from "../record/mod.ts";
import { curveFindings } from "./_curve_findings.ts";
import { type Block, blockMeans, blocksOf, tailBegin } from "./gap_blocks.ts";
import { precisionName } from "./precision_name.ts";
import { DEFAULT_TOLERANCE, type Gap, gapOf, type Pair } from "./stability.ts";
import { type NoiseFloor, noiseFloor, type SeedSpread, spreadOfSeeds } from "./noise_floor.ts";
import { DEFAULT_LEVEL, type Estimate, estimate, signFlipP } from "./student.ts";

/** Options of a comparison. */
export interface ComparisonOptions {
  /** Level of confidence intervals and prediction limits, between 0 and 1. Default: 0.95. */
  readonly level?: number;
  /** Smallest gap of the final validation loss that matters, in nats per token. Default: 0.01. */
  readonly tolerance?: number;
  /**
   * Further runs in the baseline precision with other seeds. They measure the differences between seeds. Default: none.
   */
  readonly seeds?: readonly RecordedRun[];
  /** Pairs of a float32 run and its perturbed copy. They measure the noise floor. Default: none. */
  readonly perturbed?: readonly Pair[];
}

/** Comparison of one pair. */
export interface ComparedPair {
  /** Seed of the baseline run. */
  readonly seed: number;
  /** Seed of the other run. Differs from `seed` only if seeds are compared. */
  readonly otherSeed: number;
  /** Gap: loss of the other run minus loss of the baseline run, in nats per token. */
  readonly gap: Gap;
  /** Sum of the gap of training losses over the steps, in nats per token times steps. */
  readonly integrated: number;
  /** Steps with loss spikes in each run. */
  readonly spikes: { readonly baseline: readonly number[]; readonly other: readonly number[] };
  /** Step at which each run diverged. Undefined if the run did not diverge. */
  readonly divergedAt: { readonly baseline: number | undefined; readonly other: number | undefined };
  /** First non-finite number recorded in each run's journal. Undefined if none is recorded. */
  readonly nonFinite: {
    readonly baseline: NonFiniteRecord | undefined;
    readonly other: NonFiniteRecord | undefined;
  };
}

/** Gap of training losses over a block of steps. */
export interface GapBlock extends Block {
  /** Mean gap over pairs, with a confidence interval that is not corrected for the number of blocks. */
  readonly gap: Estimate;
  /** Noise floor of the block, in nats per token, see {@linkcode NoiseFloor}. Undefined without perturbed pairs. */
  readonly floor: number | undefined;
}

/** Comparison of paired runs. */
export interface Comparison {
  /** Difference between the two runs of a pair. `nothing`: both have the same precision and the same seed. */
  readonly differs: "precision" | "seed" | "nothing";
  /** Names of the precisions of the two runs of a pair. */
  readonly precision: { readonly baseline: string; readonly other: string };
  /** Level of the confidence intervals. */
  readonly level: number;
  /** Smallest gap of the final validation loss that matters, in nats per token. */
  readonly tolerance: number;
  /** Comparison of each pair. */
  readonly pairs: readonly ComparedPair[];
  /**
   * Mean gaps over the pairs without divergence, with confidence intervals. In nats per token, unless stated otherwise.
   */
  readonly gaps: {
    /** Gap of the final validation loss. The verdict is based on this gap. */
    readonly validation: Estimate;
    /** Gap of the final validation loss in bits per byte. */
    readonly bitsPerByte: Estimate;
    /** Gap of the training loss, averaged over the last block of steps. A single step is too noisy. */
    readonly final: Estimate;
    /** Gap of the training loss, averaged over all steps. */
    readonly mean: Estimate;
    /** Largest absolute gap of the training loss at one step. */
    readonly maximum: Estimate;
    /** Sum of the gap of the training loss over the steps, in nats per token times steps. */
    readonly integrated: Estimate;
  };
  /**
   * p-value of the exact sign-flip test of the mean validation gap. Undefined for fewer than 2 or more than 16 pairs.
   */
  readonly signFlipP: number | undefined;
  /** Noise floor of the final validation loss. Undefined without perturbed pairs. */
  readonly floor: Omit<NoiseFloor, "byBlock"> | undefined;
  /** Differences between seeds of the baseline precision. Undefined with fewer than two seeds. */
  readonly seedSpread: SeedSpread | undefined;
  /** Gap of training losses by block. */
  readonly blocks: readonly GapBlock[];
  /**
   * First step from which the mean gap is significant until the end of training. Undefined if the gap is not
   * significant at the end.
   */
  readonly apartFrom: number | undefined;
  /**
   * First step from which the mean gap exceeds the noise floor until the end of training. Undefined if the gap is
   * within the floor at the end, or without perturbed pairs.
   */
  readonly beyondFloorFrom: number | undefined;
  /** True if the two runs of every pair have bit-identical losses. */
  readonly identical: boolean;
}

function isSamePair(a: Pair, b: Pair): boolean {
  const { manifest: { runId, spec: { seed } } } = a.other, { manifest } = b.other;
  if (manifest.runId !== runId || manifest.spec.seed !== seed) return false; // quick; simulated runs may share an ID
  return isCopy(a.baseline, b.baseline) && isCopy(a.other, b.other);
}

/**
 * Estimates the effect of a lower precision on the loss from paired runs.
 *
 * @param pairs At least one pair. The pairs differ only in seed.
 * @throws {RangeError} If `pairs` is empty or contains copies, or `level` or `tolerance` is invalid.
 */
export function comparePairs(pairs: readonly Pair[], options: ComparisonOptions = {}): Comparison {
  const { level = DEFAULT_LEVEL, tolerance = DEFAULT_TOLERANCE, seeds = [], perturbed = [] } = options;
  const [first] = pairs;
  if (first === undefined) {
    throw new RangeError("Cannot compare the runs: expected at least one pair, got none");
  }
  if (pairs.some((pair, i) => pairs.slice(0, i).some((earlier) => isSamePair(pair, earlier)))) {
    throw new RangeError(
      "Cannot compare the runs: expected each pair once, got copies of a pair. Pass one copy of each.",
    );
  }
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`Cannot compare the runs: expected level in (0, 1), got ${level}`);
  }
  if (!(tolerance >= 0)) {
    throw new RangeError(`Cannot compare the runs: expected tolerance of at least 0 nats, got ${tolerance}`);
  }
  const judged = pairs.map((pair) => judgePair(pair, tolerance));
  const steps = least(judged.map(({ gap }) => gap.byStep.length));
  const blocks = blocksOf(steps);
  const sound = judged.map((_, i) => i).filter((i) => {
    const { baseline, other } = judged[i]!.divergedAt;
    return baseline === undefined && other === undefined;
  });
  const over = (value: (pair: ComparedPair, i: number) => number) =>
    estimate(sound.map((i) => value(judged[i]!, i)).filter(Number.isFinite), level);
  const byBlock = judged.map(({ gap }) => blockMeans(gap.byStep.subarray(0, steps), blocks));
  const differs = differenceIn(first);
  const others = [...differs === "precision" ? pairs.map(({ baseline }) => baseline) : [], ...seeds];
  const floor = noiseFloor(perturbed, blocks);
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
    floor: floor && { pairs: floor.pairs, rms: floor.rms, limit: floor.limit, sources: floor.sources },
    seedSpread: spreadOfSeeds(others, level),
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

function judgePair(pair: Pair, tolerance: number): ComparedPair {
  const { baseline, other } = pair, gap = gapOf(pair, tolerance);
  const lost = (run: RecordedRun) => {
    const last = seriesOf(run).evals.at(-1);
    return curveFindings(run).divergedAt ??
      (last === undefined || Number.isFinite(last.loss) ? undefined : last.step);
  };
  return {
    seed: baseline.manifest.spec.seed,
    otherSeed: other.manifest.spec.seed,
    gap,
    integrated: gap.byStep.reduce((sum, at) => Number.isFinite(at) ? sum + at : sum, 0),
    spikes: {
      baseline: curveFindings(baseline).spikes,
      other: curveFindings(other).spikes,
    },
    divergedAt: { baseline: lost(baseline), other: lost(other) },
    nonFinite: { baseline: recordedNonFinite(baseline), other: recordedNonFinite(other) },
  };
}

/** Returns true if steps, losses and evaluations are bit-identical. */
function areIdentical({ baseline, other }: Pair): boolean {
  const [a, b] = [seriesOf(baseline), seriesOf(other)];
  const { loss } = b.steps;
  return a.steps.length === b.steps.length && a.steps.loss.every((value, i) => Object.is(value, loss[i])) &&
    a.evals.length === b.evals.length &&
    a.evals.every(({ step, loss }, i) => step === b.evals[i]!.step && Object.is(loss, b.evals[i]!.loss));
}
