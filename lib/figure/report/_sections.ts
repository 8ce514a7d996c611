/**
 * The parts of the report that are neither figures nor the page around them.
 *
 * @module
 */
import {
  BASELINE,
  comparePairs,
  count,
  pairGroups,
  pairRuns,
  plainText,
  type Summary,
  verdictOf,
} from "../../analysis/mod.ts";
import { canonicalJson, type LeftOutRun, type RecordedRun } from "../../record/mod.ts";
import { facts, runsTable, section } from "./_tables.ts";
import { escapeHtml, plotlyText } from "../escape.ts";
import { type Facet, metaOf } from "../facets.ts";
import type { Figure, PlotlyObject } from "../figure.ts";
import { PLOTLY_VERSION } from "./plotly_source.ts";

/** Most values of an axis that are boxes to tick; more of them are a list. */
const MAX_BOXES = 12;

/** The finding: how many settings came out how, each in a sentence, and what the numbers are. */
export function findings(runs: readonly RecordedRun[], summary: Summary): string {
  const judged = pairGroups(runs).map(({ setting, pairs, seeds }) => {
    const comparison = comparePairs(pairs, { seeds });
    return { setting, verdict: verdictOf(comparison), precision: plainText(comparison.precision.other) };
  });
  const numbers = `<p>${escapeHtml(summary.headline)}</p>`;
  if (judged.length === 0) return numbers;
  const headline = [...Map.groupBy(judged, ({ precision }) => precision)].map(([precision, members]) => {
    const kinds = [...Map.groupBy(members, ({ verdict }) => verdict.kind)]
      .map(([kind, { length }]) => members.length === 1 ? kind : `${kind} in ${length}`);
    return `${precision} against ${BASELINE}${
      members.length === 1 ? "" : `, in ${members.length} settings`
    }: ${kinds.join(", ")}.`;
  });
  const items = judged.map(({ setting, verdict, precision }) =>
    `<li class="${verdict.kind.split(" ")[0]}">${escapeHtml(verdict.sentence)}<small>${
      escapeHtml(`${precision} · ${setting}`)
    }</small></li>`
  );
  return `<p class="headline">${escapeHtml(headline.join(" "))}</p>${numbers}` +
    section(
      "Verdicts",
      "Of the final validation loss, from pairs of finished runs, with 95 % intervals. Each is for itself: without an " +
        "effect, 5 in 100 of them would say degraded or improved.",
      `<ul class="verdicts">${items.join("")}</ul>`,
    );
}

/** The form that filters the page; empty where runs differ in nothing. */
export function filters(facets: readonly Facet[], runs: number): string {
  if (facets.length === 0) return "";
  const groups = facets.map(({ key, label, values }) => {
    const name = escapeHtml(key);
    const choices = values.length <= MAX_BOXES
      ? values.map((value) =>
        `<label><input type="checkbox" name="${name}" value="${escapeHtml(plotlyText(value))}" checked>${
          escapeHtml(value)
        }</label>`
      ).join("")
      : `<select multiple size="4" aria-label="${escapeHtml(label)}">${
        values.map((value) =>
          `<option selected value="${escapeHtml(plotlyText(value))}">${escapeHtml(value)}</option>`
        )
          .join("")
      }</select>`;
    return `<fieldset data-axis="${name}"><legend>${escapeHtml(label)}</legend>${choices}</fieldset>`;
  });
  return `<form id="filters" aria-label="Filter by axis" autocomplete="off">${groups.join("")}` +
    `<button type="reset">Show all</button><output aria-live="polite">${runs} of ${runs} runs shown</output></form>`;
}

/** A figure's place, which a script fills, with what is said to those who do not see it. */
export function place(figure: Figure, index: number): string {
  const title = escapeHtml(plainText(figure.title));
  return `<figure><figcaption>${title}</figcaption><div class="plot" id="figure-${index}" tabindex="0" role="application" ` +
    `aria-roledescription="chart" aria-label="${title}. ${
      escapeHtml(describe(figure))
    } Arrow keys read its values."></div>` +
    `<p class="readout" role="status"></p></figure>`;
}

/** A figure in a sentence: how many curves and marks, and between which values. */
function describe({ data }: Figure): string {
  const lines = data.filter(({ mode }) => mode === "lines").length;
  const [low, high] = data.flatMap(({ y }) => (y ?? []) as (number | null)[])
    .reduce<[number, number]>(
      ([low, high], y) =>
        y === null || !Number.isFinite(y) ? [low, high] : [Math.min(low, y), Math.max(high, y)],
      [Infinity, -Infinity],
    );
  const what = lines > 0
    ? count(lines, "curve")
    : count((data[0] as PlotlyObject)?.["x"] === undefined ? 0 : data.length, "series");
  return low > high ? `${what}.` : `${what}, values from ${low.toPrecision(4)} to ${high.toPrecision(4)}.`;
}

/** Pairs and runs. */
export function tables(runs: readonly RecordedRun[], { runs: runRows, pairs, tolerance }: Summary): string {
  const metaFor = metaOf(runs);
  const pairNote =
    "Gaps are the lower precision's loss minus float32's, in nats per token. First beyond: the first " +
    `step whose training loss is more than ${tolerance} nats away. Speed: tokens per second, float32 = 1.`;
  const runNote =
    "Losses in nats per token; bits per byte can be compared across vocabularies. Spikes: losses 5 " +
    "standard deviations above the 32 before them. A heading sorts; a run's number lights it and its pair up in the figures.";
  const pairMetas = pairRuns(runs).map(({ other }) => metaFor(other));
  return [
    ...pairs.numRows() === 0
      ? []
      : [section("Pairs", pairNote, runsTable(pairs, { label: "Pairs", of: "pairs" }, pairMetas))],
    section("Runs", runNote, runsTable(runRows, { label: "Runs", of: "runs" }, runs.map(metaFor))),
  ].join("\n");
}

/** The runs that are left out of the report, each with its reason; nothing where there are none. */
export function leftOutRuns(leftOut: readonly LeftOutRun[]): string {
  if (leftOut.length === 0) return "";
  const items = leftOut.map(({ id, reason }) =>
    `<li>run ${escapeHtml(id)}: ${escapeHtml(plainText(reason))}</li>`
  );
  return section(
    "Left out",
    `The numbers above are without ${count(leftOut.length, "run")} of the folder.`,
    `<ul>${items.join("")}</ul>`,
  );
}

/** What the runs that failed ended with; empty where none did. */
export function failures(runs: readonly RecordedRun[]): string {
  const messages = runs.flatMap(({ manifest, events, status }) => {
    const last = events.at(-1);
    return status === "failed" && last?.event === "fail" ? [[manifest.runId, last.message] as const] : [];
  });
  if (messages.length === 0) return "";
  return section("Failures", "What the runs that failed ended with.", facts("Failures", messages));
}

/** The machines and programs of the runs: each one once. */
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
      ? "Of all runs."
      : `Of ${members.map(({ manifest }) => manifest.runId).join(", ")}.`;
    return section(heading, note, facts(heading, rows));
  }).join("\n");
}
