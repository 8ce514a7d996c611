/**
 * A comparison of recorded runs as one call.
 *
 * @module
 */
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
  type Pair,
  percent,
  signed,
  type Table,
  type Verdict,
  type VerdictKind,
  verdictOf,
  verdictTable,
} from "../analysis/mod.ts";
import { type Figure, reportFigures } from "../figure/mod.ts";
import type { RecordedRun } from "../record/mod.ts";

/** How pairs are judged. */
export interface CompareOptions {
  /** The smallest gap of the final loss that matters, nats per token. Default: 0.01. */
  readonly tolerance?: number | undefined;
  /** Confidence level of intervals, in (0, 1). Default: 0.95. */
  readonly level?: number | undefined;
}

/** The verdict of one setting and lower precision. */
export interface SettingVerdict extends Verdict {
  /** The setting: tokenizer, T, and whatever else differs between settings. */
  readonly setting: string;
  /** The lower precision. */
  readonly precision: string;
}

/** Recorded runs, compared. */
export interface RunsComparison {
  /** The result in one sentence. */
  readonly sentence: string;
  /** One verdict per setting and lower precision. */
  readonly verdicts: readonly SettingVerdict[];
  /** Finished pairs: float32, and a run that differs from it in precision alone. */
  readonly pairs: readonly Pair[];
  /** Pairs by setting and lower precision, with gaps, intervals and noise floor. */
  readonly groups: readonly ComparedGroup[];
  /** Gaps by tokenizer and T, one grid per lower precision, if the runs have several of either. */
  readonly grids: readonly Grid[];
  /** The comparison as `deno task compare` prints it: tables, notes and verdicts. */
  readonly text: string;
  /** One row per verdict: setting, policy, verdict, gap with its interval, noise floor, pairs. */
  table(): Table;
  /** Gaps by axis, losses and gaps by step. */
  figures(): Figure[];
}

/**
 * Compares runs: pairs each run in a lower precision with the float32 run of the same seed, and judges the gap of the final
 * validation loss, setting by setting.
 *
 * @param runs Recorded runs, as `sweep` returns and `readRuns` reads them.
 * @param options `tolerance` and `level`.
 * @throws {RangeError} if there is no finished pair, or an option is out of range.
 */
export function compare(runs: readonly RecordedRun[], options: CompareOptions = {}): RunsComparison {
  const { tolerance = DEFAULT_TOLERANCE, level = DEFAULT_LEVEL } = options;
  const groups = compareGroups(runs, { tolerance, level });
  if (groups.length === 0) {
    throw new RangeError(
      `Cannot compare: expected a finished run in ${BASELINE} and one that differs from it in precision alone, ` +
        `got ${count(runs.length, "run")} without such a pair.`,
    );
  }
  const verdicts = groups.map(({ setting, comparison }) => ({
    setting,
    precision: comparison.precision.other,
    ...verdictOf(comparison),
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
    figures: () => reportFigures(runs, tolerance).flatMap(({ figures }) => figures),
  };
}

/** Most comparisons that are shown in full. */
const IN_FULL = 3;

/** Returns a few comparisons in full, many as a table with a verdict each. */
export function comparisonsText(compared: readonly NamedComparison[]): string {
  if (compared.length <= IN_FULL) {
    return compared.map(({ setting, comparison }) => comparisonText(comparison, setting)).join("\n\n\n");
  }
  const sentences = compared.map(({ setting, comparison }) =>
    `${setting}: ${verdictOf(comparison).sentence}`
  );
  const { level } = compared[0]!.comparison;
  return `${formatTable(verdictTable(compared))}\n\n${sentences.join("\n")}\n\nEach verdict stands alone: ` +
    `without an effect, ${percent(1 - level)} of them would be degraded or improved.`;
}

/** Verdicts in the order in which a sentence counts them: the worst first. */
const ORDER: readonly VerdictKind[] = [
  "diverged",
  "degraded",
  "improved",
  "undecided",
  "within seed noise",
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
  return `${precisions.join(", ")} against ${BASELINE} in ${settings}: ${counted.join(", ")}${
    largest === undefined ? "" : `; the largest gap is ${gapText(largest, precisions.length > 1)}`
  }.`;
}

function gapText({ gap, half, setting, precision }: SettingVerdict, named: boolean): string {
  const interval = half === undefined ? "" : ` ± ${half.toFixed(5)}`;
  return `${signed(gap)}${interval} nats (${setting}${named ? `, ${precision}` : ""})`;
}
