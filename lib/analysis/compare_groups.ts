/**
 * Compares all pairs among runs, one comparison per setting and lower precision.
 *
 * @module
 */
import { table } from "arquero";
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
  /** Its verdict, corrected for the other comparisons of the report. */
  readonly verdict: Verdict;
}

/** A comparison of a folder's runs, with its pairs. */
export interface ComparedGroup extends NamedComparison {
  /** Compared pairs. */
  readonly pairs: readonly Pair[];
  /** Number of pairs that were skipped because a run is unfinished. */
  readonly unfinished: number;
}

/**
 * Compares all pairs of runs, grouped by setting and lower precision, with all seeds and perturbed pairs of the setting. The
 * verdicts have Holm's correction over all groups.
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

/** Returns one sentence per setting and lower precision with its verdict. */
export function verdictSentences(compared: readonly NamedComparison[]): string[] {
  return compared.map(({ setting, verdict }) => `${setting}: ${verdict.sentence}`);
}

/** Returns the kind of a verdict; for a divergence, with its step. */
export function verdictName({ kind, step }: Verdict): string {
  return step === undefined ? kind : `diverged at step ${step}`;
}

/**
 * Returns one row per comparison: `setting`, `policy`, `verdict`, the gap of the final validation loss with half the
 * width of its interval, `detectable` (smallest gap detected with a probability of 0.8), `floor` (noise floor), `seedSpread`
 * (difference between two seeds), all in nats per token, `p` after Holm's correction, `n` pairs, and the steps from which the
 * gap is significant (`apartFrom`) and above the noise floor (`beyondFrom`). Missing values are null.
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
