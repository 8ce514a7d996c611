/**
 * `report.html`: one file that opens offline and asks nobody for anything. Derived from records; it can be deleted.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  type CulpritFinding,
  DEFAULT_TOLERANCE,
  gapGrids,
  gridSentences,
  plainText,
  summarize,
} from "../../analysis/mod.ts";
import type { LeftOutRun, RecordedRun } from "../../record/mod.ts";
import { SCRIPT } from "./_page_script.ts";
import { STYLE } from "./_page_style.ts";
import { environments, failures, filters, findings, leftOutRuns, place, tables } from "./_sections.ts";
import { section } from "./_tables.ts";
import { culpritFigures, gridFigures } from "../comparison_figures.ts";
import { escapeHtml, scriptJson } from "../escape.ts";
import { facetsOf } from "../facets.ts";
import type { Figure } from "../figure.ts";
import { gapFigures, lossFigures, type SettingFigure } from "../figures.ts";
import { gapByAxisFigures } from "../gap_by_axis.ts";
import { plotlySource } from "./plotly_source.ts";

/** What a report says. */
export interface ReportContent {
  /** The sweep's name. */
  readonly title: string;
  /** The runs to report on. */
  readonly runs: readonly RecordedRun[];
  /** Runs of the folder that could not be read, or have not begun. Default: none. */
  readonly leftOut?: readonly LeftOutRun[];
  /** The smallest gap that matters, in nats per token (default {@linkcode DEFAULT_TOLERANCE}). */
  readonly tolerance?: number;
  /** Culprits that `compare` found. Default: none. */
  readonly culprits?: readonly CulpritFinding[];
  /** Commands that make the same again. */
  readonly reproduce: readonly string[];
  /**
   * What tells this state of the runs from others, for a page that is served: it asks its server for changes. Default: a
   * file, which asks nobody for anything.
   */
  readonly version?: string;
}

/** Figures under one heading. */
export interface FigureSection {
  /** The heading. */
  readonly heading: string;
  /** What the figures show, in a sentence. */
  readonly note: string;
  /** What they come to, above them. Default: nothing is said. */
  readonly sentences?: readonly string[];
  /** The figures. */
  readonly figures: readonly (Figure | SettingFigure)[];
}

/** The figures of a report by section; sections without any are not among them. */
export function reportFigures(
  runs: readonly RecordedRun[],
  tolerance: number = DEFAULT_TOLERANCE,
  culprits: readonly CulpritFinding[] = [],
): FigureSection[] {
  const grids = gapGrids(runs);
  return [
    {
      heading: "Does the gap grow?",
      note:
        "With sequence length T and vocabulary V: means over paired seeds, each with an interval. An effect whose " +
        "interval holds 0 cannot be told from none.",
      sentences: grids.flatMap(gridSentences),
      figures: grids.flatMap(gridFigures),
    },
    {
      heading: "Culprit",
      note:
        "What each class of operations in each layer makes of it when it alone is in the lower precision.",
      sentences: culprits.map(({ setting, sentence }) => `${setting}: ${sentence}`),
      figures: culprits.flatMap(culpritFigures),
    },
    {
      heading: "Gap by axis",
      note:
        "Final validation loss in the lower precision minus float32's, from the same initial weights on the " +
        "same batches: a mark a pair (its shape tells the seed), bars are means over all seeds with their 95 % intervals.",
      figures: gapByAxisFigures(runs),
    },
    {
      heading: "Loss",
      note:
        "Training loss by step, lower precision over float32; diamonds are validation losses, crosses are " +
        "places that are NaN or infinite. Point at a curve to see the run that it is paired with.",
      figures: lossFigures(runs),
    },
    {
      heading: "Gap by step",
      note:
        `Training loss in the lower precision minus float32's, seed by seed; grey: the mean of finished pairs with its ` +
        `95 % interval, dashed: what seeds alone stay within, dotted, where in sight: ±${tolerance} nats.`,
      figures: gapFigures(runs, tolerance),
    },
  ].filter(({ figures, sentences = [] }) => figures.length > 0 || sentences.length > 0);
}

/**
 * Makes the page. Names, messages and data of the runs are shown as text, whatever they hold.
 *
 * Its content security policy lets nothing be loaded and no script run but its own two, by their checksums; so text that
 * slipped through would do nothing either. A served page may ask its own server, and nobody else.
 *
 * @returns The HTML, with Plotly's source inside (4.8 MB).
 */
export async function renderReport(content: ReportContent): Promise<string> {
  const { runs, tolerance = DEFAULT_TOLERANCE, version } = content;
  const summary = summarize(runs, tolerance);
  const sections = reportFigures(runs, tolerance, content.culprits);
  let next = 0;
  const drawn = sections.map(({ heading, note, figures, sentences = [] }) => {
    const columns = columnsOf(figures);
    const open = columns === undefined
      ? `<div class="figures">`
      : `<div class="figures grid" style="--columns: ${columns}">`;
    const said = sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join("");
    return section(
      heading,
      note,
      `${said}${open}${figures.map((figure) => place(figure, next++)).join("")}</div>`,
    );
  });
  const scripts = [await plotlySource(), SCRIPT];
  // a page's titles wrap on a phone; Plotly's would run under its buttons
  const data = sections.flatMap(({ figures }) =>
    figures.map(({ data, layout: { title: _, ...layout } }) => ({ data, layout }))
  );
  const title = escapeHtml(plainText(content.title));
  const live = version === undefined ? "" : ` data-version="${escapeHtml(version)}"`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor(scripts, version !== undefined)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · losskit</title>
<style>${STYLE}</style>
</head>
<body${live}>
${version === undefined ? "" : '<p id="live" role="status"></p>'}
<main>
<h1>${title}</h1>
${findings(runs, summary)}
<noscript><p>The figures need JavaScript; the tables below do not.</p></noscript>
${filters(facetsOf(runs), runs.length)}
${drawn.join("\n")}
${tables(runs, summary)}
${leftOutRuns(content.leftOut ?? [])}
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

/** Small multiples: a column a sequence length, a row a vocabulary. Undefined where figures are no such grid. */
function columnsOf(figures: readonly (Figure | SettingFigure)[]): number | undefined {
  const settings = figures.filter((figure): figure is SettingFigure => "T" in figure);
  const columns = new Set(settings.map(({ T }) => T)).size;
  const rows = new Set(settings.map(({ tokenizer }) => tokenizer)).size;
  return settings.length > 1 && settings.length === columns * rows && columns <= 4 ? columns : undefined;
}

/** Inline styles stay allowed: Plotly draws with them. */
function policyFor(scripts: readonly string[], isServed: boolean): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return `default-src 'none'; script-src ${
    hashes.join(" ")
  }; style-src 'unsafe-inline'; img-src data: blob:; ` +
    `${isServed ? "connect-src 'self'; " : ""}base-uri 'none'; form-action 'none'`;
}
