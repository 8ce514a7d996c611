/**
 * Verdict of a comparison, as one sentence with its uncertainty.
 *
 * @module
 */
import { count, percent, plainText, signed } from "./format.ts";
import { type Estimate, tQuantile } from "./student.ts";
import type { ComparedPair, Comparison } from "./compare_pairs.ts";

/**
 * Kind of a verdict.
 *
 * - `stable`: the gap of the final validation loss is 0, or its interval lies within the tolerance.
 * - `within seed noise`: the gap is not significant, and no larger than the difference between seeds.
 * - `degraded`, `improved`: the interval lies above or below 0, and not within the tolerance.
 * - `diverged`: the other precision diverged where the baseline did not.
 * - `undecided`: there are too few pairs, or both sides diverged.
 *
 * Without an effect of precision, the probability of `degraded` or `improved` is at most 1 - level for any tolerance.
 * The false-positive rate of `degraded` alone is half of that.
 */
export type VerdictKind = "stable" | "within seed noise" | "degraded" | "improved" | "diverged" | "undecided";

/** Verdict of a comparison. */
export interface Verdict {
  /** Kind of the verdict. */
  readonly kind: VerdictKind;
  /** Verdict as one sentence. */
  readonly sentence: string;
  /** Gap of the final validation loss in nats per token. NaN without a finite pair. */
  readonly gap: number;
  /** Half the width of its confidence interval. Undefined if there is no interval. */
  readonly half: number | undefined;
  /** For `diverged`: first step at which the other side of a pair diverged. */
  readonly step: number | undefined;
}

/** Returns the verdict of a comparison. */
export function verdictOf(comparison: Comparison): Verdict {
  const { gaps: { validation }, pairs } = comparison;
  const say = (kind: VerdictKind, sentence: string, more: Partial<Verdict> = {}): Verdict => ({
    kind,
    sentence,
    gap: validation.mean,
    half: validation.half,
    step: undefined,
    ...more,
  });
  const names = namesOf(comparison);
  if (comparison.identical) {
    const what = comparison.differs === "nothing"
      ? `${names.other}'s losses are bit-identical`
      : `the losses of ${names.other} and ${names.baseline} are bit-identical`;
    return say("stable", `stable: ${what} in ${count(pairs.length, "pair")} of runs; the gap is exactly 0.`, {
      gap: 0,
      half: 0,
    });
  }
  const lost = judgeDivergence(comparison, names);
  if (lost !== undefined) return say(lost.kind, lost.sentence, { step: lost.step });
  if (!Number.isFinite(validation.mean)) {
    return say("undecided", "undecided: no pair has a final validation loss on both sides.");
  }
  if (comparison.differs === "seed") return say("within seed noise", seedSentence(comparison, names));
  const { kind, sentence, half } = validation.half === undefined
    ? judgeOne(comparison, names)
    : judgeSeveral(comparison, names, validation.half);
  return say(kind, sentence, { half });
}

/** Names of the sides. */
interface Names {
  readonly baseline: string;
  readonly other: string;
}

function namesOf({ precision }: Comparison): Names {
  return { baseline: plainText(precision.baseline), other: plainText(precision.other) };
}

function judgeDivergence(
  { pairs }: Comparison,
  { baseline, other }: Names,
): { kind: VerdictKind; sentence: string; step?: number } | undefined {
  const lostBy = (side: keyof Names) => pairs.filter(({ divergedAt }) => divergedAt[side] !== undefined);
  const [base, own] = [lostBy("baseline"), lostBy("other")];
  const alone = own.filter(({ divergedAt }) => divergedAt.baseline === undefined);
  const all = count(pairs.length, "pair");
  if (alone.length > 0 && base.length === 0) {
    const first = alone.reduce((a, b) => a.divergedAt.other! <= b.divergedAt.other! ? a : b);
    const step = first.divergedAt.other!;
    return {
      kind: "diverged",
      step,
      sentence: `diverged at step ${step}: ${other} diverged in ${alone.length} of ${all} ` +
        `(first with seed ${first.otherSeed}), ${baseline} in none.`,
    };
  }
  if (base.length === 0) return undefined;
  return {
    kind: "undecided",
    sentence: `undecided: training is unstable: ${baseline} diverged in ${base.length} ` +
      `of ${all}, ${other} in ${own.length}.`,
  };
}

function seedSentence({ pairs, floor, gaps, level }: Comparison, { other }: Names): string {
  const { seed, otherSeed } = pairs[0]!;
  const found = `within seed noise: seeds ${seed} and ${otherSeed} of ${other} differ by ` +
    `${nats(Math.abs(gaps.validation.mean))} nats at the end, and only the seed differs`;
  if (floor === undefined) return `${found}; a noise floor requires two other seeds.`;
  const inside = Math.abs(gaps.validation.mean) <= floor.limit;
  return `${found}; the noise floor of ${floor.seeds} other seeds is ${nats(floor.limit)} nats (${
    percent(level)
  }): ` +
    (inside ? "the difference is usual." : "the difference is unusually large.");
}

