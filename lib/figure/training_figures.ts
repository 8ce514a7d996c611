/**
 * Figures of training over steps: gradient norm, learning rate, loss scale and throughput of all runs.
 *
 * @module
 */
import { isBaseline, precisionName } from "../analysis/mod.ts";
import { type RecordedRun, seriesOf, type StepSeries } from "../record/mod.ts";
import { BASE_COLOR, COLORS, curve, DASHES, layoutOf, pick, pointsFor, valuesOf } from "./_traces.ts";
import { plotlyText } from "./escape.ts";
import { metaOf, runNamer } from "./facets.ts";
import type { Figure, PlotlyObject } from "./figure.ts";

/** A metric of every step. */
interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly how: string;
  readonly log?: true;
  /** Returns the values of a run's steps; undefined if it has none. */
  readonly valuesOf: (steps: StepSeries) => Float64Array | undefined;
}

const METRICS: readonly Metric[] = [
  {
    title: "Gradient norm",
    unit: "global norm, before clipping",
    how: "Norm of each step's gradient. Spikes precede spikes of the loss.",
    log: true,
    valuesOf: ({ gradNorm }) => gradNorm,
  },
  {
    title: "Learning rate",
    unit: "learning rate",
    how: "Learning rate of each step: warm-up, then the schedule.",
    valuesOf: ({ lr }) => lr,
  },
  {
    title: "Loss scale",
    unit: "factor of the loss",
    how: "Factor of the gradient scaler. Crosses: steps that were skipped because a gradient overflowed.",
    log: true,
    valuesOf: ({ lossScale }) => lossScale,
  },
  {
    title: "Throughput",
    unit: "training tokens per second",
    how: "Tokens per second of each step. Concurrent runs share the machine.",
    valuesOf: ({ tokensPerSecond }) => tokensPerSecond,
  },
];

/**
 * Returns one figure per training metric (gradient norm, learning rate, loss scale, throughput), with one curve per
 * run. Omits metrics that no run has.
 */
export function trainingFigures(runs: readonly RecordedRun[]): Figure[] {
  const most = pointsFor(runs.length), nameOf = runNamer(runs);
  const policies = valuesOf(runs.filter((run) => !isBaseline(run.manifest.spec)), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  return METRICS.flatMap(({ title, unit, how, log, valuesOf }) => {
    const data = runs.flatMap((run): PlotlyObject[] => {
      const { spec } = run.manifest, { steps } = seriesOf(run), y = valuesOf(steps);
      if (y === undefined || y.length === 0) return [];
      const color = isBaseline(spec) ? BASE_COLOR : pick(COLORS, policies.indexOf(precisionName(spec)));
      const name = plotlyText(nameOf(run));
      const style = { name, meta: metaOf(run), legendgroup: name };
      const line = { color, dash: pick(DASHES, seeds.indexOf(spec.seed)), width: 1.25 };
      return [
        curve({ x: steps.step, y }, { ...style, line }, most),
        ...title === "Loss scale" ? skippedSteps(steps, { ...style, color }) : [],
      ];
    });
    if (data.length === 0) return [];
    const base = layoutOf(title, { x: "step", y: unit });
    const yaxis = { ...base["yaxis"] as PlotlyObject, ...log && { type: "log" } };
    return [{ title, how, data, layout: { ...base, yaxis, showlegend: runs.length <= policies.length + 6 } }];
  });
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
