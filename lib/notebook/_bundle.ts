/**
 * Conversion of tables and figures to MIME bundles: data by MIME type. A front end shows the richest type that it
 * supports.
 *
 * @module
 */
import { type ColumnTable, table } from "../analysis/arquero.ts";
import { columnLabel, formatCell, formatTable } from "../analysis/mod.ts";
import { escapeHtml, type Figure, figureSvg, type Json, roundedJson } from "../figure/mod.ts";

/** Data to display, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** Maximum number of table rows shown. */
const MAX_ROWS = 50;

/** Significant digits of numbers in figures. More digits are not visible and enlarge the notebook file. */
const DIGITS = 5;

/** Returns the MIME bundle of a table: HTML and text. Shows at most 50 rows. */
export function tableBundle(whole: ColumnTable): Bundle {
  const shown = whole.slice(0, MAX_ROWS);
  const more = whole.numRows() - shown.numRows();
  const note = more > 0 ? `… and ${more} more rows` : "";
  return {
    "text/html": htmlTable(shown) + (note === "" ? "" : `<p>${note}</p>`),
    "text/plain": [formatTable(shown), ...note === "" ? [] : [note]].join("\n"),
  };
}

/** Converts rows to a table. The columns are the keys that occur in any row. */
export function tableOf(rows: readonly Record<string, unknown>[]): ColumnTable {
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

/** Returns the MIME bundle of a figure: Plotly JSON, SVG and text. */
export function figureBundle(figure: Figure): Bundle {
  const { data, layout } = roundedJson({ data: figure.data, layout: figure.layout }, DIGITS);
  return {
    "application/vnd.plotly.v1+json": {
      data,
      layout,
      config: { displaylogo: false, showSendToCloud: false },
    },
    ...svgBundle(figure),
  };
}

/**
 * Returns the MIME bundle of a figure without Plotly JSON: SVG and text. Used for figures that are redrawn, because
 * Plotly's renderer in JupyterLab ignores updates.
 */
export function svgBundle(figure: Figure): Bundle {
  return { "image/svg+xml": figureSvg(figure), "text/plain": describeFigure(figure) };
}

/** Formats a value of a figure: as in a table, or with three digits if a table would show 0. */
function inFigure(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : formatCell(value);
}

/** Describes a figure as text: its title, and the name, number of points, first and last value of each curve. */
function describeFigure({ title, data }: Figure): string {
  const lines = data.filter(({ name, showlegend }) => typeof name === "string" && showlegend !== false).map(
    (trace) => {
      const y = (Array.isArray(trace["y"]) ? trace["y"] as Json[] : []).filter((value): value is number =>
        typeof value === "number"
      );
      const ends = y.length === 0
        ? ""
        : y.length === 1
        ? `: ${inFigure(y[0]!)}`
        : `, first ${inFigure(y[0]!)}, last ${inFigure(y.at(-1)!)}`;
      return `  ${trace["name"]}: ${y.length} point${y.length === 1 ? "" : "s"}${ends}`;
    },
  );
  return [`[figure: ${title}]`, ...lines].join("\n");
}
