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
import { verdictOf } from "./verdict.ts";

/** A comparison with the name of its setting. */
export interface NamedComparison {
  /** Name of the setting. */
  readonly setting: string;
  /** The comparison. */
  readonly comparison: Comparison;
}

/** A comparison of a folder's runs, with its pairs. */
export interface ComparedGroup extends NamedComparison {
  /** Compared pairs. */
  readonly pairs: readonly Pair[];
  /** Number of pairs that were skipped because a run is unfinished. */
  readonly unfinished: number;
}

/** Compares all pairs of runs, grouped by setting and with all seeds of the setting. */
export function compareGroups(
  runs: readonly RecordedRun[],
  options: Omit<ComparisonOptions, "seeds"> = {},
): ComparedGroup[] {
  return pairGroups(runs).map(({ setting, pairs, seeds, unfinished }) => ({
    setting,
    pairs,
    unfinished,
    comparison: comparePairs(pairs, { ...options, seeds }),
  }));
}

/**
 * Returns one row per comparison: `setting`, `policy`, `verdict`, the gap of the final validation loss with half the
 * width of its interval, `seedNoise` (difference between two seeds), all in nats per token, `n` pairs, and the steps
 * from which the gap is significant (`apartFrom`) and above the noise floor (`beyondFrom`).
 */
export function verdictTable(compared: readonly NamedComparison[]): Table {
  const rows = compared.map(({ setting, comparison }) => ({
    setting,
    comparison,
    verdict: verdictOf(comparison),
  }));
  const column = <C>(value: (row: typeof rows[number]) => C): C[] => rows.map(value);
  return table([
    ["setting", column(({ setting }) => setting)],
    ["policy", column(({ comparison }) => comparison.precision.other)],
    [
      "verdict",
      column(({ verdict }) => verdict.step === undefined ? verdict.kind : `diverged at step ${verdict.step}`),
    ],
    ["valGap", column(({ verdict }) => verdict.gap)],
    ["half", column(({ verdict }) => verdict.half ?? null)],
    ["seedNoise", column(({ comparison }) => comparison.floor?.rms ?? null)],
    ["n", column(({ comparison }) => comparison.pairs.length)],
    ["apartFrom", column(({ comparison }) => comparison.apartFrom ?? null)],
    ["beyondFrom", column(({ comparison }) => comparison.beyondFloorFrom ?? null)],
  ]);
}
