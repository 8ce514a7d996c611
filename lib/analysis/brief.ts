/**
 * Short summary of a sweep for a terminal: one line per setting, warnings, and verdicts.
 *
 * @module
 */
import { clip, padEnd, widthOf } from "../progress/width.ts";
import { greatest } from "../number/extent.ts";
import { type NamedComparison, verdictName, verdictSentences } from "./compare_groups.ts";
import { count, formatTable, nats, signed } from "./format.ts";
import { BASELINE } from "./precision_name.ts";
import type { Summary } from "./summary.ts";
import { plainText } from "./plain_text.ts";
import type { Table } from "./tables.ts";

/** Width of the widest line, in columns. Longer names of settings are shortened, and wider tables are folded. */
const COLUMNS = 80;

/** Maximum number of verdicts with a sentence of their own. */
const MOST_SENTENCES = 3;

/**
 * Returns a summary of runs as text. Lines of tables have at most 80 columns, unless a table of runs has names with
 * characters outside ASCII. Sentences are not wrapped. Without pairs, the summary contains a table of the runs.
 */
export function briefText({ runs, comparisons, tolerance, warnings, headline }: Summary): string {
  const parts = comparisons.length === 0
    ? [formatTable(runs.select(...runColumns(runs)), COLUMNS), ...warnings, headline]
    : [gapLines(comparisons, tolerance), ...warnings, verdictText(comparisons)];
  return parts.join("\n\n");
}

/**
 * Returns the columns of runs without a pair: the columns that describe a run, and its final losses. `data` and `steps`
 * are included if the runs differ in them.
 */
function runColumns(runs: Table): string[] {
  const names = runs.columnNames();
  const isVarying = (name: string) => new Set(runs.array(name) as Iterable<unknown>).size > 1;
  return [
    ...names.slice(0, names.indexOf("status")).filter((name) => name !== "data" || isVarying(name)),
    ...isVarying("steps") ? ["steps"] : [],
    ...["valLoss", "bitsPerByte"],
  ];
}

/** Returns one line per setting below the name of its precision: gap, half the width of its interval, and verdict. */
function gapLines(groups: readonly NamedComparison[], tolerance: number): string {
  const byPrecision = Map.groupBy(groups, ({ comparison: { precision } }) => precision.other);
  const lines = [...byPrecision].flatMap(([precision, own]) => {
    const rows = own.map(({ setting, verdict }) => ({
      setting,
      gap: signed(verdict.gap),
      half: verdict.half === undefined ? "" : ` ± ${nats(verdict.half)}`,
      verdict: verdictName(verdict),
    }));
    const width = (key: keyof typeof rows[number]) => greatest(rows.map((row) => widthOf(row[key])));
    const [gap, half] = [width("gap"), width("half")];
    const room = COLUMNS - 2 - 2 - gap - half - 2 - width("verdict");
    const name = Math.min(room, width("setting"));
    return [
      `${plainText(precision)} against ${BASELINE}`,
      ...rows.map((row) => {
        const setting = padEnd(clip(plainText(row.setting, name), name), name);
        return `  ${setting}  ${row.gap.padStart(gap)}` +
          `${row.half.padEnd(half)}  ${row.verdict}`;
      }),
    ];
  });
  return [
    ...lines,
    `gap of the final validation loss in nats per token${intervalNote(groups)};`,
    `tolerance: ±${tolerance}`,
  ].join("\n");
}

/** Returns the words on intervals in the legend. An interval needs two pairs without divergence. */
function intervalNote(groups: readonly NamedComparison[]): string {
  const single = groups.filter(({ verdict }) => verdict.half === undefined).length;
  if (single === 0) return ", with its 95 % interval";
  return single === groups.length
    ? " (no interval: it needs two pairs)"
    : ", with its 95 % interval if two pairs allow one";
}

/** Returns the sentences of a few verdicts, or the number of settings by verdict. */
function verdictText(groups: readonly NamedComparison[]): string {
  if (groups.length <= MOST_SENTENCES) {
    return verdictSentences(groups).join("\n");
  }
  const byPrecision = Map.groupBy(groups, ({ comparison: { precision } }) => precision.other);
  return [...byPrecision].map(([precision, own]) => {
    const kinds = [...Map.groupBy(own, ({ verdict }) => verdict.kind)];
    return `${plainText(precision)}: ${kinds.map(([kind, some]) => `${some.length} ${kind}`).join(", ")} of ${
      count(own.length, "setting")
    }.`;
  }).join("\n");
}
