/**
 * Compares all pairs among runs, one comparison per setting and lower precision.
 *
 * @module
 */
import { table } from "./arquero.ts";
import type { RecordedRun } from "../record/mod.ts";
import { pairGroups } from "./groups.ts";
import type { Pair } from "./stability.ts";
import type { Table } from "./tables.ts";
import { comparePairs, type Comparison, type ComparisonOptions } from "./compare_pairs.ts";
import { type Verdict, verdictsOf } from "./verdict.ts";

/** A comparison with the name of its setting. */
export interface NamedComparison {
  /** Name of the setting. */
  readonly setting: string;
  /** The comparison. */
  readonly comparison: Comparison;
  /** Verdict of the comparison, corrected for the number of comparisons in the report. */
  readonly verdict: Verdict;
}

/** A comparison of one setting and lower precision, with the compared pairs of runs. */
export interface ComparedGroup extends NamedComparison {
  /** Compared pairs. */
  readonly pairs: readonly Pair[];
  /** Number of pairs that were excluded because a run is unfinished. */
  readonly unfinished: number;
}

/**
 * Compares all pairs of runs, grouped by setting and lower precision. All comparisons of a
 * setting share its seed spread and its noise floor. The verdicts are corrected over all groups by Holm's method.
 */
export function compareGroups(
  runs: readonly RecordedRun[],
  options: Omit<ComparisonOptions, "seeds" | "perturbed"> = {},
): ComparedGroup[] {
  const groups = pairGroups(runs);
  const comparisons = groups.map(({ pairs, seeds, perturbed }) =>
    comparePairs(pairs, { ...options, seeds, perturbed })
  );
  const verdicts = verdictsOf(comparisons);
  return groups.map(({ setting, pairs, unfinished }, i) => ({
    ...{ setting, pairs, unfinished },
    comparison: comparisons[i]!,
    verdict: verdicts[i]!,
  }));
}

/** Returns one sentence per comparison: the setting and the verdict. */
export function verdictSentences(compared: readonly NamedComparison[]): string[] {
  return compared.map(({ setting, verdict }) => `${setting}: ${verdict.sentence}`);
}

/** Returns the kind of a verdict as text. For `diverged`, adds the step. */
export function verdictName({ kind, step }: Verdict): string {
  return step === undefined ? kind : `diverged at step ${step}`;
}

/**
 * Returns a table with one row per comparison. Columns: `setting`, `policy`, `verdict`, the gap of the final validation
 * loss with half the width of its interval, `detectable` (smallest gap detected with a probability of 0.8), `floor`
 * (noise floor), `seedSpread` (difference between two seeds), `p` after Holm's correction, `n` (number of pairs),
 * `apartFrom` (step from which the gap is significant) and `beyondFrom` (step from which the gap is above the noise
 * floor). Losses are in nats per token. Missing values are null.
 */
export function verdictTable(compared: readonly NamedComparison[]): Table {
  const column = <C>(value: (row: NamedComparison) => C): C[] => compared.map(value);
  return table([
    ["setting", column(({ setting }) => setting)],
    ["policy", column(({ comparison }) => comparison.precision.other)],
    ["verdict", column(({ verdict }) => verdictName(verdict))],
    ["valGap", column(({ verdict }) => verdict.gap)],
    ["half", column(({ verdict }) => verdict.half ?? null)],
    ["detectable", column(({ verdict }) => verdict.detectable ?? null)],
    ["floor", column(({ comparison }) => comparison.floor?.limit ?? null)],
    ["seedSpread", column(({ comparison }) => comparison.seedSpread?.rms ?? null)],
    ["p", column(({ verdict }) => verdict.adjustedP ?? null)],
    ["n", column(({ comparison }) => comparison.pairs.length)],
    ["apartFrom", column(({ comparison }) => comparison.apartFrom ?? null)],
    ["beyondFrom", column(({ comparison }) => comparison.beyondFloorFrom ?? null)],
  ]);
}
