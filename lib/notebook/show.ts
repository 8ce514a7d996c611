/**
 * One call that shows what losskit returns: figures, tables, runs, comparisons and training.
 *
 * @module
 */
import type { ColumnTable } from "arquero";
import { runTable } from "../analysis/mod.ts";
import { type Figure, lossFigures } from "../figure/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { figureBundle, tableBundle, tableOf } from "./_bundle.ts";
import { display } from "./_display.ts";
import { livePlot, type LivePlotOptions, type LossEvent } from "./live_plot.ts";

/** A comparison, as `compare` returns it. */
export interface ShownComparison {
  /** The result in one sentence. */
  readonly sentence: string;
  /** One row per verdict. */
  table(): ColumnTable;
  /** Its figures. */
  figures(): readonly Figure[];
}

/** What {@linkcode show} shows. */
export type Showable =
  | Figure
  | readonly Figure[]
  | ColumnTable
  | readonly RecordedRun[]
  | ShownComparison
  | AsyncIterable<LossEvent>
  | readonly Readonly<Record<string, unknown>>[];

/** Columns of a table of runs. */
const RUN_COLUMNS = ["tokenizer", "T", "policy", "seed", "valLoss", "bitsPerByte", "tokensPerSecond"];

/**
 * Shows a figure, a table, rows, runs, a comparison, or training while it runs. In a notebook: Plotly or SVG, and HTML.
 * Elsewhere: text on standard output.
 *
 * Fractions in tables have four decimals, or those of losskit's own column; tables end after 50 rows.
 *
 * @param value A `Figure` or a list of them; an Arquero table, or rows as objects; recorded runs (their table and loss
 * curves); what `compare` returns (its sentence, table and figures); what `train` returns (see {@linkcode livePlot}).
 * @param options Title and axis of a live plot.
 * @throws {TypeError} if the value is of another kind.
 */
export async function show(value: Showable, options: LivePlotOptions = {}): Promise<void> {
  if (isEvents(value)) {
    for await (const _ of livePlot(value, options)) { /* drawn on the way */ }
  } else if (isFigure(value)) await display(figureBundle(value));
  else if (isComparison(value)) {
    console.log(value.sentence);
    await display(tableBundle(value.table()));
    await show(value.figures());
  } else if (isTable(value)) await display(tableBundle(value));
  else if (isRuns(value)) {
    await display(tableBundle(runTable(value).select(...RUN_COLUMNS)));
    await show(lossFigures(value));
  } else if (isList(value, isFigure)) {
    for (const figure of value) await display(figureBundle(figure));
  } else if (isList(value, isObject)) await display(tableBundle(tableOf(value)));
  else {
    throw new TypeError(
      `Cannot show the value: expected a figure, a table, rows, runs, a comparison or training, got ${
        kindOf(value)
      }.`,
    );
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const has = (value: unknown, ...names: string[]): value is Record<string, unknown> =>
  isObject(value) && names.every((name) => name in value);

const isFigure = (value: unknown): value is Figure => has(value, "title", "data", "layout");
const isTable = (value: unknown): value is ColumnTable => has(value, "columnNames", "numRows", "slice");
const isComparison = (value: unknown): value is ShownComparison => has(value, "sentence", "table", "figures");
const isEvents = (value: unknown): value is AsyncIterable<LossEvent> =>
  isObject(value) && Symbol.asyncIterator in value;

function isList<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

const isRuns = (value: unknown): value is readonly RecordedRun[] =>
  Array.isArray(value) && value.length > 0 && value.every((run) => has(run, "manifest", "events", "status"));

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `a list with ${kindOf(value.find((item) => !isObject(item)))}`;
  if (value === null || typeof value !== "object") return String(value);
  return value.constructor?.name ?? "an object";
}
