/**
 * Tables and figures in notebook cells, in every type that a front end may want: Plotly or SVG, HTML or text.
 *
 * The Deno kernel tells the front end that a cell is done before all of its output is sent, so that what comes last may be
 * lost: end a cell that shows something with `await settle()`.
 *
 * @module
 */
import { type ColumnTable, table } from "arquero";
import { columnLabel, formatCell, formatTable } from "../analysis/mod.ts";
import { escapeHtml, type Figure, figureSvg, type Json, roundedJson } from "../figure/mod.ts";
import { frontEnd } from "../progress/front_end.ts";
import { RUNNER_KEY } from "./job.ts";

/** How long the kernel takes at most to send what a cell printed, in milliseconds (measured with Deno 2.9.6). */
const DRAIN = 300;

/** Rows of a table that are shown. */
const MAX_ROWS = 50;

/** Significant digits of numbers in figures: more cannot be seen, and a notebook keeps them. */
const DIGITS = 5;

/** The ids of displays that there are. */
const shownIds = new Set<string>();

/** Shows data; with an id, in the place of what was shown under it before. */
async function display(data: Record<string, unknown>, id?: string): Promise<void> {
  const notebook = frontEnd();
  if (notebook === undefined) return console.log(data["text/plain"]);
  const isUpdate = id !== undefined && shownIds.has(id);
  if (id !== undefined) shownIds.add(id);
  await notebook.broadcast(isUpdate ? "update_display_data" : "display_data", {
    data,
    metadata: {},
    transient: id === undefined ? {} : { display_id: id },
  });
}

/** Waits until the kernel has sent what the cell showed. Elsewhere there is nothing to wait for. */
export async function settle(): Promise<void> {
  if (Symbol.for(RUNNER_KEY) in globalThis || frontEnd() === undefined) return;
  await new Promise((resolve) => setTimeout(resolve, DRAIN));
}

/**
 * Shows a table, of Arquero or of rows: HTML in a notebook, text elsewhere. Fractions have four decimals, unless the column
 * is one of losskit's own with others; of many rows the first 50 are shown, and the others counted.
 */
export async function showTable(rows: ColumnTable | readonly Record<string, unknown>[]): Promise<void> {
  const whole = Array.isArray(rows) ? tableOf(rows) : rows as ColumnTable;
  const shown = whole.slice(0, MAX_ROWS);
  const more = whole.numRows() - shown.numRows();
  const note = more > 0 ? `… and ${more} more rows` : "";
  await display({
    "text/html": htmlTable(shown) + (note === "" ? "" : `<p>${note}</p>`),
    "text/plain": [formatTable(shown), ...note === "" ? [] : [note]].join("\n"),
  });
}

/** Rows as a table with the columns of all of them. */
function tableOf(rows: readonly Record<string, unknown>[]): ColumnTable {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(names.map((name) => [name, rows.map((row) => row[name])]));
}

function htmlTable(shown: ColumnTable): string {
  const rows = shown.objects() as Record<string, unknown>[];
  const names = shown.columnNames();
  const side = new Map(
    names.map((name) => [name, rows.some((row) => typeof row[name] === "number") ? ' align="right"' : ""]),
  );
  const row = (tag: string, cell: (name: string) => string) =>
    `<tr>${names.map((name) => `<${tag}${side.get(name)}>${escapeHtml(cell(name))}</${tag}>`).join("")}</tr>`;
  return [
    "<table>",
    `<thead>${row("th", columnLabel)}</thead>`,
    "<tbody>",
    ...rows.map((values) => row("td", (name) => formatCell(values[name], name))),
    "</tbody>",
    "</table>",
  ].join("\n");
}

/**
 * Shows a figure: Plotly where the front end has it, SVG where it has not, and its curves in words for neither.
 *
 * @param options `id`: a later figure of the same id takes its place, wherever it was shown. A cell that is run again begins
 * with a new id, such as one with the time in it.
 */
export async function showFigure(figure: Figure, options: { readonly id?: string } = {}): Promise<void> {
  const { data, layout } = roundedJson({ data: figure.data, layout: figure.layout }, DIGITS);
  await display({
    "application/vnd.plotly.v1+json": {
      data,
      layout,
      config: { displaylogo: false, showSendToCloud: false },
    },
    "image/svg+xml": figureSvg(figure),
    "text/plain": describeFigure(figure),
  }, options.id);
}

/** A figure in words: its title, and of each curve its name, how many points it has and from where to where it goes. */
function describeFigure({ title, data }: Figure): string {
  const lines = data.filter(({ name, showlegend }) => typeof name === "string" && showlegend !== false).map(
    (trace) => {
      const y = (Array.isArray(trace["y"]) ? trace["y"] as Json[] : []).filter((value) =>
        typeof value === "number"
      );
      const ends = y.length === 0 ? "" : `, from ${formatCell(y[0])} to ${formatCell(y.at(-1))}`;
      return `  ${trace["name"]}: ${y.length} points${ends}`;
    },
  );
  return [`[figure: ${title}]`, ...lines].join("\n");
}
