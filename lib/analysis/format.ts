/**
 * Formatting of tables and numbers for terminals and reports.
 *
 * @module
 */
import { greatest } from "../number/extent.ts";
import type { RunField } from "../options/run_field.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";
import { foldTable } from "../progress/fold_table.ts";
import { padEnd, padStart, widthOf } from "../progress/width.ts";
import { plainText } from "./plain_text.ts";
import type { Table } from "./tables.ts";

/** Format of a column. */
interface ColumnFormat {
  readonly label: string;
  /** Number of decimals of fractions. Default: 4. */
  readonly digits?: number;
  readonly signed?: boolean;
  /** Unit in which values are shown: values are divided by it. Default: 1. */
  readonly per?: number;
}

/** Labels and number formats of columns. */
const COLUMNS: Readonly<Record<string, ColumnFormat>> = {
  valLoss: { label: "val loss" },
  bestValLoss: { label: "best val" },
  bitsPerByte: { label: "bits/byte" },
  tokensPerSecond: { label: "tokens/s" },
  peakBytes: { label: "peak GB", digits: 2, per: 1e9 },
  nonFinite: { label: "non-finite" },
  baselineNonFinite: { label: "non-finite float32" },
  valGap: { label: "val gap", digits: 5, signed: true },
  finalGap: { label: "train gap", digits: 5, signed: true },
  meanGap: { label: "mean gap", digits: 5, signed: true },
  meanAbsGap: { label: "mean |gap|", digits: 5 },
  largestGap: { label: "largest gap", digits: 5, signed: true },
  largestAt: { label: "at step" },
  firstBeyond: { label: "first beyond" },
  speed: { label: "speed", digits: 2 },
  gapOf: { label: "gap of" },
  gap: { label: "gap", digits: 5, signed: true },
  half: { label: "±", digits: 5 },
  n: { label: "pairs" },
  bitsGap: { label: "bits/byte gap", digits: 5, signed: true },
  bitsHalf: { label: "±", digits: 5 },
  distance: { label: "distance", digits: 6 },
  distanceHalf: { label: "±", digits: 6 },
  detectable: { label: "detectable", digits: 5 },
  floor: { label: "noise floor", digits: 5 },
  seedSpread: { label: "seed spread", digits: 5 },
  p: { label: "p", digits: 4 },
  apartFrom: { label: "significant from step" },
  beyondFrom: { label: "above floor from step" },
  gradientError: { label: "gradient error", digits: 6 },
  cosine: { label: "cosine", digits: 8 },
  bias: { label: "bias", digits: 6 },
  coherence: { label: "coherence", digits: 2 },
  area: { label: "sum of gaps", digits: 3, signed: true },
  baselineSpikes: { label: "baseline spikes" },
  baselineLostAt: { label: "baseline diverged at" },
  lostAt: { label: "diverged at" },
};

/** Returns the label of a column. */
export function columnLabel(column: string): string {
  return COLUMNS[column]?.label ?? column;
}

/** Formats a number with its sign and `digits` decimals. Numbers that round to 0 have no sign. */
export function signed(value: number, digits: number = 5): string {
  if (Number.isNaN(value)) return "NaN";
  const size = Number.isFinite(value) ? Math.abs(value).toFixed(digits) : "Infinity";
  return `${Number(size) === 0 ? "" : value < 0 ? "-" : "+"}${size}`;
}

/**
 * Formats a nonnegative loss difference in nats with 5 decimals. Uses the form `4.2e-6` if all 5 decimals would be 0.
 */
export function nats(value: number): string {
  return fixed(value, 5);
}

/** Formats a number with `digits` decimals. Uses the form `4.2e-6` if all of them would be 0, except for 0. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return value !== 0 && Number(text) === 0 ? value.toExponential(1) : text;
}

/** Formats a fraction as a percentage, such as `95 %`. */
export function percent(level: number): string {
  return `${Number((100 * level).toPrecision(6))} %`;
}

/** Formats a count as `1 pair` or `2 pairs`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/**
 * Formats the value of a table cell. Fractions have the column's number of decimals (default: 4), or the form `4.2e-6`
 * if all of them would be 0. Options of runs have all digits, unless the column has a number of decimals. Missing values
 * are a dash. Text is shortened by {@linkcode plainText}.
 */
export function formatCell(value: unknown, column: string = ""): string {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return plainText(String(value));
  const { digits: ownDigits, signed: withSign = false, per } = COLUMNS[column] ?? {};
  const digits = ownDigits ?? 4;
  if (per !== undefined) return (value / per).toFixed(digits);
  if (withSign) return signed(value, digits);
  // Metrics can have the name of an option. The option `loss` names a module, so numbers of that name are losses.
  // Columns with their own number of decimals, such as the bias of a gradient, are metrics.
  const fields: Readonly<Record<string, RunField>> = RUN_FIELDS;
  const isOption = ownDigits === undefined && Object.hasOwn(fields, column) &&
    fields[column]!.type !== "text";
  const isWhole = isOption || Number.isInteger(value) || !Number.isFinite(value);
  return isWhole ? String(value) : fixed(value, digits);
}

/**
 * Separates the columns of a table whose value is the same in every row. In tables with one row, no column counts as
 * constant.
 *
 * @returns `shown`: names of the other columns. `alike`: label and formatted value of each constant column.
 */
export function splitColumns(table: Table): { shown: string[]; alike: { label: string; text: string }[] } {
  const shown: string[] = [], alike: { label: string; text: string }[] = [];
  for (const name of table.columnNames()) {
    const values = [...table.array(name) as Iterable<unknown>];
    if (values.length > 1 && new Set(values).size === 1) {
      const text = formatCell(values[0], name);
      alike.push({
        label: columnLabel(name),
        text: values[0] === null || values[0] === undefined ? "none" : text,
      });
    } else shown.push(name);
  }
  return { shown, alike };
}

/**
 * Formats a table as aligned text. Constant columns of tables with several rows are listed in a line below.
 *
 * @param columns Number of terminal columns. Wider tables are folded into parts. Default: no limit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { table } from "arquero";
 * import { formatTable } from "@losskit/losskit/analysis";
 *
 * const runs = table({ policy: ["float32", "bf16"], T: [64, 64], valLoss: [2.5, NaN] });
 * assertEquals(formatTable(runs), "policy   val loss\nfloat32    2.5000\nbf16          NaN\nin every row: T 64");
 * ```
 */
export function formatTable(table: Table, columns: number = Infinity): string {
  const { shown, alike } = splitColumns(table);
  const cellsByColumn = shown.map((name) => {
    const values = [...table.array(name) as Iterable<unknown>];
    const cells = [columnLabel(name), ...values.map((value) => formatCell(value, name))];
    const width = greatest(cells.map(widthOf));
    const isNumeric = values.some((value) => typeof value === "number");
    return cells.map((cell) => isNumeric ? padStart(cell, width) : padEnd(cell, width));
  });
  const rows = Array.from(
    { length: table.numRows() + 1 },
    (_, i) => cellsByColumn.map((cells) => cells[i]).join("  ").trimEnd(),
  );
  const lines = foldTable(rows, columns);
  if (alike.length > 0) {
    lines.push(`in every row: ${alike.map(({ label, text }) => `${label} ${text}`).join(", ")}`);
  }
  return lines.join("\n");
}
