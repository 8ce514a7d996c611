/**
 * Data of the report's page: figures, and the data of each run by which the page filters, scales axes and compares.
 *
 * @module
 */
import {
  columnLabel,
  DEFAULT_LEVEL,
  formatCell,
  isBaseline,
  type Table,
  tQuantile,
} from "../../analysis/mod.ts";
import { canonicalJson, type RecordedRun, seriesOf } from "../../record/mod.ts";
import { problemOf } from "./_problem.ts";
import { type Facet, pairKey } from "../facets.ts";
import type { Figure, PlotlyObject } from "../figure.ts";
import type { PageData, PageFigure, PageRun } from "./page/types.ts";

/** Maximum number of points of a run's clock, and of all clocks. The page interpolates between points. */
const CLOCK = 40, CLOCKS = 20_000;

/** Maximum number of runs with a quantile of their own. Quantiles of more runs hardly differ. */
const MOST_QUANTILES = 200;

/** Returns the data that a report's page embeds. */
export function pageData(
  { figures, runs, facets, results, flops }: {
    figures: readonly Figure[];
    runs: readonly RecordedRun[];
    /** Axes in which the runs differ. */
    facets: readonly Facet[];
    /** Table with one row per run, see `runTable`. */
    results: Table;
    /** Floating-point operations per step, by run ID. */
    flops: ReadonlyMap<string, number>;
  },
): PageData {
  const rows = results.objects() as Record<string, unknown>[];
  const fields = runs.map(fieldsOf);
  const common = commonFields(fields);
  const points = Math.min(CLOCK, Math.ceil(CLOCKS / runs.length));
  return {
    figures: figures.map(pageFigure),
    facets: facets.map(({ key, label, values, textOf }) => ({
      ...{ key, label },
      values: values.map((value) => ({ value, text: textOf(value) })),
    })),
    common,
    quantiles: Array.from(
      { length: Math.min(runs.length, MOST_QUANTILES) + 1 },
      (_, n) => n < 2 ? 0 : Number(tQuantile((1 + DEFAULT_LEVEL) / 2, n - 1).toPrecision(10)),
    ),
    runs: Object.fromEntries(runs.map((run, i) => [run.manifest.runId, {
      pair: pairKey(run),
      isBase: isBaseline(run.manifest.spec),
      facets: Object.fromEntries(facets.map(({ key, values, valueOf, valuesOf }) => [
        key,
        (valuesOf?.(run) ?? [valueOf(run)]).map((value) => values.indexOf(value)),
      ])),
      fields: Object.fromEntries(Object.entries(fields[i]!).filter(([name]) => !(name in common))),
      results: Object.fromEntries(
        Object.entries(rows[i]!).filter(([name]) => RESULTS.includes(name))
          .map(([name, value]) => [columnLabel(name), formatCell(value, name)]),
      ),
      ...run.note !== undefined && run.note.text !== "" && { note: run.note.text },
      ...failureOf(run),
      ...scalesOf(run, { flops: flops.get(run.manifest.runId), points }),
    }])),
  };
}

/** Columns of the table of runs that are results. */
const RESULTS = [
  "status",
  "valLoss",
  "bestValLoss",
  "bitsPerByte",
  "tokensPerSecond",
  "peakBytes",
  "spikes",
  "nonFinite",
];

function pageFigure({ title, how, howOfRuns = how, data, layout }: Figure): PageFigure {
  // The page shows titles itself: they wrap on narrow screens, Plotly's titles do not.
  const { title: _, ...rest } = layout;
  const isSteps = (layout["xaxis"] as { title?: { text?: string } } | undefined)?.title?.text === "step" &&
    data.some(({ type }) => type === "scatter");
  // The page's legends do not need groups.
  const embedded = data.map(({ legendgroup: _, ...trace }) => isSteps ? withDistances(trace) : trace);
  return {
    title,
    isSteps,
    data: embedded,
    layout: rest,
    ...isSteps && { how: howOfRuns },
  } as unknown as PageFigure;
}

/** Returns a trace over steps with the distances between its places, which are shorter than the places. */
function withDistances(trace: PlotlyObject): PlotlyObject {
  const places = trace["x"] as readonly number[];
  return { ...trace, x: places.map((place, i) => i === 0 ? place : place - places[i - 1]!) };
}

/** Returns the fields of a run as text: its spec, and its text, code, device and software. */
function fieldsOf({ manifest: { spec, data, libSha256, environment } }: RecordedRun): Record<string, string> {
  const { device, cpuModel, tensorflowVersion, rounding, onednn } = environment;
  const entries = Object.entries({
    ...spec,
    "text SHA-256": data.sha256,
    "code SHA-256": libSha256,
    ...{ device, cpuModel, tensorflowVersion, rounding, onednn },
  }) as [string, unknown][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? value : canonicalJson(rounded(value))]),
  );
}

/** Rounds numbers that are not integers to 12 digits: a derived rate of 0.1 × 0.003 is 0.00030000000000000003. */
function rounded(value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value)
    ? Number(value.toPrecision(12))
    : value ?? null;
}

function commonFields(fields: readonly Record<string, string>[]): Record<string, string> {
  const [first = {}, ...others] = fields;
  return Object.fromEntries(
    Object.entries(first).filter(([name, text]) => others.every((other) => other[name] === text)),
  );
}

function failureOf(run: RecordedRun): Pick<PageRun, "problem"> {
  const problem = problemOf(run);
  return problem === undefined ? {} : { problem };
}

/** Returns a run's units of a step: tokens, operations if known, and training time at some points. */
function scalesOf(
  run: RecordedRun,
  { flops, points }: { flops: number | undefined; points: number },
): Pick<PageRun, "tokens" | "flops" | "clock"> {
  const { spec: { B, T } } = run.manifest, { step, tokensPerSecond } = seriesOf(run).steps;
  const tokens = B * T, every = Math.max(1, Math.ceil(step.length / points));
  const clock: { step: number[]; seconds: number[] } = { step: [0], seconds: [0] };
  let seconds = 0;
  for (let i = 0; i < step.length; i++) {
    if (tokensPerSecond[i]! > 0) seconds += tokens / tokensPerSecond[i]!;
    if ((i + 1) % every > 0 && i + 1 < step.length) continue;
    clock.step.push(step[i]!);
    clock.seconds.push(Number(seconds.toPrecision(5)));
  }
  return { tokens, ...flops !== undefined && { flops }, clock };
}
