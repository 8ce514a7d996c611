/**
 * `report.html`: a self-contained page that makes no network requests. It is derived from records and can be deleted.
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
import {
  environments,
  failures,
  filters,
  findings,
  leftOutRuns,
  nonFiniteNumbers,
  place,
  tables,
} from "./_sections.ts";
import { section } from "./_tables.ts";
import { culpritFigures, gridFigures } from "../comparison_figures.ts";
import { escapeHtml, scriptJson } from "../escape.ts";
import { facetsOf } from "../facets.ts";
import type { Figure } from "../figure.ts";
import { gapFigures, lossFigures, type SettingFigure } from "../figures.ts";
import { gapByAxisFigures } from "../gap_by_axis.ts";
import { probeFigures } from "../probe_figures.ts";
import { plotlySource } from "./plotly_source.ts";

/** Content of a report. */
export interface ReportContent {
  /** Name of the sweep. */
  readonly title: string;
  /** Runs to report on. */
  readonly runs: readonly RecordedRun[];
  /** Runs of the folder that are unreadable or not yet started. Default: none. */
  readonly leftOut?: readonly LeftOutRun[];
  /** Smallest gap that matters, in nats per token (default {@linkcode DEFAULT_TOLERANCE}). */
  readonly tolerance?: number;
  /** Culprits that `compare` found. Default: none. */
  readonly culprits?: readonly CulpritFinding[];
  /** Commands that reproduce the runs. */
  readonly reproduce: readonly string[];
  /** Version of the runs' state. A page with a version is served and subscribes to changes. Default: a static file. */
  readonly version?: string;
}

/** Figures under one heading. */
export interface FigureSection {
  /** Heading. */
  readonly heading: string;
  /** Note on what the figures show. */
  readonly note: string;
  /** Results in words, shown above the figures. Default: none. */
  readonly sentences?: readonly string[];
  /** Figures. */
  readonly figures: readonly (Figure | SettingFigure)[];
}

/** Returns the figures of a report by section. Omits sections without figures and sentences. */
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
        "Mean gap over paired seeds by sequence length T and vocabulary V, with confidence intervals. An effect is not " +
        "significant if its interval contains 0.",
      sentences: grids.flatMap(gridSentences),
      figures: grids.flatMap(gridFigures),
    },
    {
      heading: "Culprit",
      note:
        "Share of a gap, or of the squared error or bias of a replayed step's gradient, when only one operation class in one " +
        "layer has the lower precision.",
      sentences: culprits.map(({ setting, sentence }) => `${setting}: ${sentence}`),
      figures: culprits.flatMap(culpritFigures),
    },
    {
      heading: "Gap by axis",
      note:
        "Final validation loss in the lower precision minus float32's, with the same initial weights and batches. Marks " +
        "are pairs; their shape shows the seed. Bars are means over seeds with 95 % confidence intervals.",
      figures: gapByAxisFigures(runs),
    },
    {
      heading: "Loss",
      note:
        "Training loss over steps; the lower precision is drawn on top of float32. Diamonds are validation losses, crosses " +
        "are NaN or infinite losses. Point at a curve to highlight its pair.",
      figures: lossFigures(runs),
    },
    {
      heading: "Gap by step",
      note:
        `Training loss in the lower precision minus float32's, one curve per seed. Gray: mean of finished pairs with its ` +
        `95 % confidence interval. Dashed: noise floor of perturbed float32 runs. Dotted: tolerance of ±${tolerance} nats per token, if in range.`,
      figures: gapFigures(runs, tolerance),
    },
    {
      heading: "Probes",
      note:
        "Metrics of probed steps by layer, of the first run of each precision. Shares are of the values that a format of less " +
        "range than float32 rounds: saturated are those beyond its largest number, in the last bin those rounded to it. " +
        "Coherence: 1 for independent gradient errors; errors above it do not average out. Residual stream and attention " +
        "logits: largest magnitude and value. The loss scale halves at skipped steps.",
      figures: probeFigures(runs),
    },
  ].filter(({ figures, sentences = [] }) => figures.length > 0 || sentences.length > 0);
}

/**
 * Renders the report. Names, messages and data of runs are escaped.
 *
 * The content security policy allows the page's two scripts by checksum and forbids everything else, so that unescaped text
 * would have no effect either. A served page may connect to its own server only.
 *
 * @returns HTML with Plotly's source embedded (4.8 MB).
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
  // The page shows titles itself: they wrap on narrow screens, Plotly's titles do not.
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
<noscript><p>The figures require JavaScript. The tables below do not.</p></noscript>
${filters(facetsOf(runs), runs.length)}
${drawn.join("\n")}
${tables(runs, summary)}
${leftOutRuns(content.leftOut ?? [])}
${nonFiniteNumbers(runs)}
${failures(runs)}
${environments(runs)}
${
    section(
      "Reproduce",
      "Run these commands in the losskit folder.",
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

/** Returns the number of columns if figures form a full grid (columns: T, rows: tokenizers), else undefined. */
function columnsOf(figures: readonly (Figure | SettingFigure)[]): number | undefined {
  const settings = figures.filter((figure): figure is SettingFigure => "T" in figure);
  const columns = new Set(settings.map(({ T }) => T)).size;
  const rows = new Set(settings.map(({ tokenizer }) => tokenizer)).size;
  return settings.length > 1 && settings.length === columns * rows && columns <= 4 ? columns : undefined;
}

/** Returns the content security policy. Allows inline styles, which Plotly requires. */
function policyFor(scripts: readonly string[], isServed: boolean): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return `default-src 'none'; script-src ${
    hashes.join(" ")
  }; style-src 'unsafe-inline'; img-src data: blob:; ` +
    `${isServed ? "connect-src 'self'; " : ""}base-uri 'none'; form-action 'none'`;
}
