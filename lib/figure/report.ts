/**
 * `report.html`: one file that opens offline and asks nobody for anything.
 *
 * @module
 */
import { formatCell, signed, summarize, type Summary, type Table } from "../analysis/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { escapeHtml, scriptJson } from "./escape.ts";
import { type Figure, gapByAxisFigures, gapFigures, lossFigures } from "./figures.ts";

/** What a report says. */
export interface ReportContent {
  /** The sweep's name. */
  readonly title: string;
  readonly runs: readonly RecordedRun[];
  /** The gap that counts as one, in nats. */
  readonly bound: number;
  /** Commands that make the same again. */
  readonly reproduce: readonly string[];
}

/** Nothing may be loaded from anywhere: what the page needs is in it. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; " +
  "base-uri 'none'; form-action 'none'";

/**
 * Makes the page.
 *
 * @returns The HTML, with Plotly's source inside.
 */
export async function renderReport(content: ReportContent): Promise<string> {
  const { runs, bound } = content;
  const summary = summarize(runs, bound);
  const sections: [string, string, Figure[]][] = [
    ["Loss", "Training loss by step; diamonds are validation losses.", lossFigures(runs)],
    [
      "Gap to float32",
      `Loss in the lower precision minus loss in float32, with the same initial weights and batches. Dotted: ±${bound} nats.`,
      gapFigures(runs, bound),
    ],
    [
      "Gap by axis",
      "Gap of the final validation loss: one point a pair, bars are means.",
      gapByAxisFigures(runs, bound),
    ],
  ];
  const shown = sections.filter(([, , figures]) => figures.length > 0);
  const figures = shown.flatMap(([, , list]) => list);
  let next = 0;
  const body = shown.map(([heading, note, list]) =>
    `<section><h2>${escapeHtml(heading)}</h2><p>${escapeHtml(note)}</p><div class="figures">${
      list.map((figure) =>
        `<div class="figure" id="figure-${next++}" role="img" aria-label="${label(figure)}"></div>`
      )
        .join("")
    }</div></section>`
  ).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(content.title)} · losskit</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(content.title)}</h1>
<p class="headline">${escapeHtml(summary.headline)}</p>
<noscript><p>Figures need JavaScript; the tables do not.</p></noscript>
${body}
${tables(summary)}
${environment(runs)}
<section><h2>Make it again</h2><pre>${content.reproduce.map(escapeHtml).join("\n")}</pre></section>
</main>
<script>${(await plotlySource()).replaceAll("</script", "<\\/script")}</script>
<script>
const figures = ${scriptJson(figures)};
${SCRIPT}
</script>
</body>
</html>
`;
}

function label(figure: Figure): string {
  return (figure.layout["title"] as { text: string }).text;
}

function tables({ runs, pairs, bound }: Summary): string {
  const pairNote =
    `Gaps in nats per token, lower precision minus float32. firstBeyond is the first step at which the ` +
    `training loss is more than ${bound} nats away.`;
  const pairPart = pairs.numRows() === 0
    ? ""
    : `<section><h2>Pairs</h2><p>${escapeHtml(pairNote)}</p>${
      htmlTable(pairs, new Set(["valGap", "finalGap", "meanGap", "largestGap"]))
    }</section>`;
  return `${pairPart}<section><h2>Runs</h2><p>Losses in nats per token; bits per byte are comparable across ` +
    `vocabularies.</p>${htmlTable(runs, new Set())}</section>`;
}

function htmlTable(table: Table, signedColumns: ReadonlySet<string>): string {
  const names = table.columnNames();
  const cell = (name: string, value: unknown) => {
    const text = signedColumns.has(name) && typeof value === "number" && Number.isFinite(value)
      ? signed(value)
      : formatCell(value);
    return `<td${typeof value === "number" ? ' class="number"' : ""}>${escapeHtml(text)}</td>`;
  };
  const rows = (table.objects() as Record<string, unknown>[]).map((row) =>
    `<tr>${names.map((name) => cell(name, row[name])).join("")}</tr>`
  );
  return `<div class="scroll" tabindex="0"><table><thead><tr>${
    names.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")
  }</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function environment(runs: readonly RecordedRun[]): string {
  const first = runs[0]?.manifest;
  if (first === undefined) return "";
  const rows = Object.entries({
    data: `${first.data.name} (SHA-256 ${first.data.sha256})`,
    ...first.environment,
  })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td>${
        escapeHtml(Array.isArray(value) ? value.join(" ") : String(value))
      }</td></tr>`
    );
  return `<section><h2>Environment</h2><div class="scroll" tabindex="0"><table><tbody>${
    rows.join("\n")
  }</tbody></table></div></section>`;
}

/** Plotly's bundle as it is in the npm package; it is read, not run. */
async function plotlySource(): Promise<string> {
  return await Deno.readTextFile(new URL(import.meta.resolve("plotly.js-dist/plotly.js")));
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --paper: #ffffff; --line: #d5d9de; --soft: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #15181b; --line: #3a4047; --soft: #1f2429; } }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 1180px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2rem 0 0.25rem; }
.headline { font-size: 1.1rem; padding: 0.75rem 1rem; background: var(--soft); border-left: 4px solid #0072B2; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 0.5rem; }
.figure { min-height: 360px; min-width: 0; }
.scroll { overflow-x: auto; } .scroll:focus-visible { outline: 2px solid #0072B2; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
td.number { text-align: right; } thead th { background: var(--soft); }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; }
@media print { .figure { break-inside: avoid; } }
`;

const SCRIPT = `
const dark = matchMedia("(prefers-color-scheme: dark)");
const colors = () => {
  const grid = dark.matches ? "#3a4047" : "#e2e6ea";
  return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    "font.color": dark.matches ? "#e6e9ec" : "#1c2024", "xaxis.gridcolor": grid, "yaxis.gridcolor": grid };
};
const config = { displaylogo: false, showSendToCloud: false, responsive: true, plotlyServerURL: "" };
figures.forEach(({ data, layout }, i) => {
  const place = document.getElementById("figure-" + i);
  Plotly.newPlot(place, data, layout, config).then(() => Plotly.relayout(place, colors()));
  dark.addEventListener("change", () => Plotly.relayout(place, colors()));
});
`;
