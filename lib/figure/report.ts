/**
 * `report.html`: one file that opens offline and asks nobody for anything. Derived from records; it can be deleted.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  columnLabel,
  DEFAULT_BOUND,
  formatCell,
  plainText,
  splitColumns,
  summarize,
  type Summary,
  type Table,
} from "../analysis/mod.ts";
import { canonicalJson, type RecordedRun } from "../record/mod.ts";
import { SCRIPT, STYLE } from "./_page.ts";
import { escapeHtml, scriptJson } from "./escape.ts";
import { type Figure, gapByAxisFigures, gapFigures, lossFigures } from "./figures.ts";
import { PLOTLY_VERSION, plotlySource } from "./plotly_source.ts";

/** What a report says. */
export interface ReportContent {
  /** The sweep's name. */
  readonly title: string;
  /** The runs to report on. */
  readonly runs: readonly RecordedRun[];
  /** The gap that counts as one, in nats per token (default {@linkcode DEFAULT_BOUND}). */
  readonly bound?: number;
  /** Commands that make the same again. */
  readonly reproduce: readonly string[];
}

/**
 * Makes the page. Names, messages and data of the runs are shown as text, whatever they hold.
 *
 * Its content security policy lets nothing be loaded and no script run but its own two, by their checksums; so text that
 * slipped through would do nothing either.
 *
 * @returns The HTML, with Plotly's source inside (4.8 MB).
 */
export async function renderReport(content: ReportContent): Promise<string> {
  const { runs, bound = DEFAULT_BOUND } = content;
  const summary = summarize(runs, bound);
  const sections = [
    {
      heading: "Gap by axis",
      note:
        "Final validation loss in the lower precision minus float32's, from the same initial weights on the " +
        "same batches: a mark a pair (its shape tells the seed), bars are means.",
      figures: gapByAxisFigures(runs),
    },
    {
      heading: "Loss",
      note:
        "Training loss by step, lower precision over float32; diamonds are validation losses, crosses are " +
        "places that are NaN or infinite.",
      figures: lossFigures(runs),
    },
    {
      heading: "Gap by step",
      note:
        `Training loss in the lower precision minus float32's; dotted lines, where in sight: ±${bound} nats.`,
      figures: gapFigures(runs, bound),
    },
  ].filter(({ figures }) => figures.length > 0);
  let next = 0;
  const drawn = sections.map(({ heading, note, figures }) =>
    section(
      heading,
      note,
      `<div class="figures">${figures.map((figure) => place(figure, next++)).join("")}</div>`,
    )
  );
  const scripts = [await plotlySource(), SCRIPT];
  // a page's titles wrap on a phone; Plotly's would run under its buttons
  const data = sections.flatMap(({ figures }) =>
    figures.map(({ data, layout: { title: _, ...layout } }) => ({ data, layout }))
  );
  const title = escapeHtml(plainText(content.title));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · losskit</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="headline">${escapeHtml(summary.headline)}</p>
<noscript><p>The figures need JavaScript; the tables below do not.</p></noscript>
${drawn.join("\n")}
${tables(summary)}
${failures(runs)}
${environments(runs)}
${
    section(
      "Make it again",
      "In losskit's folder:",
      `<pre tabindex="0">${content.reproduce.map(escapeHtml).join("\n")}</pre>`,
    )
  }
</main>
<script type="application/json" id="figures">${scriptJson(data)}</script>
${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
}

/** Inline styles stay allowed: Plotly draws with them. */
function policyFor(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return `default-src 'none'; script-src ${
    hashes.join(" ")
  }; style-src 'unsafe-inline'; img-src data: blob:; ` +
    "base-uri 'none'; form-action 'none'";
}

function section(heading: string, note: string, body: string): string {
  return `<section><h2>${escapeHtml(heading)}</h2><p class="note">${escapeHtml(note)}</p>${body}</section>`;
}

function place(figure: Figure, index: number): string {
  return `<figure><figcaption>${escapeHtml(plainText(figure.title))}</figcaption>` +
    `<div class="plot" id="figure-${index}"></div></figure>`;
}

function tables({ runs, pairs, bound }: Summary): string {
  const pairNote =
    "Gaps are the lower precision's loss minus float32's, in nats per token. First beyond: the first " +
    `step whose training loss is more than ${bound} nats away. Speed: tokens per second, float32 = 1.`;
  const runNote =
    "Losses in nats per token; bits per byte can be compared across vocabularies. Spikes: losses 5 " +
    "standard deviations above the 32 before them.";
  return [
    ...pairs.numRows() === 0 ? [] : [section("Pairs", pairNote, htmlTable(pairs, "Pairs"))],
    section("Runs", runNote, htmlTable(runs, "Runs")),
  ].join("\n");
}

function htmlTable(table: Table, label: string): string {
  const { shown: names, alike } = splitColumns(table);
  const rows = table.objects() as Record<string, unknown>[];
  const numeric = new Set(names.filter((name) => rows.some((row) => typeof row[name] === "number")));
  const style = (name: string) => numeric.has(name) ? ' class="number"' : "";
  const head = names.map((name) => `<th scope="col"${style(name)}>${escapeHtml(columnLabel(name))}</th>`);
  const body = rows.map((row) =>
    `<tr>${
      names.map((name) => `<td${style(name)}>${escapeHtml(formatCell(row[name], name))}</td>`).join("")
    }</tr>`
  );
  const same = alike.map(({ label, text }) => `${label} ${text}`).join(", ");
  return scrolling(
    label,
    `<table><thead><tr>${head.join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table>`,
  ) + (same === "" ? "" : `<p class="note">In every row: ${escapeHtml(same)}.</p>`);
}

/** Wide content scrolls on its own, by keyboard too. */
function scrolling(label: string, content: string): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}">${content}</div>`;
}

function failures(runs: readonly RecordedRun[]): string {
  const messages = runs.flatMap(({ manifest, events, status }) => {
    const last = events.at(-1);
    return status === "failed" && last?.event === "fail" ? [[manifest.runId, last.message] as const] : [];
  });
  if (messages.length === 0) return "";
  return section("Failures", "What the runs that failed ended with.", facts("Failures", messages));
}

/** The machines and programs of the runs: each one once. */
function environments(runs: readonly RecordedRun[]): string {
  const groups = Map.groupBy(
    runs,
    ({ manifest: { environment, data } }) => canonicalJson({ environment, data }),
  );
  return [...groups.values()].map((members, i) => {
    const { environment, data, libSha256 } = members[0]!.manifest;
    const rows = Object.entries({
      data: `${data.name}, SHA-256 ${data.sha256}`,
      "lib/": `SHA-256 ${libSha256}`,
      ...environment,
      plotly: PLOTLY_VERSION,
    }).filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(" ") : String(value)] as const);
    const heading = groups.size === 1 ? "Environment" : `Environment ${i + 1} of ${groups.size}`;
    const note = members.length === runs.length
      ? "Of all runs."
      : `Of ${members.map(({ manifest }) => manifest.runId).join(", ")}.`;
    return section(heading, note, facts(heading, rows));
  }).join("\n");
}

function facts(label: string, rows: readonly (readonly [string, string])[]): string {
  const body = rows.map(([name, value]) =>
    `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`
  );
  return scrolling(label, `<table class="machine"><tbody>${body.join("\n")}</tbody></table>`);
}
