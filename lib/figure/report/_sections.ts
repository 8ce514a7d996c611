/**
 * Sections of the report: verdicts, filters, figure placeholders, tables, failures and environments.
 *
 * @module
 */
import {
  BASELINE,
  count,
  pairRuns,
  plainText,
  precisionName,
  type Summary,
  verdictTable,
} from "../../analysis/mod.ts";
import {
  canonicalJson,
  describeNonFinite,
  type LeftOutRun,
  recordedNonFinite,
  type RecordedRun,
} from "../../record/mod.ts";
import { facts, fullTitle, runsTable, section, verdictsTable } from "./_tables.ts";
import { escapeHtml } from "../escape.ts";
import type { Facet } from "../facets.ts";
import type { Figure } from "../figure.ts";
import { defaultColor } from "./page/default_color.ts";
import { plotAttributes } from "./page/plot_place.ts";
import { PLOTLY_VERSION } from "./plotly_source.ts";
import { problemOf } from "./_problem.ts";

/** Maximum number of checkboxes of an axis. An axis with more values becomes a list. */
const MAX_BOXES = 12;

/** Maximum number of verdicts whose sentences are shown at once. */
const IN_WORDS = 3;

/**
 * Returns the first section: a headline with the number of settings per verdict, the main results in sentences, and one
 * verdict per setting.
 */
export function findings(summary: Summary): string {
  const judged = summary.comparisons.map(({ setting, comparison, verdict }) => ({
    ...{ setting, verdict },
    precision: comparison.precision.other,
  }));
  const sentences = [
    ...summary.warnings.map((warning) => `<p class="warning">${escapeHtml(warning)}</p>`),
    ...summary.paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
  ].join("");
  if (judged.length === 0) return sentences;
  const headline = [...Map.groupBy(judged, ({ precision }) => precision)].map(([precision, members]) => {
    const kinds = [...Map.groupBy(members, ({ verdict }) => verdict.kind)]
      .map(([kind, { length }]) => members.length === 1 ? kind : `${kind} in ${length}`);
    return `${plainText(precision)} against ${BASELINE}${
      members.length === 1 ? "" : `, in ${members.length} settings`
    }: ${kinds.join(", ")}.`;
  });
  const items = judged.map(({ setting, verdict, precision }) =>
    `<li class="${verdict.kind.split(" ")[0]}">${escapeHtml(verdict.sentence)}<small>${
      escapeHtml(`${plainText(precision)} · ${setting}`)
    }</small></li>`
  );
  const inWords = `<ul class="verdicts">${items.join("")}</ul>`;
  return `<p class="headline">${escapeHtml(headline.join(" "))}</p>${sentences}` +
    section(
      "Verdicts",
      "Final validation loss of pairs of finished runs, with 95 % confidence intervals. The probability of any false " +
        `degraded or improved is at most 5 % (Holm's correction over ${
          count(judged[0]!.verdict.comparisons, "comparison")
        }).`,
      items.length <= IN_WORDS
        ? inWords
        : verdictsTable(verdictTable(summary.comparisons), judged.map(({ verdict }) => verdict.kind)) +
          `<details><summary>The verdicts in words</summary>${inWords}</details>`,
      true,
    );
}

/** Returns the form with which a reader filters runs. Returns an empty string if runs differ in no axis. */
export function filters(facets: readonly Facet[], runs: number): string {
  if (facets.length === 0) return "";
  const groups = facets.map(({ key, label, values, textOf }) => {
    const name = escapeHtml(key);
    // The page's script finds values by their indices; browsers change line ends and spaces of values.
    const choices = values.length <= MAX_BOXES
      ? values.map((value, i) =>
        `<label${
          fullTitle(value, textOf(value))
        }><input type="checkbox" name="${name}" value="${i}" checked>${escapeHtml(textOf(value))}</label>`
      ).join("")
      : `<select multiple size="4" aria-label="${escapeHtml(label)}">${
        values.map((value, i) => `<option selected value="${i}">${escapeHtml(textOf(value))}</option>`)
          .join("")
      }</select>`;
    return `<fieldset data-axis="${name}"><legend>${escapeHtml(label)}</legend>${choices}</fieldset>`;
  });
  return `<form id="filters" aria-label="Filter by axis" autocomplete="off">${groups.join("")}` +
    `<button type="reset">Show all</button><output aria-live="polite">${runs} of ${runs} runs shown</output></form>` +
    '<p id="scope" class="note" hidden>Means and intervals are of the shown runs. Verdicts, key sentences, culprits, ' +
    "growth and noise floors are of all runs.</p>";
}

/**
 * Returns the form that changes the view of figures over steps. The form is hidden until the page's script shows it.
 */
