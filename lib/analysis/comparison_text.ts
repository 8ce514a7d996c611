/**
 * Comparisons as text: tables, notes and the verdict.
 *
 * @module
 */
import { table } from "./arquero.ts";
import { describeNonFinite } from "../record/mod.ts";
import { count, formatTable, nats } from "./format.ts";
import type { Estimate } from "./student.ts";
import type { Table } from "./tables.ts";
import type { NamedComparison } from "./compare_groups.ts";
import type { Comparison } from "./compare_pairs.ts";
import type { FloorSource } from "./noise_floor.ts";
import { POWER } from "./power.ts";
import { ownSpikes, type Verdict, verdictOf } from "./verdict.ts";
import { plainText } from "./plain_text.ts";

/** Number of pairs from which the sign-flip test can have p < 0.05: its smallest p-value is 2^(1 - n). */
const SIGN_FLIP_PAIRS = 6;

/** Names of a comparison's gaps, in display order. */
const GAPS: readonly (readonly [keyof Comparison["gaps"], string])[] = [
  ["validation", "final validation loss"],
  ["bitsPerByte", "final validation loss, bits per byte"],
  ["final", "training loss, last 5 % of steps"],
  ["mean", "training loss, mean"],
  ["maximum", "training loss, largest |gap|"],
  ["integrated", "training loss, sum of gaps (nats · steps)"],
];

/**
 * Returns a table with one row per kind of gap: the kind (`of`), the `estimate`, half the width of its confidence
 * interval, and the number of `pairs`.
 */
export function gapTable({ gaps }: Comparison): Table {
  const rows = GAPS.map(([field, of]) => ({ of, ...gaps[field] as Estimate }));
  return table([
    ["gapOf", rows.map(({ of }) => of)],
    ["gap", rows.map(({ mean }) => mean)],
    ["half", rows.map(({ half }) => half ?? null)],
    ["n", rows.map(({ n }) => n)],
  ]);
}

/**
 * Returns a table with one row per pair: `seed`, gaps in nats per token, and for each run the number of spikes and the
 * step of divergence.
 */
export function comparedPairsTable({ pairs }: Comparison): Table {
  const column = <V>(value: (pair: Comparison["pairs"][number]) => V): V[] => pairs.map(value);
  return table([
    ["seed", column(({ seed, otherSeed }) => seed === otherSeed ? seed : `${seed}, ${otherSeed}`)],
    ["valGap", column(({ gap }) => gap.finalValidation)],
    ["meanGap", column(({ gap }) => gap.mean)],
    ["largestGap", column(({ gap }) => gap.largest)],
    ["largestAt", column(({ gap }) => gap.largestAt ?? null)],
    ["area", column(({ integrated }) => integrated)],
    ["baselineSpikes", column(({ spikes }) => spikes.baseline.length)],
    ["spikes", column(({ spikes }) => spikes.other.length)],
    ["baselineLostAt", column(({ divergedAt }) => divergedAt.baseline ?? null)],
    ["lostAt", column(({ divergedAt }) => divergedAt.other ?? null)],
  ]);
}

/**
 * Returns further results of a comparison, one sentence each.
 *
 * @param comparison The comparison.
 * @param verdict Verdict of the comparison. Default: the verdict without a correction for further comparisons.
 */
