/**
 * Building blocks of figures: colors, curves, marks and layouts.
 *
 * @module
 */
import { blockMeans, blocksOf, countNonFinite } from "../analysis/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { MAX_POINTS, nonFiniteMarks, thinned } from "./curve.ts";
import { plotlyText } from "./escape.ts";
import type { PlotlyObject } from "./figure.ts";

/**
 * Color of the baseline, and colors of other precisions. Safe for color-blind readers (after Okabe and Ito), with a
 * contrast of at least 3:1 on light and dark pages.
 */
export const BASE_COLOR = "#2B8CCB", COLORS: readonly string[] = ["#D55E00", "#009E73", "#CC79A7", "#8C6BB1"];
/** Color of threshold lines, means and noise floors. */
export const NEUTRAL = "#888";
/** Line styles, assigned to seeds in order. */
export const DASHES: readonly string[] = ["solid", "dot", "dash", "dashdot"];

/** Maximum number of points in one section of a page. Keeps a page of 1,000 runs responsive. */
const PAGE_POINTS = 40_000;

/**
 * Returns the maximum number of points per curve for a number of curves: 400 for up to 100 curves, fewer for more
 * curves, and at least 30.
 */
export function pointsFor(curves: number): number {
  return Math.max(30, Math.min(MAX_POINTS, Math.floor(PAGE_POINTS / Math.max(1, curves))));
}

/** Number of points below which a thinned curve looks different from the whole. */
const COARSE = 100;

/** Returns a sentence on curves that are thinned so much that a reader could take them for the whole. */
export function thinnedNote(most: number): readonly string[] {
  return most >= COARSE
    ? []
    : [`With so many runs, a curve has at most ${most} points: the extremes of each interval of steps.`];
}

/** Number of curves up to which numbers keep {@linkcode DIGITS} significant digits. */
const FEW = 500;

/** Significant digits of drawn numbers. Halves the size of a figure's JSON without a visible change. */
const DIGITS = 7;

/**
 * Returns the number of significant digits of the values of a number of curves.
 *
 * @param crowded Number of digits above 500 curves. Pages of thousands of runs consist mostly of these digits.
 */
export function digitsFor(curves: number, crowded: number): number {
  return curves <= FEW ? DIGITS : crowded;
}

/** A curve as two columns of equal length. */
export interface Series {
  /** Steps, in order. */
  readonly x: ArrayLike<number>;
  /** Values. May be NaN or infinite. */
  readonly y: ArrayLike<number>;
}

/** How much of a curve is drawn. */
export interface Detail {
  /** Maximum number of points. */
  readonly most: number;
  /** Number of significant digits. */
  readonly digits: number;
}

/** Returns a line trace of a curve, thinned to at most `most` points. Non-finite values break the line. */
export function curve({ x, y }: Series, style: PlotlyObject, { most, digits }: Detail): PlotlyObject {
  const kept = thinned(y, most);
  return {
    type: "scatter",
    mode: "lines",
    x: kept.map((i) => x[i]!),
    // JSON has no NaN. Plotly breaks the line at null.
    y: kept.map((i) => Number.isFinite(y[i]!) ? rounded(y[i]!, digits) : null),
    ...style,
  };
}

/** Rounds a number to a number of significant digits. */
export function rounded(y: number, digits: number): number {
  return Number(y.toPrecision(digits));
}

/** Returns the mean value of each block of steps, at the middle of the block. */
export function blocksIn(values: ArrayLike<number>, digits: number): { x: number[]; y: (number | null)[] } {
  const blocks = blocksOf(values.length);
  return {
    x: blocks.map(({ first, last }) => (first + last) / 2),
    y: finiteOnly(blockMeans(values, blocks), digits),
  };
}

/** Rounds values as curves do. JSON has no NaN. */
export function finiteOnly(values: readonly number[], digits: number): (number | null)[] {
  return values.map((value) => Number.isFinite(value) ? rounded(value, digits) : null);
}

/**
 * Returns a list with one trace: crosses at the non-finite values of curves. Returns an empty list if all values are
 * finite.
 */
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

/** Returns a color with an opacity of 0.2, for bands. */
export function translucent(color: string): string {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},0.2)`;
}

/** Returns a layout with a title and two labeled axes. */
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
    // At the bottom edge of the figure, so that the legend never covers the axis title.
    legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" },
    hovermode: "closest",
    hoverlabel: { namelength: -1 },
    height: 380,
  };
}

/** Returns the distinct values of a spec's field over runs, in order of first appearance. */
export function valuesOf<V>(
  runs: readonly RecordedRun[],
  value: (spec: RecordedRun["manifest"]["spec"]) => V,
): V[] {
  return [...new Set(runs.map(({ manifest }) => value(manifest.spec)))];
}

/** Returns the value at an index modulo the number of values, for example a color. */
export function pick<V>(values: readonly V[], index: number): V {
  return values[index % values.length]!;
}
