/**
 * `report.html`: a self-contained page that makes no network requests. The file is derived from records and can be
 * deleted.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  type CulpritFinding,
  DEFAULT_TOLERANCE,
  gapGrids,
  gridSentences,
  missingGrids,
  pairRuns,
  plainText,
  summarize,
  type Summary,
} from "../../analysis/mod.ts";
import { distinctRuns, type LeftOutRun, type RecordedRun } from "../../record/mod.ts";
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
  viewForm,
} from "./_sections.ts";
import { packed } from "./_packed.ts";
import { pageData } from "./_page_data.ts";
import { progressOf, type ReportProgress } from "./progress.ts";
import { LONG, section } from "./_tables.ts";
import { culpritFigures, gridFigures } from "../comparison_figures.ts";
import { escapeHtml } from "../escape.ts";
import { facetsOf } from "../facets.ts";
import type { Figure } from "../figure.ts";
import { gapFigures, lossFigures, type SettingFigure } from "../figures.ts";
import { gapByAxisFigures, lossByAxisFigures } from "../by_axis.ts";
import { probeFigures } from "../probe_figures.ts";
import { trainingFigures } from "../training_figures.ts";
import { plotlySource } from "./plotly_source.ts";

/** Content of a report. */
export interface ReportContent {
  /** Name of the sweep. */
  readonly title: string;
  /** Runs to report on. */
  readonly runs: readonly RecordedRun[];
  /** Runs of the folder that the report excludes, because they are unreadable or have not started. Default: none. */
  readonly leftOut?: readonly LeftOutRun[];
  /** Smallest gap that matters, in nats per token. Default: 0.01. */
  readonly tolerance?: number;
  /** Summary of the runs with this tolerance. Default: computed from the runs. */
  readonly summary?: Summary;
  /** Culprits that `compare` found. Default: none. */
  readonly culprits?: readonly CulpritFinding[];
  /** Progress of the sweep's plan. Shown until all planned runs are finished. Default: none. */
  readonly progress?: ReportProgress | undefined;
  /** Floating-point operations per step, by run ID. Default: none; the page then offers no horizontal axis in FLOPs. */
  readonly flops?: ReadonlyMap<string, number>;
  /** Commands that reproduce the runs. */
  readonly reproduce: readonly string[];
  /**
   * Version of the records that the page shows. A page with a version is served, and subscribes to changes. Default:
   * none, for a static file.
   */
  readonly version?: string;
}

/** Heading of the section with gradient norms, learning rates, throughput and memory. */
export const TRAINING = "Training";

/** Maximum number of results in words that are shown without a click. */
const IN_SIGHT = 4;

/** Figures under one heading. */
export interface FigureSection {
  /** Heading. */
  readonly heading: string;
  /** Explanation of the figures in the section. */
  readonly note: string;
  /** Results as sentences, shown above the figures. Default: none. */
  readonly sentences?: readonly string[];
  /** True if the section always shows all runs, whatever filter is active. Default: false. */
  readonly isOfAll?: boolean;
  /** Figures. */
  readonly figures: readonly (Figure | SettingFigure)[];
}

/**
 * Returns the figures of a report by section. Counts a run that is given twice once. Omits sections that have neither
 * figures nor sentences.
 */
