/**
 * The plane in which traces are drawn, and the color and values of a trace.
 *
 * @module
 */
import type { Json, PlotlyObject } from "../figure.ts";
import type { Axis } from "./_axis.ts";

/** Plane in which traces are drawn: two axes and a text color. */
export interface Plane {
  /** Horizontal axis. */
  readonly x: Axis;
  /** Vertical axis. */
  readonly y: Axis;
  /** Color of text and of lines outside of traces. */
  readonly ink: string;
}

/** Plotly's default colors, for traces without a color. */
const DEFAULT_COLORS = [
  "#1f77b4",
  "#ff7f0e",
  "#2ca02c",
  "#d62728",
  "#9467bd",
  "#8c564b",
  "#e377c2",
  "#7f7f7f",
];

/** Returns the color of a trace, or the default color for its index. */
export function colorOf(trace: PlotlyObject, index: number): string {
  for (const style of [trace["line"], trace["marker"]]) {
    const color = (style as PlotlyObject | undefined)?.["color"];
    if (typeof color === "string") return color;
  }
  return DEFAULT_COLORS[index % DEFAULT_COLORS.length]!;
}

/** Returns the x or y values of a trace. If x is missing, returns the indices from 0. */
export function valuesOf(trace: PlotlyObject, key: "x" | "y"): readonly Json[] {
  const values = trace[key];
  if (Array.isArray(values)) return values;
  const others = trace[key === "x" ? "y" : "x"];
  return Array.isArray(others) ? others.map((_, i) => i) : [];
}