export function comparisonNotes(comparison: Comparison, verdict: Verdict = verdictOf(comparison)): string[] {
  const { floor, seedSpread, pairs, precision, gaps: { validation }, apartFrom, beyondFloorFrom } =
    comparison;
  const [baseline, other] = [plainText(precision.baseline), plainText(precision.other)];
  const notes: string[] = [];
  if (floor !== undefined) {
    notes.push(
      `Noise floor: rounding alone changes the final validation loss of ${baseline} by ${
        nats(floor.rms)
      } nats (root mean square; ${floor.sources.map(sourceText).join(", ")}); 95 % of such gaps are within ±${
        nats(floor.limit)
      }.`,
    );
  }
  if (seedSpread !== undefined) {
    notes.push(
      `Seed spread: the final validation losses of two seeds of ${baseline} differ by ${
        nats(seedSpread.rms)
      } nats (root mean square, ${seedSpread.seeds} seeds).`,
    );
  }
  const n = validation.n;
  if (n > 1) {
    notes.push(
      apartFrom === undefined
        ? "At the last steps, the gap of the training losses is not significant."
        : `The gap of training losses is significant from step ${apartFrom}` +
          (floor === undefined
            ? "."
            : beyondFloorFrom === undefined
            ? ", but within the noise floor."
            : `, and above the noise floor from step ${beyondFloorFrom}.`),
    );
  }
  if (verdict.detectable !== undefined && verdict.detectable > 0) {
    notes.push(
      `A gap of ${nats(verdict.detectable)} nats is detected with a probability of ${POWER}` +
        (comparison.signFlipP === undefined || n < SIGN_FLIP_PAIRS
          ? "."
          : `; the exact sign-flip test of the gap has p = ${Number(comparison.signFlipP.toPrecision(3))}.`),
    );
  }
  const base = pairs.reduce((sum, { spikes }) => sum + spikes.baseline.length, 0);
  const all = pairs.reduce((sum, { spikes }) => sum + spikes.other.length, 0);
  const own = ownSpikes(pairs);
  notes.push(
    `Spikes (rises of more than 5 standard deviations): ${base} in ${baseline}, ${all} in ${other}` +
      (own === 0 ? "." : `, ${own} of them without a spike in ${baseline} within 2 steps.`),
  );
  const lost = (side: "baseline" | "other") => pairs.reduce((sum, { gap }) => sum + gap.nonFinite[side], 0);
  if (lost("baseline") + lost("other") > 0) {
    notes.push(
      `Training losses that are NaN or infinite: ${lost("baseline")} in ${baseline}, ${
        lost("other")
      } in ${other}.`,
    );
  }
  return notes;
}

/** Describes the perturbed pairs of one kind. */
function sourceText({ kind, pairs, rms }: FloorSource): string {
  const what = kind === "noise"
    ? "initial weights changed by at most one unit in the last place"
    : "another order of sums";
  return `${nats(rms)} for ${count(pairs, "run")} with ${what}`;
}

/** Maximum number of runs of a precision whose first non-finite numbers are printed. */
const MOST_RUNS = 3;

/** Describes the first non-finite number of each compared run that recorded one. Returns one sentence per run. */
export function nonFiniteNotes({ pairs, precision }: Comparison): string[] {
  return (["baseline", "other"] as const).flatMap((side) =>
    pairs.flatMap(({ nonFinite, seed, otherSeed }) => {
      const found = nonFinite[side];
      const name = `${plainText(precision[side])}, seed ${side === "baseline" ? seed : otherSeed}`;
      return found === undefined ? [] : [`${name}: ${describeNonFinite(found)}`];
    }).slice(0, MOST_RUNS)
  );
}

/** Formats a comparison for a terminal. The heading names the setting. The last line states the verdict. */
export function comparisonText({ comparison, setting, verdict }: NamedComparison): string {
  const { precision, pairs, differs } = comparison;
  const what = differs === "seed"
    ? `two seeds of ${plainText(precision.other)}`
    : differs === "nothing"
    ? `${plainText(precision.other)} against itself`
    : `${plainText(precision.other)} against ${plainText(precision.baseline)}`;
  return [
    `${what}: ${setting}, ${count(pairs.length, "pair")}`,
    formatTable(gapTable(comparison)),
    formatTable(comparedPairsTable(comparison)),
    [...comparisonNotes(comparison, verdict), ...nonFiniteNotes(comparison)].join("\n"),
    verdict.sentence,
  ].join("\n\n");
}
