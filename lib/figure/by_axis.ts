/**
 * Figures along each axis of a sweep: final validation gaps of pairs, or final validation losses of runs without pairs.
 * Shows single values, and means with confidence intervals.
 *
 * @module
 */
import {
  BASELINE,
  DEFAULT_LEVEL,
  estimate,
  gapOf,
  pairRuns,
  plainText,
  precisionName,
} from "../analysis/mod.ts";
import { type RecordedRun, seriesOf } from "../record/mod.ts";
import { greatest, least } from "../number/extent.ts";
import { BASE_COLOR, COLORS, digitsFor, layoutOf, NEUTRAL, pick, rounded, valuesOf } from "./_traces.ts";
import { plotlyText } from "./escape.ts";
import { facetsOf, metaOf, namedValue, runNamer } from "./facets.ts";
import type { Figure, PlotlyObject } from "./figure.ts";
import { GAP_AXIS } from "./figures.ts";

/** Axes without a figure. Colors show precisions, and intervals average over seeds. */
const NOT_DRAWN = ["precision", "seed", "status", "perturbation", "tags"];

/** Minimum number of values of a single category. The interval of two values says little. */
const ENOUGH = 3;

/** A run with its value. */
interface Item {
  readonly run: RecordedRun;
  /** Final validation gap or loss in nats per token. NaN: none. */
  readonly value: number;
}

/** Horizontal axis of a figure. */
interface Axis {
  readonly label: string;
  /** Returns the category of a run. Different values have different categories. */
  readonly key: (run: RecordedRun) => string;
  /** All categories, in order. */
  readonly categories: readonly string[];
}

/** Texts of a figure, and whether 0 is marked. */
interface Quantity {
  readonly title: string;
  /** Items with a value: pairs or runs. */
  readonly of: string;
  readonly unit: string;
  readonly how: string;
  readonly zero: boolean;
}

const MARKS =
  "Marks: runs, with a shape per seed. Bars: means over the runs of a category, with 95 % intervals.";

const GAP: Quantity = {
  title: "Gap",
  of: "pairs",
  unit: GAP_AXIS,
  how: `Final validation loss minus float32's: above 0, the lower precision is worse. ${
    MARKS.replaceAll("runs", "pairs")
  }`,
  zero: true,
};

const LOSS: Quantity = {
  title: "Final loss",
  of: "runs",
  unit: "validation loss (nats per token)",
  how: MARKS,
  zero: false,
};

/**
 * Returns one figure per axis in which runs differ. A figure shows the final validation gap of each pair, and means
 * with 95 % confidence intervals over pairs. Pairs without a finite gap are excluded from the means, and the title
 * states their number. Omits axes that have a single category with fewer than three pairs.
 */
export function gapByAxisFigures(runs: readonly RecordedRun[]): Figure[] {
  const items = pairRuns(runs).map((pair) => ({ run: pair.other, value: gapOf(pair).finalValidation }));
  return figuresOf(items, GAP);
}

/**
 * Returns one figure per axis in which runs differ. A figure shows the final validation loss of each run, and means
 * with 95 % confidence intervals.
 */
export function lossByAxisFigures(runs: readonly RecordedRun[]): Figure[] {
  const items = runs.map((run) => ({ run, value: seriesOf(run).evals.at(-1)?.loss ?? NaN }));
  return figuresOf(items, LOSS);
}

function figuresOf(items: readonly Item[], quantity: Quantity): Figure[] {
  const facets = facetsOf(items.map(({ run }) => run)).filter(({ key }) => !NOT_DRAWN.includes(key));
  const axes: Axis[] = facets.map((facet) => ({
    label: facet.label,
    key: (run) => namedValue(facet, facet.valueOf(run), " = "),
    categories: facet.values.map((value) => namedValue(facet, value, " = ")),
  }));
  const isAxis = (key: string) => facets.some((facet) => facet.key === key);
  if (axes.length === 0 || isAxis("T") && isAxis("tokenizer")) {
    const key = ({ manifest: { spec } }: RecordedRun) => `${plainText(spec.tokenizer)}, T = ${spec.T}`;
    axes.push({
      label: "vocabulary and T",
      key,
      categories: [...new Set(items.map(({ run }) => key(run)))],
    });
  }
  return axes.filter(({ categories }) => categories.length > 1 || items.length >= ENOUGH)
    .map((axis) => figureOf(items, axis, quantity));
}

