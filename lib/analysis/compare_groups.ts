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

/** A comparison, and the setting that it is of. */
export interface NamedComparison {
  /** Of what, in words. */
  readonly setting: string;
  /** The comparison. */
  readonly comparison: Comparison;
}

/** The same of a folder's runs. */
export interface ComparedGroup extends NamedComparison {
  /** The pairs. */
  readonly pairs: readonly Pair[];
  /** Pairs left out, of which a run is not finished. */
  readonly unfinished: number;
}

/** Compares all pairs among runs, grouped by setting, each with its setting's seeds. */
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
 * One row a comparison: `setting`, `policy`, `verdict`, the gap of the final validation loss and half the width of its
 * interval, how far two seeds lie apart (`seedNoise`), all in nats per token, `n` pairs, and the steps from which on losses
 * are apart (`apartFrom`) and beyond what seeds do (`beyondFrom`).
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
