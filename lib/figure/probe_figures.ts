/**
 * Figures of probes: heat maps of layer × step.
 *
 * @module
 */
import { isBaseline, plainText, precisionName } from "../analysis/mod.ts";
import { greatest } from "../number/extent.ts";
import { isPerturbed, type ProbedStep, type RecordedRun, seriesOf } from "../record/mod.ts";
import { heatMapFigure } from "./build.ts";
import type { Figure } from "./figure.ts";

/** Metrics by layer that heat maps show, with short titles. `isShare`: colors begin at 0. */
const METRICS: Readonly<Record<string, { title: string; how: string; isShare?: true }>> = {
  saturated: {
    title: "Saturated values",
    how: "Share of values beyond the format's largest number.",
    isShare: true,
  },
  flushed: { title: "Values flushed to 0", how: "Share of values that round to 0.", isShare: true },
  lastBin: {
    title: "Values in the last bin",
    how: "Share of values that round to the format's largest number.",
    isShare: true,
  },
  gradSaturated: {
    title: "Saturated gradients",
    how: "Share of gradient elements beyond the format's largest number.",
    isShare: true,
  },
  gradFlushed: {
    title: "Gradients flushed to 0",
    how: "Share of gradient elements that round to 0.",
    isShare: true,
  },
  gradLastBin: {
    title: "Gradients in the last bin",
    how: "Share of gradient elements that round to the format's largest number.",
    isShare: true,
  },
  coherence: {
    title: "Coherence of errors",
    how: "1 for independent gradient errors. Errors above 1 do not average out.",
  },
  residualMax: { title: "Residual stream", how: "Largest magnitude in the residual stream." },
  attentionMax: { title: "Attention logits", how: "Largest attention logit." },
  nonFinite: {
    title: "NaN and infinite values",
    how: "Share of values that are NaN or infinite.",
    isShare: true,
  },
};

/** Maximum number of columns of a heat map. More probed steps are thinned evenly. */
const MOST_COLUMNS = 40;

/**
 * Maximum number of runs with heat maps: the first of each precision, lower precisions before float32. A perturbed run
 * appears only if its precision has no unperturbed run.
 */
const MOST_RUNS = 4;

/**
 * Returns figures of probes, for the first unperturbed run of each of at most four precisions. Each metric by layer has
 * a heat map of layer × step. With delayed scaling, the scales have a heat map of operand × step. Omits metrics that
 * are 0 everywhere.
 */
export function probeFigures(runs: readonly RecordedRun[]): Figure[] {
  const probed = runs.filter((run) => seriesOf(run).probed.length > 0);
  const first = [...Map.groupBy(probed, ({ manifest: { spec } }) => precisionName(spec)).values()]
    .map((group) => group.find(({ manifest: { spec } }) => !isPerturbed(spec)) ?? group[0]!)
    .sort((a, b) => Number(isBaseline(a.manifest.spec)) - Number(isBaseline(b.manifest.spec)))
    .slice(0, MOST_RUNS);
  return [...first.flatMap(heatMaps), ...first.flatMap(scaleMaps)];
}

/** Returns the heat map of operand × step of the scales of delayed scaling, as powers of two; none without them. */
function scaleMaps(run: RecordedRun): Figure[] {
  const steps = thinned(seriesOf(run).probed);
  const scaleOf = ({ probes }: ProbedStep, operand: string) => {
    const scale = probes[operand]?.["scale"];
    return typeof scale === "number" ? Math.log2(scale) : NaN;
  };
  const operands = [...new Set(steps.flatMap(({ probes }) => Object.keys(probes)))]
    .filter((operand) => steps.some((step) => !Number.isNaN(scaleOf(step, operand))));
  if (operands.length === 0) return [];
  const figure = heatMapFigure(
    {
      title: `Delayed scales (log2): ${plainText(precisionName(run.manifest.spec))}`,
      ...{ x: "step", y: "operand", height: 140 + 26 * Math.max(4, operands.length) },
    },
    {
      values: operands.map((operand) => steps.map((step) => scaleOf(step, operand))),
      ...{ rows: operands, columns: steps.map(({ step }) => String(step)) },
    },
  );
  const how =
    "Factor of each operand's values, as a power of two. It follows from the maxima of previous steps.";
  return [{ ...figure, how: `${how} Run ${run.manifest.runId}.` }];
}

function heatMaps(run: RecordedRun): Figure[] {
  const { spec } = run.manifest;
  const steps = thinned(seriesOf(run).probed);
  const layers = ["embedding", ...Array.from({ length: spec.nLayer }, (_, i) => `h.${i}`), "head", "loss"];
  return Object.entries(METRICS).flatMap(([metric, { title, how, isShare }]) => {
    const valueOf = ({ probes }: ProbedStep, layer: string) => {
      const value = probes[layer]?.[metric];
      return typeof value === "number" ? value : NaN;
    };
    const rows = layers.filter((layer) => steps.some((step) => !Number.isNaN(valueOf(step, layer))));
    const values = rows.map((layer) => steps.map((step) => valueOf(step, layer)));
    if (values.flat().every((value) => !(Math.abs(value) > 0))) return [];
    const figure = heatMapFigure(
      {
        title: `${title}: ${plainText(precisionName(spec))}`,
        ...{ x: "step", y: "layer", height: 140 + 26 * Math.max(4, rows.length) },
      },
      {
        ...{ values, rows, columns: steps.map(({ step }) => String(step)) },
        ...(isShare && { range: [0, greatest(values.flat().filter(Number.isFinite))] }),
      },
    );
    return [{ ...figure, how: `${how} Run ${run.manifest.runId}.` }];
  });
}

function thinned(steps: readonly ProbedStep[]): readonly ProbedStep[] {
  const count = Math.min(MOST_COLUMNS, steps.length);
  const at = (i: number) => count === 1 ? 0 : Math.round(i * (steps.length - 1) / (count - 1));
  return Array.from({ length: count }, (_, i) => steps[at(i)]!);
}
