/**
 * Figures of the final validation gap along each axis of a sweep: single pairs, and means with intervals.
 *
 * @module
 */
import { DEFAULT_LEVEL, estimate, gapOf, type Pair, pairRuns, precisionName } from "../analysis/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { COLORS, layoutOf, NEUTRAL, pick, valuesOf } from "./_traces.ts";
import { plotlyText } from "./escape.ts";
import { type Facet, facetsOf, metaOf } from "./facets.ts";
import type { Figure, PlotlyObject } from "./figure.ts";
import { GAP_AXIS } from "./figures.ts";

/** Axes without a figure. A pair has two precisions, and intervals average over seeds. */
const NOT_DRAWN = ["precision", "seed", "status"];

/**
 * Returns one figure per axis in which runs differ: the final validation gap of each pair, and means with 95 % confidence
 * intervals over pairs. Pairs without a finite gap are excluded from means and counted in the title.
 */
export function gapByAxisFigures(runs: readonly RecordedRun[]): Figure[] {
  const pairs = pairRuns(runs);
  if (pairs.length === 0) return [];
  const facets = facetsOf(pairs.map(({ other }) => other)).filter(({ key }) => !NOT_DRAWN.includes(key));
  const axes: Axis[] = facets.map((facet) => ({
    label: facet.label,
    key: ({ other }) => nameOf(facet, facet.valueOf(other)),
    categories: facet.values.map((value) => nameOf(facet, value)),
  }));
  const isAxis = (key: string) => facets.some((facet) => facet.key === key);
  if (axes.length === 0 || isAxis("T") && isAxis("tokenizer")) {
    const key = ({ other: { manifest: { spec } } }: Pair) => `${spec.tokenizer}, T = ${spec.T}`;
    axes.push({ label: "vocabulary and T", key, categories: [...new Set(pairs.map(key))] });
  }
  const metaFor = metaOf(runs);
  return axes.map((axis) => gapFigure(runs, { pairs, axis, metaFor }));
}

/** Horizontal axis of a figure. */
interface Axis {
  readonly label: string;
  /** Returns the category of a pair. */
  readonly key: (pair: Pair) => string;
  /** All categories, in order. */
  readonly categories: readonly string[];
}

function nameOf({ key }: Facet, value: string): string {
  return ["tokenizer", "data", "device"].includes(key) ? value : `${key} = ${value}`;
}

function gapFigure(
  runs: readonly RecordedRun[],
  drawn: {
    pairs: readonly Pair[];
    axis: Axis;
    metaFor: ReturnType<typeof metaOf>;
  },
): Figure {
  const { pairs, axis: { label: axis, key, categories }, metaFor } = drawn;
  const specOf = (pair: Pair) => pair.other.manifest.spec;
  const points = pairs.map((pair) => ({ pair, gap: gapOf(pair).finalValidation }));
  const lost = points.filter(({ gap }) => !Number.isFinite(gap)).length;
  const finite = points.filter(({ gap }) => Number.isFinite(gap));
  const policies = valuesOf(pairs.map(({ other }) => other), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  const data = policies.flatMap((policy, i) => {
    const own = finite.filter(({ pair }) => precisionName(specOf(pair)) === policy);
    const means = categories.flatMap((category) => {
      const gaps = own.filter(({ pair }) => key(pair) === category).map(({ gap }) => gap);
      return gaps.length === 0 ? [] : [{ category, ...estimate(gaps, DEFAULT_LEVEL) }];
    });
    const style = { type: "scatter", mode: "markers", hoverinfo: "y+text" };
    const color = pick(COLORS, i);
    const mean = plotlyText(`${policy}, mean`);
    return [
      {
        ...style,
        name: plotlyText(policy),
        // Each mark has the facets of its own run, so that the page can filter marks one by one.
        meta: { points: own.map(({ pair }) => metaFor(pair.other)) },
        x: own.map(({ pair }) => plotlyText(key(pair))),
        y: own.map(({ gap }) => gap),
        text: own.map(({ pair }) =>
          plotlyText(`${specOf(pair).tokenizer}, T = ${specOf(pair).T}, seed ${specOf(pair).seed}`)
        ),
        marker: {
          color,
          size: 10,
          opacity: 0.55,
          symbol: own.map(({ pair }) =>
            pick(["circle", "square", "triangle-up", "star"], seeds.indexOf(specOf(pair).seed))
          ),
        },
      },
      {
        ...style,
        name: mean,
        meta: { facets: { precision: plotlyText(policy) }, pair: "" },
        x: means.map(({ category }) => plotlyText(category)),
        y: means.map(({ mean }) => mean),
        text: means.map(({ half, n }) =>
          half === undefined ? "mean of 1 pair" : `mean of ${n} pairs, ± ${half.toFixed(5)}`
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
  });
  const title = lost === 0
    ? `Gap by ${axis}`
    : `Gap by ${axis} (not finite in ${lost} of ${pairs.length} pairs)`;
  const base = layoutOf(title, { x: axis, y: GAP_AXIS });
  const categorical = {
    type: "category",
    categoryorder: "array",
    categoryarray: categories.map(plotlyText),
    range: [-0.5, categories.length - 0.5],
  };
  return {
    title,
    data,
    layout: {
      ...base,
      xaxis: { ...base["xaxis"] as PlotlyObject, ...categorical },
      yaxis: { ...base["yaxis"] as PlotlyObject, zeroline: true, zerolinecolor: NEUTRAL },
    },
  };
}
