/**
 * Tables and figures in notebook cells.
 *
 * The Deno kernel tells the front end that a cell is done before all of its output is sent, so a headless runner may
 * lose what came last: end a cell that prints with `await settle()`.
 *
 * @module
 */
import { escapeHtml, type Figure } from "../figure/mod.ts";

/** How long the kernel takes at most to send what a cell printed, in milliseconds (measured with Deno 2.9.6). */
const DRAIN = 300;

/** The kernel's part of Deno, there only inside a notebook. */
type Jupyter = { broadcast(type: string, content: Record<string, unknown>): Promise<void> };

/** A representation of one thing by MIME type. */
type Bundle = Record<string, unknown>;

async function display(bundle: Bundle): Promise<void> {
  const jupyter = (Deno as unknown as { jupyter?: Jupyter }).jupyter;
  try {
    if (jupyter !== undefined) {
      return await jupyter.broadcast("display_data", { data: bundle, metadata: {}, transient: {} });
    }
  } catch {
    // Outside of a kernel the functions are there and throw: text serves.
  }
  console.log(bundle["text/plain"]);
}

/** Waits until the kernel has sent what the cell printed. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, DRAIN));
}

/** Shows rows as a table: HTML in a notebook, text elsewhere. Columns are those of the first row. */
export async function showTable(rows: readonly Record<string, unknown>[]): Promise<void> {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => names.map((name) => String(row[name] ?? "")));
  const tr = (tag: string, values: string[]) =>
    `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join("")}</tr>`;
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]!.length)));
  const line = (values: string[]) => values.map((value, i) => value.padEnd(widths[i]!)).join("  ").trimEnd();
  await display({
    "text/html": `<table><thead>${tr("th", names)}</thead><tbody>${
      cells.map((row) => tr("td", row)).join("")
    }</tbody></table>`,
    "text/plain": [names, ...cells].map(line).join("\n"),
  });
}

/** Shows a figure: Plotly where the front end has it, its title as text elsewhere. */
export async function showFigure(figure: Figure): Promise<void> {
  const title = (figure.layout["title"] as { text?: string } | undefined)?.text ?? "figure";
  await display({
    "application/vnd.plotly.v1+json": { ...figure, config: { displaylogo: false, showSendToCloud: false } },
    "text/plain": `[figure: ${title}]`,
  });
}
