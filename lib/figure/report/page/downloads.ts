/**
 * Saves figures as SVG, PNG and CSV, and tables as CSV.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { fitted } from "./fitted.ts";
import { plain } from "./readout.ts";
import type { PlotlyLibrary } from "./plot_types.ts";
import type { Layout, Trace } from "./types.ts";

declare const Plotly: PlotlyLibrary;

/** Size of a saved figure in pixels. PNGs have twice as many. */
const SIZE = { width: 900, height: 480 };

/** Sizes of text in pixels, and the room beside the title and beside the label of a legend entry. */
const TITLE = { size: 15, beside: 40 }, LABEL = { size: 12, beside: 60 };

/** Returns a text for Plotly that fits the figure. Plotly interprets tags and entities in labels. */
function label(text: string, { size, beside }: { size: number; beside: number }): string {
  return fitted(text, size, SIZE.width - beside)
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Returns rows as CSV (RFC 4180). */
function csvOf(rows: readonly (readonly (string | number | null | undefined)[])[]): string {
  const cell = (value: string | number | null | undefined): string => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join()}\r\n`).join("");
}

function save(name: string, extension: string, url: string): void {
  const file = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "").slice(0, 80);
  Object.assign(document.createElement("a"), { href: url, download: `${file || "table"}.${extension}` })
    .click();
}

function saveText(name: string, extension: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  save(name, extension, url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Saves a figure as it is shown. Images have a white background, also in dark mode. */
export async function saveFigure(
  title: string,
  format: "svg" | "png" | "csv",
  { traces, layout, xTitle }: { traces: readonly Trace[]; layout: Layout; xTitle: string },
): Promise<void> {
  if (format === "csv") {
    const rows = traces.filter(({ x }) => x !== undefined)
      .flatMap(({ name, x, y, meta }) => x.map((at, i) => [meta?.run ?? meta?.points?.[i], name, at, y[i]]));
    saveText(title, "csv", csvOf([["run", "name", xTitle, "y"], ...rows]));
    return;
  }
  const figure = {
    data: traces.map((trace) => ({
      ...trace,
      ...trace.name !== undefined && { name: label(plain(trace.name), LABEL) },
    })),
    layout: {
      ...layout,
      title: { text: label(title, TITLE), font: { size: TITLE.size } },
      margin: { ...layout.margin, t: 44 },
      showlegend: traces.length > 1,
      paper_bgcolor: "#ffffff",
    },
    config: {},
  };
  save(title, format, await Plotly.toImage(figure, { format, ...SIZE, ...format === "png" && { scale: 2 } }));
}

/** Saves the shown rows of a table. Shortened text is saved whole. */
export function saveTable(name: string, table: HTMLTableElement): void {
  const rows = [...table.rows].filter((row) => !row.hidden)
    .map((row) =>
      [...row.cells].filter((cell) => !cell.matches(".acts, thead td"))
        .map((cell) => cell.title === "" ? cell.textContent : cell.title)
    );
  saveText(name, "csv", csvOf(rows));
}
