/**
 * Verdicts of comparisons.
 *
 * @module
 */
import { count } from "./format.ts";
import { detectable, pairsToDecide } from "./power.ts";
import { type Estimate, holm, meanP, tQuantile, tTwoSidedP } from "./student.ts";
import type { ComparedPair, Comparison } from "./compare_pairs.ts";
import type { Judged, Verdict, VerdictKind } from "./_verdict_types.ts";
import {
  divergedSentence,
  identicalSentence,
  lostSentence,
  seedSentence,
  severalSentence,
  singleSentence,
} from "./_verdict_sentences.ts";

export type { Verdict, VerdictKind };

/** Returns the verdict of a single comparison, without a correction for further comparisons. */
export function verdictOf(comparison: Comparison): Verdict {
  return verdictsOf([comparison])[0]!;
}

/**
 * Returns the verdicts of all comparisons of a report. The p-values are corrected over the comparisons by Holm's
 * method.
 */
export function verdictsOf(comparisons: readonly Comparison[]): Verdict[] {
  const values = comparisons.map((comparison) =>
    plainKind(comparison) === undefined ? testOf(comparison) : undefined
  );
  const tested = values.filter((value) => value !== undefined);
  const adjusted = holm(tested);
  let next = 0;
  return comparisons.map((comparison, i) =>
    judge(comparison, {
      p: values[i],
      adjustedP: values[i] === undefined ? undefined : adjusted[next++],
      tests: tested.length,
    })
  );
}

/** Returns the kind of a comparison that requires no test. */
function plainKind({ identical, pairs, differs, gaps: { validation } }: Comparison): VerdictKind | undefined {
  if (identical) return "stable";
  const base = pairs.some(({ divergedAt }) => divergedAt.baseline !== undefined);
  const other = pairs.some(({ divergedAt }) => divergedAt.other !== undefined);
  if (other && !base) return "diverged";
  return base || differs === "seed" || !Number.isFinite(validation.mean) ? "undecided" : undefined;
}

/**
 * Returns the p-value of a gap of 0. Tests a single pair against the differences between seeds, which are larger than the
 * differences within pairs, so that the error is below the level.
 */
function testOf({ gaps: { validation }, seedSpread }: Comparison): number | undefined {
  if (validation.n > 1) return meanP(validation);
  if (seedSpread === undefined || seedSpread.rms === 0) return undefined;
  return tTwoSidedP(validation.mean / seedSpread.rms, seedSpread.seeds - 1);
}

/** Result of the test of one comparison, and the number of tests in the report. */
interface Test {
  readonly p: number | undefined;
  readonly adjustedP: number | undefined;
  readonly tests: number;
}

function judge(comparison: Comparison, { p, adjustedP, tests }: Test): Verdict {
  const { gaps: { validation }, level, identical, differs, pairs } = comparison;
  const comparisons = Math.max(1, tests);
  const base = {
    gap: identical ? 0 : validation.mean,
    half: identical ? 0 : validation.half,
    ...{ p, adjustedP, comparisons },
    detectable: identical ? undefined : detectable(validation, (1 - level) / comparisons),
    morePairs: undefined,
    step: undefined,
  };
  const kind = plainKind(comparison);
  if (identical) return { ...base, kind: "stable", sentence: identicalSentence(comparison) };
  if (kind === "diverged") {
    const first = firstDiverged(pairs);
    return { ...base, kind, step: first.divergedAt.other!, sentence: divergedSentence(comparison, first) };
  }
  if (pairs.some(({ divergedAt }) => divergedAt.baseline !== undefined)) {
    return { ...base, kind: "undecided", sentence: lostSentence(comparison) };
  }
  if (kind === "undecided") {
    const sentence = differs === "seed" && Number.isFinite(validation.mean)
      ? seedSentence(comparison)
      : `undecided: none of ${count(pairs.length, "pair")} has a final validation loss on both sides.`;
    return { ...base, kind, sentence };
  }
  if (validation.half === undefined) {
    const isFar = adjustedP !== undefined && adjustedP < 1 - level;
    const judged: Judged = { ...base, kind: isFar ? direction(validation) : "undecided" };
    const half = isFar ? comparison.seedSpread!.limit : undefined;
    return { ...judged, half, sentence: singleSentence(comparison, judged) };
  }
  const found: Judged = { ...base, kind: kindOf(comparison, adjustedP!) };
  const judged = found.kind === "undecided"
    ? { ...found, morePairs: morePairs(comparison, comparisons) }
    : found;
  return { ...judged, sentence: severalSentence(comparison, judged) };
}

function firstDiverged(pairs: readonly ComparedPair[]): ComparedPair {
  return pairs.filter(({ divergedAt }) => divergedAt.other !== undefined)
    .reduce((a, b) => a.divergedAt.other! <= b.divergedAt.other! ? a : b);
}

function direction({ mean }: Estimate): "degraded" | "improved" {
  return mean > 0 ? "degraded" : "improved";
}

/** Returns the kind of a comparison of at least two pairs. */
function kindOf(
  { gaps: { validation }, tolerance, level, floor }: Comparison,
  adjustedP: number,
): VerdictKind {
  const { mean, half } = validation;
  if (Math.abs(mean) + equivalenceHalf(validation, level) <= tolerance) return "stable";
  if (adjustedP < 1 - level) return direction(validation);
  return floor !== undefined && Math.abs(mean) + half! <= floor.limit ? "within noise" : "undecided";
}

/** Returns half the width of the interval of two one-sided tests, each at 1 - level. */
function equivalenceHalf({ sd, n }: Estimate, level: number): number {
  return tQuantile(Math.max(0.5, level), n - 1) * sd! / Math.sqrt(n);
}

function morePairs(
  { gaps: { validation: { mean, sd, n } }, tolerance, level, floor }: Comparison,
  comparisons: number,
): number | undefined {
  const equivalence = 1 - level;
  const criteria = { alpha: equivalence / comparisons, equivalence, tolerance, floor: floor?.limit ?? 0 };
  const needed = pairsToDecide({ mean, sd: sd! }, criteria, n + 1);
  return needed === undefined ? undefined : needed - n;
}

/**
 * Counts the spikes of the runs in the compared precision, over all pairs. Omits a spike if the paired baseline run has
 * a spike within two steps.
 */
export function ownSpikes(pairs: readonly ComparedPair[]): number {
  return pairs.reduce(
    (sum, { spikes }) =>
      sum + spikes.other.filter((at) => !spikes.baseline.some((base) => Math.abs(at - base) <= 2)).length,
    0,
  );
}
