/**
 * `compare()`: compares recorded runs.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import {
  BASELINE,
  type ComparedGroup,
  compareGroups,
  comparisonText,
  count,
  DEFAULT_LEVEL,
  DEFAULT_TOLERANCE,
  formatTable,
  gapGrids,
  type Grid,
  gridSentences,
  gridTable,
  type NamedComparison,
  nonFiniteNotes,
  type Pair,
  percent,
  plainText,
  signed,
  type Table,
  type Verdict,
  type VerdictKind,
  verdictTable,
} from "../analysis/mod.ts";
import { type Figure, reportFigures, TRAINING } from "../figure/mod.ts";
import type { RecordedRun } from "../record/mod.ts";

/** Options of {@linkcode compare}. */
export interface CompareOptions {
  /** Smallest gap of the final validation loss that matters, in nats per token. Default: 0.01. */
  readonly tolerance?: number | undefined;
  /** Level of the confidence intervals, between 0 and 1. Default: 0.95. */
  readonly level?: number | undefined;
}

/** Names of the options. */
const NAMES = optionNames<CompareOptions>({ tolerance: true, level: true });

/** Verdict on the gap between a lower precision and float32 in one setting. */
export interface SettingVerdict extends Verdict {
  /**
   * Name of the setting: tokenizer, T, and all other fields that differ between the compared runs, except precision and
   * seed.
   */
  readonly setting: string;
  /** The lower precision: its policy and overrides. */
  readonly precision: string;
}

/** Comparison of recorded runs. */
export interface RunsComparison {
  /** Summary of the verdicts in one sentence. */
  readonly sentence: string;
  /** One verdict per setting and lower precision. */
  readonly verdicts: readonly SettingVerdict[];
  /** Finished pairs: a float32 run and a run that differs only in precision. */
  readonly pairs: readonly Pair[];
  /** Comparisons by setting and lower precision: pairs, gaps, confidence intervals, noise floor and verdict. */
  readonly groups: readonly ComparedGroup[];
  /**
   * Tables of the gap by vocabulary size and T, one per lower precision, and by T for each tokenizer without a size in
   * its name. Empty if the runs have only one tokenizer and one T.
   */
  readonly grids: readonly Grid[];
  /** Text that `deno task compare` prints: tables, notes and verdicts. */
  readonly text: string;
  /**
   * Returns a table with one row per verdict. Columns: setting, policy, verdict, gap with its confidence interval,
   * detectable gap, noise floor and number of pairs.
   */
  table(): Table;
  /** Returns figures of the gap by axis, and of the loss and the gap over steps. */
  figures(): Figure[];
}

/**
 * Compares runs in lower precisions with float32 runs. Each run in a lower precision is paired with the float32 run of
 * the same setting and seed. Each setting and lower precision gets one verdict on the gap of the final validation loss.
 * A run that is given twice counts once.
 *
 * @param runs Recorded runs, such as the result of `sweep` or `readRuns`.
 * @param options Tolerance and confidence level.
 * @throws {RangeError} If there is no finished pair, or an option is unknown or out of range.
 */
export function compare(runs: readonly RecordedRun[], options: CompareOptions = {}): RunsComparison {
  requireKnownNames(options, NAMES, "compare");
  const { tolerance = DEFAULT_TOLERANCE, level = DEFAULT_LEVEL } = options;
  const groups = compareGroups(runs, { tolerance, level });
  if (groups.length === 0) {
    throw new RangeError(
      `Cannot compare: expected a finished run in ${BASELINE} and one that differs only in precision, ` +
        `got ${count(runs.length, "run")} without such a pair.`,
    );
  }
  const verdicts = groups.map(({ setting, comparison, verdict }) => ({
    setting,
    precision: comparison.precision.other,
    ...verdict,
  }));
  const grids = gapGrids(runs, level);
  return {
    grids,
    text: [
      comparisonsText(groups),
      ...grids.map((grid) => `${formatTable(gridTable(grid))}\n\n${gridSentences(grid).join("\n")}`),
    ].join("\n\n"),
    sentence: sentenceOf(verdicts),
    verdicts,
    pairs: groups.flatMap(({ pairs }) => pairs),
    groups,
    table: () => verdictTable(groups),
    figures: () =>
      reportFigures(runs, tolerance).filter(({ heading }) => heading !== TRAINING).flatMap(({ figures }) =>
        figures
      ),
  };
}

/** Maximum number of comparisons printed in full. */
const IN_FULL = 3;

/**
 * Formats comparisons as text. Up to 3 comparisons are printed in full. For more, prints a table with one row per
 * verdict.
 */
export function comparisonsText(compared: readonly NamedComparison[]): string {
  if (compared.length <= IN_FULL) {
    return compared.map(comparisonText).join("\n\n\n");
  }
  const sentences = compared.map(({ setting, verdict }) => `${setting}: ${verdict.sentence}`);
  const nonFinite = compared.flatMap(({ setting, comparison }) =>
    nonFiniteNotes(comparison).map((note) => `${setting}: ${note}`)
  );
  const [{ comparison: { level }, verdict: { comparisons } }] = compared as [NamedComparison];
  return `${formatTable(verdictTable(compared))}\n\n${[...sentences, ...nonFinite].join("\n")}\n\n` +
    `The probability of any false degraded or improved is at most ${
      percent(1 - level)
    } (Holm's correction over ${
      count(comparisons, "comparison")
    }). p-values and detectable gaps include the correction.`;
}

/** Order of verdicts in the summary sentence, worst first. */
const ORDER: readonly VerdictKind[] = [
  "diverged",
  "degraded",
  "improved",
  "undecided",
  "within noise",
  "stable",
];

function sentenceOf(verdicts: readonly SettingVerdict[]): string {
  const [only] = verdicts;
  if (only !== undefined && verdicts.length === 1) return `${only.setting}: ${only.sentence}`;
  const precisions = [...new Set(verdicts.map(({ precision }) => precision))];
  const counted = ORDER.flatMap((kind) => {
    const some = verdicts.filter((verdict) => verdict.kind === kind);
    return some.length === 0 ? [] : [`${kind} in ${some.length}`];
  });
  const largest = verdicts.filter(({ gap }) => Number.isFinite(gap))
    .sort((a, b) => Math.abs(b.gap) - Math.abs(a.gap))[0];
  const settings = count(verdicts.length, precisions.length > 1 ? "comparison" : "setting");
  return `${precisions.map((name) => plainText(name)).join(", ")} against ${BASELINE} in ${settings}: ${
    counted.join(", ")
  }${largest === undefined ? "" : `; the largest gap is ${gapText(largest, precisions.length > 1)}`}.`;
}

function gapText({ gap, half, setting, precision }: SettingVerdict, named: boolean): string {
  const interval = half === undefined ? "" : ` ± ${half.toFixed(5)}`;
  return `${signed(gap)}${interval} nats (${setting}${named ? `, ${plainText(precision)}` : ""})`;
}