/** Judges a single pair, which has no interval, by the noise floor. */
function judgeOne(
  { floor, gaps: { validation: { mean } }, level }: Comparison,
  { other, baseline }: Names,
): { kind: VerdictKind; sentence: string; half: number | undefined } {
  const single = `${other} changes the final validation loss by ${signed(mean)} nats in a single pair`;
  const wanted = "a single pair has no interval; 5 paired seeds give a useful one";
  if (floor === undefined) {
    return {
      kind: "undecided",
      half: undefined,
      sentence: `undecided: ${single}; an interval requires 2 paired seeds, a useful one 5, ` +
        `and a noise floor requires 2 seeds of ${baseline}.`,
    };
  }
  const limits = `the noise floor of ${floor.seeds} seeds of ${baseline} is ${nats(floor.limit)} nats (${
    percent(level)
  })`;
  if (Math.abs(mean) <= floor.limit) {
    return {
      kind: "within seed noise",
      half: undefined,
      sentence: `within seed noise: ${single}; ${limits} (${wanted}).`,
    };
  }
  const kind = mean > 0 ? "degraded" : "improved";
  return {
    kind,
    half: floor.limit,
    sentence: `${kind} by ${nats(Math.abs(mean))} ± ${
      nats(floor.limit)
    } nats: ${single}; ${limits} (${wanted}).`,
  };
}

function judgeSeveral(
  comparison: Comparison,
  { other, baseline }: Names,
  half: number,
): { kind: VerdictKind; sentence: string; half: number } {
  const { gaps: { validation }, tolerance, level, floor } = comparison;
  const { mean, n } = validation;
  const changed = `${other} changes the final validation loss by ${signed(mean)} ± ${nats(half)} nats (${
    percent(level)
  }, ${n} paired seeds)`;
  const seeds = floor === undefined ? "" : `; another seed changes ${baseline}'s by ${nats(floor.rms)}`;
  const [low, high] = [mean - half, mean + half];
  if (low >= -tolerance && high <= tolerance) {
    return { kind: "stable", half, sentence: `stable: ${changed}, within ±${tolerance}${seeds}.` };
  }
  if (low > 0 || high < 0) {
    const kind = low > 0 ? "degraded" : "improved";
    return {
      kind,
      half,
      sentence:
        `${kind} by ${nats(Math.abs(mean))} ± ${nats(half)} nats (${percent(level)}, ${n} paired seeds): ` +
        `${other} against ${baseline}${seeds}${apartFrom(comparison)}.`,
    };
  }
  const enough = pairsFor({ sd: validation.sd!, half: Math.max(tolerance, 1e-9), level });
  const more = enough === undefined || enough <= n
    ? ""
    : `; an interval of ±${tolerance} requires about ${enough} pairs`;
  if (floor !== undefined && Math.abs(mean) > floor.limit) {
    return {
      kind: "undecided",
      half,
      sentence: `undecided: ${changed}, and the interval is too wide${seeds}${more}.`,
    };
  }
  return {
    kind: "within seed noise",
    half,
    sentence: `within seed noise: ${changed}, which is not significant${seeds}${more}.`,
  };
}

function apartFrom({ apartFrom, beyondFloorFrom }: Comparison): string {
  const parts = [
    ...apartFrom === undefined ? [] : [`the gap of training losses is significant from step ${apartFrom}`],
    ...beyondFloorFrom === undefined ? [] : [`above the noise floor from step ${beyondFloorFrom}`],
  ];
  return parts.length === 0 ? "" : `; ${parts.join(", ")}`;
}

/**
 * Returns the number of pairs for an interval of at most ±half with the same standard deviation. Undefined above 1,000.
 */
export function pairsFor(
  { sd, half, level }: { sd: number; half: number; level: number },
): number | undefined {
  for (let n = 2; n <= 1000; n++) if (tQuantile((1 + level) / 2, n - 1) * sd / Math.sqrt(n) <= half) return n;
  return undefined;
}

/**
 * Returns the smallest effect that equally many pairs detect with a probability of about 0.8: (t at the level + t at
 * 0.8) times the standard error. Undefined with fewer than 2 pairs.
 */
export function detectable({ sd, n }: Estimate, level: number): number | undefined {
  if (sd === undefined) return undefined;
  return (tQuantile((1 + level) / 2, n - 1) + tQuantile(0.8, n - 1)) * sd / Math.sqrt(n);
}

/** Counts the spikes of the other side without a baseline spike within two steps, over all pairs. */
export function ownSpikes(pairs: readonly ComparedPair[]): number {
  return pairs.reduce(
    (sum, { spikes }) =>
      sum + spikes.other.filter((at) => !spikes.baseline.some((base) => Math.abs(at - base) <= 2)).length,
    0,
  );
}

function nats(value: number): string {
  return value.toFixed(5);
}
