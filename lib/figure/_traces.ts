/**
 * Parts that figures of runs are made of: colours, curves, marks and layouts.
 *
 * @module
 */
import { countNonFinite } from "../analysis/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { MAX_POINTS, nonFiniteMarks, thinned } from "./curve.ts";
import { plotlyText } from "./escape.ts";
import type { PlotlyObject } from "./figure.ts";

/** Told apart by colour-blind readers (after Okabe and Ito), and at least 3:1 against light and dark pages. */
export const BASE_COLOR = "#2B8CCB", COLORS: readonly string[] = ["#D55E00", "#009E73", "#CC79A7", "#8C6BB1"];
/** The colour of rules and of what seeds do. */
export const NEUTRAL = "#888";
/** Line styles, in the order that seeds or policies get them. */
export const DASHES: readonly string[] = ["solid", "dot", "dash", "dashdot"];

/** Most points of all curves of a page's section together: a thousand runs must open at once. */
const PAGE_POINTS = 40_000;

/** How many points each of many curves may have: 400 for a hundred of them, never under 30. */
export function pointsFor(curves: number): number {
  return Math.max(30, Math.min(MAX_POINTS, Math.floor(PAGE_POINTS / Math.max(1, curves))));
}

/** A curve as columns. */
export interface Series {
  /** Steps, in order. */
  readonly x: ArrayLike<number>;
  /** Values; may be NaN or infinite. */
  readonly y: ArrayLike<number>;
}

/** A line through a curve's points, thinned to `most` of them. */
export function curve(
  { x, y }: Series,
  style: PlotlyObject,
  most: number = MAX_POINTS,
): PlotlyObject {
  const kept = thinned(y, most);
  return {
    type: "scatter",
    mode: "lines",
    x: kept.map((i) => x[i]!),
    // JSON has no NaN: null breaks the line, which is what it should do
    y: kept.map((i) => Number.isFinite(y[i]!) ? rounded(y[i]!) : null),
    ...style,
  };
}

/** Seven digits: more than an eye can see, half of what JSON would write. */
function rounded(y: number): number {
  return Number(y.toPrecision(7));
}

/** A trace of crosses where curves have no number; none where they have them all. */
export function marksOf(
  curves: readonly Series[],
  { name, color, meta }: { name: string; color: string; meta: PlotlyObject },
): PlotlyObject[] {
  if (curves.every(({ y }) => countNonFinite(y) === 0)) return [];
  const points = curves.flatMap(({ x, y }) => Array.from(y, (height, i) => ({ x: x[i]!, y: height })));
  const marks = nonFiniteMarks(points.sort((a, b) => a.x - b.x));
  return [{
    type: "scatter",
    mode: "markers",
    name: `${name}: not finite`,
    legendgroup: name,
    meta,
    x: marks.map(({ x }) => x),
    y: marks.map(({ y }) => y),
    text: marks.map(({ value }) => String(value)),
    hoverinfo: "x+text+name",
    marker: { color, symbol: "x-thin-open", size: 12, line: { width: 3, color } },
  }];
}

/** A layout with a title and two axes. */
export function layoutOf(title: string, axes: { x: string; y: string }): PlotlyObject {
  const axis = (text: string) => ({
    title: { text: plotlyText(text) },
    zeroline: false,
    automargin: true,
    exponentformat: "none",
  });
  return {
    title: { text: plotlyText(title), font: { size: 15 }, x: 0.02, xanchor: "left" },
    xaxis: axis(axes.x),
    yaxis: axis(axes.y),
    margin: { l: 56, r: 12, t: 44, b: 44 },
    // at the figure's bottom edge, clear of the axis's title whatever the figure's height is
    legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" },
    hovermode: "closest",
    hoverlabel: { namelength: -1 },
    height: 380,
  };
}

/** The distinct values of a field of specs, in the runs' order. */
export function valuesOf<V>(
  runs: readonly RecordedRun[],
  value: (spec: RecordedRun["manifest"]["spec"]) => V,
): V[] {
  return [...new Set(runs.map(({ manifest }) => value(manifest.spec)))];
}

/** The value at an index, from the start again after the last. */
export function pick<V>(values: readonly V[], index: number): V {
  return values[index % values.length]!;
}
