/**
 * Figures of training over steps: gradient norm, learning rate, loss scale, throughput and memory of all runs.
 *
 * @module
 */
import { isBaseline, precisionName } from "../analysis/mod.ts";
import { type RecordedRun, type RunSeries, seriesOf, type StepSeries } from "../record/mod.ts";
import {
  BASE_COLOR,
  blocksIn,
  COLORS,
  curve,
  DASHES,
  digitsFor,
  finiteOnly,
  layoutOf,
  pick,
  pointsFor,
  type Series,
  thinnedNote,
  valuesOf,
} from "./_traces.ts";
import { plotlyText } from "./escape.ts";
import { metaOf, runNamer } from "./facets.ts";
import type { Figure, PlotlyObject } from "./figure.ts";

/** A metric over steps. */
interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly how: string;
  readonly log?: true;
  /** True if the axis begins at 0. Otherwise, Plotly draws a constant near 0 at 0. */
  readonly fromZero?: true;
  /** Returns the metric's curve of a run; undefined if the run does not have the metric. */
  readonly curveOf: (run: RunSeries) => Series | undefined;
}

const METRICS: readonly Metric[] = [
  {
    title: "Gradient norm",
    unit: "global norm, before clipping",
    how: "Norm of each step's gradient. Spikes precede spikes of the loss.",
    log: true,
    curveOf: ({ steps }) => ({ x: steps.step, y: steps.gradNorm }),
  },
  {
    title: "Learning rate",
    unit: "learning rate",
    how: "Learning rate of each step: warm-up, then the schedule.",
    fromZero: true,
    curveOf: ({ steps }) => ({ x: steps.step, y: steps.lr }),
  },
  {
    title: "Loss scale",
    unit: "factor of the loss",
    how: "Factor of the gradient scaler. Crosses: steps that were skipped because a gradient overflowed.",
    log: true,
    curveOf: ({ steps }) => steps.lossScale && { x: steps.step, y: steps.lossScale },
  },
  {
    title: "Throughput",
    unit: "training tokens per second",
    how: "Tokens per second of each step. Concurrent runs share the machine.",
    curveOf: ({ steps }) => ({ x: steps.step, y: steps.tokensPerSecond }),
  },
  {
    title: "Memory",
    unit: "peak memory of the process (GB)",
    how:
      "Largest resident memory on the host since the previous evaluation. A curve that keeps rising shows a leak.",
    curveOf: ({ evals }) => {
      const known = evals.filter(({ peakBytes }) => peakBytes !== undefined);
      return { x: known.map(({ step }) => step), y: known.map(({ peakBytes }) => peakBytes! / 1e9) };
    },
  },
];

/**
 * Returns one figure per training metric (gradient norm, learning rate, loss scale, throughput, memory), with one curve
 * per run. Omits metrics that no run has.
 */
export function trainingFigures(runs: readonly RecordedRun[]): Figure[] {
  const detail = { most: pointsFor(runs.length), digits: digitsFor(runs.length, 4) };
  const nameOf = runNamer(runs);
  const policies = valuesOf(runs.filter((run) => !isBaseline(run.manifest.spec)), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  return METRICS.flatMap(({ title, unit, how, log, fromZero, curveOf }) => {
    const data = runs.flatMap((run): PlotlyObject[] => {
      const { spec } = run.manifest, series = seriesOf(run), points = curveOf(series);
      if (points === undefined || points.y.length === 0) return [];
      const color = isBaseline(spec) ? BASE_COLOR : pick(COLORS, policies.indexOf(precisionName(spec)));
      const name = plotlyText(nameOf(run));
      const style = { name, meta: metaOf(run), legendgroup: name };
      const line = { color, dash: pick(DASHES, seeds.indexOf(spec.seed)), width: 1.25 };
      return [
        curve(points, {
          ...style,
          meta: { ...style.meta, blocks: blocksFor(points, series, detail.digits) },
          line,
        }, detail),
        ...title === "Loss scale" ? skippedSteps(series.steps, { ...style, color }) : [],
      ];
    });
    if (data.length === 0) return [];
    const base = layoutOf(title, { x: "step", y: unit });
    const yaxis = {
      ...base["yaxis"] as PlotlyObject,
      ...log && { type: "log" },
      ...fromZero && { rangemode: "tozero" },
    };
    return [{
      title,
      how: [how, ...thinnedNote(detail.most)].join(" "),
      data,
      layout: { ...base, yaxis, showlegend: runs.length <= policies.length + 6 },
    }];
  });
}

/** Returns the values that the page averages over runs: means by block of steps, or the points of a curve that lacks steps. */
function blocksFor({ x, y }: Series, { steps }: RunSeries, digits: number): PlotlyObject {
  return x === steps.step ? blocksIn(y, digits) : { x: Array.from(x), y: finiteOnly(Array.from(y), digits) };
}

/** Returns crosses at skipped steps: those with a gradient norm that is not finite. */
function skippedSteps(
  { step, gradNorm, lossScale = new Float64Array() }: StepSeries,
  { color, ...style }: PlotlyObject & { color: string },
): PlotlyObject[] {
  const at = Array.from(step.keys()).filter((i) => !Number.isFinite(gradNorm[i]!));
  if (at.length === 0) return [];
  return [{
    ...style,
    type: "scatter",
    mode: "markers",
    name: `${style["name"]}: skipped`,
    showlegend: false,
    x: at.map((i) => step[i]!),
    y: at.map((i) => lossScale[i]!),
    marker: { color, symbol: "x", size: 8 },
  }];
}