function figureOf(items: readonly Item[], axis: Axis, quantity: Quantity): Figure {
  const { label, categories } = axis, { title: what, of, unit, how, zero } = quantity;
  const finite = items.filter(({ value }) => Number.isFinite(value));
  const lost = items.length - finite.length;
  const policies = valuesOf(items.map(({ run }) => run), precisionName);
  const others = policies.filter((policy) => policy !== BASELINE);
  const colorOf = (policy: string) => policy === BASELINE ? BASE_COLOR : pick(COLORS, others.indexOf(policy));
  const seeds = valuesOf(items.map(({ run }) => run), ({ seed }) => seed);
  const nameOf = runNamer(items.map(({ run }) => run));
  const data = policies.flatMap((policy) =>
    tracesOf(finite.filter(({ run }) => precisionName(run.manifest.spec) === policy), {
      ...{ policy, axis, seeds, nameOf, color: colorOf(policy), digits: digitsFor(items.length, 5) },
    })
  );
  const title = `${what} by ${label}${lost === 0 ? "" : ` (not finite in ${lost} of ${items.length} ${of})`}`;
  const base = layoutOf(title, { x: label, y: unit });
  const categorical = {
    type: "category",
    categoryorder: "array",
    categoryarray: categories.map(plotlyText),
    range: [-0.5, categories.length - 0.5],
  };
  return {
    title,
    data,
    how,
    layout: {
      ...base,
      // Precisions of one category are side by side.
      ...policies.length > 1 && { scattermode: "group" },
      xaxis: { ...base["xaxis"] as PlotlyObject, ...categorical },
      yaxis: {
        ...base["yaxis"] as PlotlyObject,
        ...zero && { zeroline: true, zerolinecolor: NEUTRAL },
        // Plotly's own range of traces side by side begins at 0, far below losses.
        ...!zero && policies.length > 1 && { range: rangeOf(finite.map(({ value }) => value)) },
      },
    },
  };
}

/** Returns the range of values with a margin. */
function rangeOf(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = least(values), high = greatest(values), room = 0.1 * (high - low) || 0.1;
  return [low - room, high + room];
}

/** Returns the marks of one precision, and their means per category. */
function tracesOf(
  items: readonly Item[],
  { policy, axis: { key, categories }, seeds, nameOf, color, digits }: {
    policy: string;
    axis: Axis;
    seeds: readonly number[];
    nameOf: (run: RecordedRun) => string;
    color: string;
    digits: number;
  },
): PlotlyObject[] {
  const byCategory = categories.map((category) => items.filter(({ run }) => key(run) === category));
  const means = byCategory.flatMap((own, i) =>
    own.length === 0
      ? []
      : [{ category: categories[i]!, ...estimate(own.map(({ value }) => value), DEFAULT_LEVEL) }]
  );
  const style = { type: "scatter", mode: "markers", hoverinfo: "y+text", offsetgroup: policy };
  const specOf = ({ run }: Item) => run.manifest.spec;
  return [
    {
      ...style,
      name: plotlyText(plainText(policy)),
      // Each mark has its own run, so that the page can filter marks one by one.
      meta: { points: items.map(({ run }) => metaOf(run).run) },
      x: items.map(({ run }) => plotlyText(key(run))),
      y: items.map(({ value }) => rounded(value, digits)),
      text: items.map((item) => plotlyText(nameOf(item.run))),
      marker: {
        color,
        size: 10,
        opacity: 0.55,
        symbol: items.map((item) =>
          pick(["circle", "square", "triangle-up", "star"], seeds.indexOf(specOf(item).seed))
        ),
      },
    },
    {
      ...style,
      name: plotlyText(`${plainText(policy)}, mean`),
      meta: {
        mean: policy,
        role: "category",
        members: items.map((item) => ({
          ...metaOf(item.run),
          x: plotlyText(key(item.run)),
          y: rounded(item.value, digits),
        })),
      },
      x: means.map(({ category }) => plotlyText(category)),
      y: means.map(({ mean }) => mean),
      text: means.map(({ half, n }) =>
        half === undefined ? "mean of 1" : `mean of ${n}, ± ${half.toFixed(5)}`
      ),
      error_y: {
        type: "data",
        array: means.map(({ half }) => half ?? 0),
        color,
        thickness: 2.5,
        width: 8,
      },
      marker: { color, symbol: "line-ew-open", size: 34, line: { width: 3, color } },
    },
  ];
}
