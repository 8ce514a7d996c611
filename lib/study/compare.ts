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
  /** Smallest gap of the final loss that matters, in nats per token. Default: 0.01. */
  readonly tolerance?: number | undefined;
  /** Confidence level of intervals, in (0, 1). Default: 0.95. */
  readonly level?: number | undefined;
}

/** Names of the options. */
const NAMES = optionNames<CompareOptions>({ tolerance: true, level: true });

/** Verdict of one setting and lower precision. */
export interface SettingVerdict extends Verdict {
  /** Setting: tokenizer, T, and all other fields that differ between settings. */
  readonly setting: string;
  /** Lower precision. */
  readonly precision: string;
}

/** Comparison of recorded runs. */
export interface RunsComparison {
  /** Result in one sentence. */
  readonly sentence: string;
  /** One verdict per setting and lower precision. */
  readonly verdicts: readonly SettingVerdict[];
  /** Finished pairs: a float32 run and a run that differs only in precision. */
  readonly pairs: readonly Pair[];
  /** Pairs by setting and lower precision, with gaps, intervals and noise floor. */
  readonly groups: readonly ComparedGroup[];
  /** Gaps by tokenizer and T, one grid per lower precision, if the runs have several of either. */
  readonly grids: readonly Grid[];
  /** Output of `deno task compare`: tables, notes and verdicts. */
  readonly text: string;
  /** Returns one row per verdict: setting, policy, verdict, gap with its interval, detectable gap, noise floor, pairs. */
  table(): Table;
  /** Returns figures of gaps by axis, and of losses and gaps over steps. */
  figures(): Figure[];
}

/**
 * Compares runs. Pairs each run in a lower precision with the float32 run of the same seed, and gives one verdict per setting
 * on the gap of the final validation loss.
 *
 * @param runs Recorded runs, as `sweep` returns and `readRuns` reads them.
 * @param options `tolerance` and `level`.
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

/** Formats comparisons: up to {@linkcode IN_FULL} in full, more as a table with one verdict each. */
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
