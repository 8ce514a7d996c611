/**
 * `show()`: displays figures, tables, runs, comparisons and training.
 *
 * @module
 */
import { type ColumnTable, not } from "../analysis/arquero.ts";
import { runTable } from "../analysis/mod.ts";
import { type Figure, lossFigures, probeFigures } from "../figure/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { figureBundle, tableBundle, tableOf } from "./_bundle.ts";
import { display } from "./_display.ts";
import { livePlot, type LivePlotOptions, type LossEvent, requirePlotOptions } from "./live_plot.ts";

/** Comparison of runs, as returned by `compare`. */
export interface ShownComparison {
  /** Result in one sentence. */
  readonly sentence: string;
  /** Returns a table with one row per verdict. */
  table(): ColumnTable;
  /** Returns the figures of the comparison. */
  figures(): readonly Figure[];
}

/** Value that {@linkcode show} displays. */
export type Showable =
  | Figure
  | readonly Figure[]
  | ColumnTable
  | readonly RecordedRun[]
  | ShownComparison
  | AsyncIterable<LossEvent>
  | readonly Readonly<Record<string, unknown>>[];

/** Columns of the table of runs that notebooks omit. */
const HIDDEN = ["run", "data", "status", "steps", "bestValLoss", "spikes", "nonFinite"];

/**
 * Shows a figure, a table, rows, runs, a comparison, or training in progress. Notebooks show Plotly, SVG or HTML. Outside of
 * notebooks, the output is text on standard output.
 *
 * Fractions in tables have four decimals, unless losskit defines a format for the column. Tables are limited to 50 rows.
 *
 * @param value One of: a `Figure` or a list of figures; an Arquero table, or a list of objects as rows; recorded runs,
 * shown as a table, loss curves, and heat maps of recorded probes; a result of `compare`, shown as a sentence, a table
 * and figures; a result of `train`, shown by {@linkcode livePlot}.
 * @param options Title, axis label and update interval of a live plot.
 * @throws {RangeError} For an unknown option.
 * @throws {TypeError} If the value is none of these.
 */
export async function show(value: Showable, options: LivePlotOptions = {}): Promise<void> {
  requirePlotOptions(options);
  if (isEvents(value)) {
    for await (const _ of livePlot(value, options)) { /* livePlot draws each event. */ }
  } else if (isFigure(value)) await display(figureBundle(value));
  else if (isComparison(value)) {
    console.log(value.sentence);
    await display(tableBundle(value.table()));
    await show(value.figures());
  } else if (isTable(value)) await display(tableBundle(value));
  else if (isRuns(value)) {
    await display(tableBundle(runTable(value).select(not(...HIDDEN))));
    await show([...lossFigures(value), ...probeFigures(value)]);
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
