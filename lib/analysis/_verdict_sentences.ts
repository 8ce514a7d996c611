/**
 * Sentences that state verdicts.
 *
 * @module
 */
import { count, nats, percent, signed } from "./format.ts";
import type { ComparedPair, Comparison } from "./compare_pairs.ts";
import { POWER } from "./power.ts";
import type { Judged } from "./_verdict_types.ts";
import { plainText } from "./plain_text.ts";

/** Returns the sentence for pairs whose losses are bit-identical. */
export function identicalSentence({ precision, differs, pairs }: Comparison): string {
  const { baseline, other } = namesOf(precision);
  const what = differs === "nothing"
    ? `${other}'s losses are bit-identical`
    : `the losses of ${other} and ${baseline} are bit-identical`;
  return `stable: ${what} in ${count(pairs.length, "pair")} of runs; the gap is exactly 0.`;
}

/** Returns the sentence for a precision that diverged while the baseline did not. */
export function divergedSentence({ precision, pairs }: Comparison, first: ComparedPair): string {
  const { baseline, other } = namesOf(precision);
  return `diverged at step ${first.divergedAt.other}: ${other} diverged in ${lost(pairs, "other")} of ${
    count(pairs.length, "pair")
  } (first with seed ${first.otherSeed}), ${baseline} in none.`;
}

/** Returns the sentence for a comparison whose baseline diverged. */
export function lostSentence({ precision, pairs }: Comparison): string {
  const { baseline, other } = namesOf(precision);
  return `undecided: training is unstable: ${baseline} diverged in ${lost(pairs, "baseline")} of ${
    count(pairs.length, "pair")
  }, ${other} in ${lost(pairs, "other")}.`;
}

function lost(pairs: readonly ComparedPair[], side: "baseline" | "other"): number {
  return pairs.filter(({ divergedAt }) => divergedAt[side] !== undefined).length;
}

/** Returns the sentence for two runs that differ only in seed. */
export function seedSentence(
  { precision, pairs, gaps: { validation }, seedSpread, level }: Comparison,
): string {
  const { seed, otherSeed } = pairs[0]!, { other } = namesOf(precision);
  const size = Math.abs(validation.mean);
  const found =
    `undecided: the runs differ in seed, not in precision: the final validation losses of seeds ${seed} and ` +
    `${otherSeed} of ${other} differ by ${nats(size)} nats`;
  if (seedSpread === undefined) return `${found}.`;
  const place = size <= seedSpread.limit ? "within" : "beyond";
  return `${found}, ${place} the ${nats(seedSpread.limit)} nats (${
    percent(level)
  }) that ${seedSpread.seeds} other seeds predict.`;
}

/** Returns the sentence for a single pair. */
export function singleSentence(comparison: Comparison, { kind, gap }: Judged): string {
  const { precision, seedSpread, floor, level } = comparison;
  const { baseline, other } = namesOf(precision);
  const single = `${other} changes the final validation loss by ${signed(gap)} nats in a single pair`;
  const noise = floor === undefined
    ? ""
    : `; the gap is ${Math.abs(gap) <= floor.limit ? "within" : "beyond"} the noise floor of ${
      floorText(comparison)
    }`;
  if (kind !== "undecided") {
    return `${kind} by ${nats(Math.abs(gap))} ± ${nats(seedSpread!.limit)} nats: ${single}, beyond the ${
      nats(seedSpread!.limit)
    } nats (${percent(level)}) that two seeds of ${baseline} differ by (${
      seedSpread!.seeds
    } seeds)${noise}; 5 paired seeds give a narrower interval.`;
  }
  return `undecided: ${single}, which has no interval${noise}; an interval requires at least 2 paired seeds (recommended: 5).`;
}

/** Returns the sentence for at least two pairs. */
export function severalSentence(comparison: Comparison, judged: Judged): string {
  const { precision, tolerance, level, floor, gaps: { validation: { n } } } = comparison;
  const { baseline, other } = namesOf(precision);
  const { kind, gap, half } = judged;
  const source = `${percent(level)}, ${n} paired seeds`;
  const changed = `${other} changes the final validation loss by ${signed(gap)} ± ${
    nats(half!)
  } nats (${source})`;
  const detected = `; detectable gap: ${nats(judged.detectable!)} nats (power ${POWER})`;
  if (kind === "stable") {
    return `stable: ${changed}, and the gap's ${
      percent(Math.max(0, 2 * level - 1))
    } interval lies within the tolerance of ±${tolerance}${detected}.`;
  }
  if (kind === "within noise") {
    return `within noise: ${changed}, within the noise floor of ${floorText(comparison)}${detected}.`;
  }
  if (kind === "undecided") {
    return `undecided: ${changed}, which is ${insignificance(judged, level)}${
      floor === undefined ? "" : `; noise floor: ${floorText(comparison)}`
    }${detected}; ${moreText(judged)}.`;
  }
  const beyond = floor === undefined
    ? ""
    : `; ${Math.abs(gap) > floor.limit ? "beyond" : "within"} the noise floor of ${floorText(comparison)}`;
  return `${kind} by ${nats(Math.abs(gap))} ± ${
    nats(half!)
  } nats (${source}): ${other} against ${baseline}, ${pText(judged)}${beyond}${
    fromStep(comparison)
  }${detected}.`;
}

function insignificance({ p, comparisons, ...judged }: Judged, level: number): string {
  return comparisons > 1 && p! < 1 - level
    ? `significant alone (p = ${short(p!)}), but not with ${pText({ ...judged, p, comparisons })}`
    : `not significant (${pText({ ...judged, p, comparisons })})`;
}

function pText({ adjustedP, comparisons }: Judged): string {
  const value = adjustedP! < 1e-4 ? "p < 0.0001" : `p = ${short(adjustedP!)}`;
  return comparisons > 1 ? `${value} after Holm's correction over ${comparisons} comparisons` : value;
}

function moreText({ morePairs }: Judged): string {
  return morePairs === undefined
    ? "1,000 paired seeds would not decide"
    : `about ${count(morePairs, "more paired seed")} would decide (power ${POWER})`;
}

function floorText({ floor, precision: { baseline } }: Comparison): string {
  return `±${nats(floor!.limit)} nats (${count(floor!.pairs, "perturbed pair")} of ${plainText(baseline)})`;
}

function fromStep({ apartFrom, beyondFloorFrom }: Comparison): string {
  const parts = [
    ...apartFrom === undefined ? [] : [`the gap of training losses is significant from step ${apartFrom}`],
    ...beyondFloorFrom === undefined ? [] : [`above the noise floor from step ${beyondFloorFrom}`],
  ];
  return parts.length === 0 ? "" : `; ${parts.join(", ")}`;
}

function namesOf({ baseline, other }: Comparison["precision"]): { baseline: string; other: string } {
  return { baseline: plainText(baseline), other: plainText(other) };
}

function short(value: number): number {
  return Number(value.toPrecision(2));
}
