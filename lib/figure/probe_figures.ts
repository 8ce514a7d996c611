/**
 * Figures of probes: heat maps of layer × step, and the history of the loss scale.
 *
 * @module
 */
import { precisionName } from "../analysis/mod.ts";
import { least } from "../number/extent.ts";
import { type ProbedStep, type RecordedRun, seriesOf } from "../record/mod.ts";
import { curveFigure, heatMapFigure } from "./build.ts";
import type { Figure } from "./figure.ts";

/** Metrics by layer that heat maps show, with their titles. */
const METRICS: Readonly<Record<string, { title: string; range?: readonly [number, number] }>> = {
  saturated: { title: "Share of values beyond the format's largest number", range: [0, 1] },
  flushed: { title: "Share of values flushed to 0", range: [0, 1] },
  lastBin: { title: "Share of values in the format's last bin", range: [0, 1] },
  gradSaturated: { title: "Share of gradient values beyond the format's largest number", range: [0, 1] },
  gradFlushed: { title: "Share of gradient values flushed to 0", range: [0, 1] },
  gradLastBin: { title: "Share of gradient values in the format's last bin", range: [0, 1] },
  coherence: { title: "Coherence of gradient errors (independent errors: 1)" },
  residualMax: { title: "Largest magnitude on the residual stream" },
  attentionMax: { title: "Largest attention logit" },
  nonFinite: { title: "NaN and infinite values" },
};

/** Maximum number of columns of a heat map. More probed steps are thinned evenly. */
const MOST_COLUMNS = 40;

/** Maximum number of runs with heat maps: the first of each precision. */
const MOST_RUNS = 3;

/**
 * Returns figures of probes: one heat map of layer × step per metric, and the loss scale over steps of runs with a gradient
 * scaler. Heat maps show the first run of each precision, of at most three precisions. Metrics that are 0 everywhere are left
 * out.
 */
export function probeFigures(runs: readonly RecordedRun[]): Figure[] {
  const probed = runs.filter((run) => seriesOf(run).probed.length > 0);
  const first = [...Map.groupBy(probed, ({ manifest: { spec } }) => precisionName(spec)).values()]
    .map(([run]) => run!).slice(0, MOST_RUNS);
  return [...first.flatMap(heatMaps), ...lossScaleFigures(runs)];
}

function heatMaps(run: RecordedRun): Figure[] {
  const { spec } = run.manifest;
  const steps = thinned(seriesOf(run).probed);
  const layers = ["embedding", ...Array.from({ length: spec.nLayer }, (_, i) => `h.${i}`), "head", "loss"];
  return Object.entries(METRICS).flatMap(([metric, { title, range }]) => {
    const valueOf = ({ probes }: ProbedStep, layer: string) => {
      const value = probes[layer]?.[metric];
      return typeof value === "number" ? value : NaN;
    };
    const rows = layers.filter((layer) => steps.some((step) => !Number.isNaN(valueOf(step, layer))));
    const values = rows.map((layer) => steps.map((step) => valueOf(step, layer)));
    if (values.flat().every((value) => !(Math.abs(value) > 0))) return [];
    return [heatMapFigure(
      {
        title: `${title}: ${precisionName(spec)}, seed ${spec.seed}`,
        ...{ x: "step", y: "layer", height: 140 + 26 * Math.max(4, rows.length) },
      },
      {
        ...{ values, rows, columns: steps.map(({ step }) => String(step)) },
        ...(range && { range }),
      },
    )];
  });
}

function thinned(steps: readonly ProbedStep[]): readonly ProbedStep[] {
  const count = Math.min(MOST_COLUMNS, steps.length);
  const at = (i: number) => count === 1 ? 0 : Math.round(i * (steps.length - 1) / (count - 1));
  return Array.from({ length: count }, (_, i) => steps[at(i)]!);
}

function lossScaleFigures(runs: readonly RecordedRun[]): Figure[] {
  const curves = runs.flatMap((run) => {
    const { steps: { step, lossScale } } = seriesOf(run), { spec } = run.manifest;
    if (lossScale === undefined) return [];
    const points = Array.from(step, (x, i) => ({ x, y: lossScale[i]! }));
    return [{ name: `${precisionName(spec)}, seed ${spec.seed}`, points }];
  });
  if (curves.length === 0) return [];
  const lowest = least(curves.map(({ points }) => points.length));
  if (lowest === 0) return [];
  return [curveFigure(
    { title: "Loss scale", x: "step", y: "factor of the loss", layout: { yaxis: { type: "log" } } },
    curves,
  )];
}