export function reportFigures(
  all: readonly RecordedRun[],
  tolerance: number = DEFAULT_TOLERANCE,
  culprits: readonly CulpritFinding[] = [],
): FigureSection[] {
  const runs = distinctRuns(all), grids = gapGrids(runs), hasPairs = pairRuns(runs).length > 0;
  return [
    {
      heading: "Does the gap grow?",
      note:
        "Mean gap over paired seeds by sequence length T and vocabulary V, with confidence intervals. An effect is not " +
        "significant if its interval contains 0.",
      isOfAll: true,
      sentences: [...grids.flatMap(gridSentences), ...missingGrids(runs)],
      figures: grids.flatMap(gridFigures),
    },
    {
      heading: "Culprit",
      note:
        "Share of a gap, or of the squared error or bias of a replayed step's gradient, when only one operation class in one " +
        "layer has the lower precision.",
      isOfAll: true,
      sentences: culprits.map(({ setting, sentence }) => `${setting}: ${sentence}`),
      figures: culprits.flatMap(culpritFigures),
    },
    hasPairs
      ? {
        heading: "Gap by axis",
        note:
          "Final validation loss in the lower precision minus float32's, with the same initial weights and batches.",
        figures: gapByAxisFigures(runs),
      }
      : {
        heading: "Final loss by axis",
        note: "Final validation loss of each run.",
        figures: lossByAxisFigures(runs),
      },
    {
      heading: "Loss",
      note: "Training and validation loss. Point at a curve to read all runs at that step.",
      figures: lossFigures(runs),
    },
    {
      heading: "Gap by step",
      note: "Training loss in the lower precision minus float32's, one curve per seed.",
      figures: gapFigures(runs, tolerance),
    },
    { heading: TRAINING, note: "Metrics of all runs over steps.", figures: trainingFigures(runs) },
    {
      heading: "Probes",
      note:
        "Metrics of probed steps by layer, of the first unperturbed run of each precision. Shares are of the values that a " +
        "format of less range than float32 rounds.",
      isOfAll: true,
      figures: probeFigures(runs),
    },
  ].filter(({ figures, sentences = [] }) => figures.length > 0 || sentences.length > 0);
}

/**
 * Renders a report as HTML. Names, messages and data of runs are escaped.
 *
 * The content security policy allows the page's two scripts by checksum, and forbids all other scripts. Even unescaped
 * text could therefore execute nothing. A served page may only connect to its own server.
 *
 * @returns The HTML of the page. Contains Plotly's source (2 MB) and the data (0.1 to 1 MB), both compressed.
 */
export async function renderReport(content: ReportContent): Promise<string> {
  const { tolerance = DEFAULT_TOLERANCE, flops = new Map(), version } = content;
  const runs = distinctRuns(content.runs);
  const summary = content.summary ?? summarize(runs, tolerance);
  const sections = reportFigures(runs, tolerance, content.culprits);
  const facets = facetsOf(runs);
  let next = 0;
  const drawn = sections.map(({ heading, note, figures, sentences = [], isOfAll }) => {
    const paragraphs = sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join("");
    const said = sentences.length <= IN_SIGHT
      ? paragraphs
      : `<details><summary>${sentences.length} results in words</summary>${paragraphs}</details>`;
    const figuresHtml = figures.map((figure) => place(figure, next++)).join("");
    return section(
      heading,
      note,
      `${said}<div class="legend"></div><div class="figures">${figuresHtml}</div>`,
      isOfAll,
    );
  });
  const plotly = await plotlySource();
  const figures = sections.flatMap(({ figures }) => figures);
  const data = pageData({ figures, runs, facets, results: summary.runs, flops });
  const title = escapeHtml(plainText(content.title));
  const live = version === undefined ? "" : ` data-version="${escapeHtml(version)}"`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor([plotly, SCRIPT], version !== undefined)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · losskit</title>
<style>${STYLE}</style>
</head>
<body${live}>
${version === undefined ? "" : '<p id="live" role="status"></p>'}
<main>
<h1>${title}</h1>
${progressOf(content.progress)}
${findings(summary)}
<noscript><p>The figures require JavaScript. ${withoutScript(runs.length)}</p></noscript>
${filters(facets, runs.length)}
<p id="hidden" role="group" aria-label="Hidden runs" hidden></p>
${viewForm(facets, flops.size > 0)}
<section id="run" hidden></section>
<section id="beside" hidden></section>
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
<script type="text/plain" id="data">${packed(JSON.stringify(data))}</script>
<script type="text/plain" id="plotly">${packed(plotly)}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** Says what a reader without JavaScript sees of the tables. */
function withoutScript(runs: number): string {
  return runs > LONG
    ? `Without it, the tables below have their first ${LONG} rows.`
    : "The tables below do not.";
}

/** Returns the content security policy. Allows inline styles, which Plotly requires. */
function policyFor(scripts: readonly string[], isServed: boolean): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return `default-src 'none'; script-src ${
    hashes.join(" ")
  }; style-src 'unsafe-inline'; img-src data: blob:; ` +
    `${isServed ? "connect-src 'self'; " : ""}base-uri 'none'; form-action 'none'`;
}