export function viewForm(facets: readonly Facet[], hasFlops: boolean): string {
  const first = facets.find(({ key }) => key === defaultColor(facets));
  const units = ["step", "tokens", ...hasFlops ? ["FLOPs"] : [], "time"];
  const option = (value: string, label = value) =>
    `<option value="${escapeHtml(value)}">${escapeHtml(label)}</option>`;
  return '<form id="view" aria-label="View of the figures over steps" autocomplete="off" hidden>' +
    `<label>over <select name="x">${units.map((unit) => option(unit)).join("")}</select></label>` +
    '<label>smoothing <input type="range" name="smooth" min="0" max="0.99" step="0.01" value="0"></label>' +
    '<label><input type="checkbox" name="logX">log x</label>' +
    '<label><input type="checkbox" name="logY">log y</label>' +
    `<label>color by <select name="color">${
      option("", first?.label ?? "default") +
      facets.filter((facet) => facet !== first).map(({ key, label }) => option(key, label)).join("")
    }</select></label>` +
    '<label><input type="checkbox" name="band">mean and 95 % interval per color</label></form>';
}

/**
 * Returns the placeholder of a figure, with a description for screen readers. The page's script draws the figure there.
 */
export function place(figure: Figure, index: number): string {
  const attributes = Object.entries(plotAttributes(`figure-${index}`, figure))
    .map(([name, value]) => `${name}="${escapeHtml(value)}"`).join(" ");
  const how = figure.how === undefined ? "" : `<p class="how">${escapeHtml(figure.how)}</p>`;
  return `<figure><figcaption>${escapeHtml(figure.title)}</figcaption><div ${attributes}></div>` +
    `<p class="readout" role="status"></p>${how}</figure>`;
}

/** Returns the tables of pairs and runs. */
export function tables(runs: readonly RecordedRun[], { runs: runRows, pairs, tolerance }: Summary): string {
  const pairNote =
    `A gap is the lower precision's loss minus float32's, in nats per token. Val gap: final validation loss. Train gap: ` +
    `training loss of the last step. Mean and largest gap: training losses of all steps. First beyond: first step with a ` +
    `training-loss gap above ${tolerance} in absolute value. Speed: tokens per second relative to float32.`;
  const runNote =
    "Losses are in nats per token; bits per byte are comparable across vocabularies. Spikes: rises of more than 5 standard " +
    "deviations of a step's loss. Click a column heading to sort, a run's ID for its details, ☆ to pin it and − to hide it. " +
    "The list above the figures shows a hidden run again. " +
    "Two pinned runs appear side by side.";
  const idOf = ({ manifest }: RecordedRun) => manifest.runId;
  return [
    ...pairs.numRows() === 0 ? [] : [
      section(
        "Pairs",
        pairNote,
        runsTable(pairs, { label: "Pairs", of: "pairs" }, pairRuns(runs).map(({ other }) => idOf(other))),
      ),
    ],
    section("Runs", runNote, runsTable(runRows, { label: "Runs", of: "runs" }, runs.map(idOf))),
  ].join("\n");
}

/** Lists the runs that the report excludes, and the reasons. Returns an empty string if no run is excluded. */
export function leftOutRuns(leftOut: readonly LeftOutRun[]): string {
  if (leftOut.length === 0) return "";
  const items = leftOut.map(({ id, reason }) => `<li>run ${escapeHtml(id)}: ${escapeHtml(reason)}</li>`);
  return section(
    "Excluded runs",
    `The results above exclude ${count(leftOut.length, "run")} of the folder.`,
    `<ul>${items.join("")}</ul>`,
  );
}

/** Lists the error messages of failed runs. Returns an empty string if no run failed. */
export function failures(runs: readonly RecordedRun[]): string {
  const messages = runs.flatMap((run) => {
    const message = problemOf(run);
    return message === undefined ? [] : [[run.manifest.runId, message] as const];
  });
  if (messages.length === 0) return "";
  return section("Failures", "Error message of each failed run.", facts("Failures", messages));
}

/** Describes the first non-finite number of each run that recorded one. Returns an empty string if no run did. */
export function nonFiniteNumbers(runs: readonly RecordedRun[]): string {
  const found = runs.flatMap((run) => {
    const { runId, spec } = run.manifest, event = recordedNonFinite(run);
    const name = `${runId}: ${plainText(precisionName(spec))}, seed ${spec.seed}`;
    return event === undefined ? [] : [[name, describeNonFinite(event)] as const];
  });
  if (found.length === 0) return "";
  const note =
    "First op of each run whose result is NaN or infinite although its inputs are finite, found by a " +
    "replay of the step.";
  return section("Non-finite numbers", note, facts("Non-finite numbers", found));
}

/** Returns one table per distinct environment (machine, software, data), with the IDs of its runs. */
export function environments(runs: readonly RecordedRun[]): string {
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
      ? "Used by all runs."
      : `Used by runs ${members.map(({ manifest }) => manifest.runId).join(", ")}.`;
    return section(heading, note, facts(heading, rows));
  }).join("\n");
}
