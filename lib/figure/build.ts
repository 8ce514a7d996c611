/**
 * Figures from plain numbers: curves with bands, bars, heat maps and a probability simplex. Numbers are rounded and
 * curves are thinned, so that figures stored in notebooks stay small and reproducible.
 *
 * @module
 */
import { type Point, thin } from "./curve.ts";
import { translucent } from "./_traces.ts";
import { plotlyText } from "./escape.ts";
import type { Figure, Json, PlotlyObject } from "./figure.ts";

/** Colors safe for color-blind readers, after Okabe and Ito. */
export const PALETTE: readonly string[] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6BB1", "#E69F00"];

/** Maximum number of points of a curve, and significant digits of numbers. */
const POINTS = 150, DIGITS = 5;

/** Titles, height and layout options of a figure. */
export interface FigureText {
  /** Title. */
  readonly title: string;
  /** Title of the horizontal axis. Default: none. */
  readonly x?: string;
  /** Title of the vertical axis. Default: none. */
  readonly y?: string;
  /** Height in pixels. Default: 320. */
  readonly height?: number;
  /** Further Plotly layout options, such as `{ xaxis: { type: "log" } }`. Default: none. Default: none. */
  readonly layout?: { readonly [key: string]: Json };
}

/** Curve of a figure. */
export interface Curve {
  /** Name in the legend. */
  readonly name: string;
  /** Points in the order of drawing. A NaN or infinite `y` breaks the line. */
  readonly points: readonly Point[];
  /** Lower and upper edge of a band around the curve, one entry per point. Default: none. */
  readonly band?: readonly { readonly low: number; readonly high: number }[];
  /** Line color. Default: the color of {@linkcode PALETTE} at the curve's index. */
  readonly color?: string;
  /** Drawing mode. Default: `lines`. */
  readonly mode?: "lines" | "markers" | "lines+markers";
  /** Line style. Default: `solid`. */
  readonly dash?: "solid" | "dot" | "dash" | "dashdot";
}

/** Returns a figure with curves on shared axes. */
export function curveFigure(text: FigureText, curves: readonly Curve[]): Figure {
  const data = curves.flatMap((curve, i): PlotlyObject[] => {
    const { name, mode = "lines", dash = "solid" } = curve;
    const color = curve.color ?? PALETTE[i % PALETTE.length]!;
    const kept = curve.band === undefined ? thin(curve.points, POINTS) : curve.points;
    const style = { type: "scatter", name: plotlyText(name), legendgroup: name };
    const edge = (key: "low" | "high", fill: PlotlyObject) => ({
      ...style,
      mode: "lines",
      showlegend: false,
      hoverinfo: "skip",
      x: curve.points.map(({ x }) => number(x)),
      y: curve.band!.map((ends) => number(ends[key])),
      line: { color, width: 0 },
      ...fill,
    });
    const band = curve.band === undefined
      ? []
      : [edge("low", {}), edge("high", { fill: "tonexty", fillcolor: translucent(color) })];
    return [...band, {
      ...style,
      mode,
      x: kept.map(({ x }) => number(x)),
      y: kept.map(({ y }) => number(y)),
      line: { color, dash, width: 2 },
      marker: { color, size: 7 },
    }];
  });
  return figure(text, data, { hovermode: "x" });
}

/** Bars of a figure. */
export interface Bars {
  /** Distinct categories, one per bar. */
  readonly names: readonly (string | number)[];
  /** Height of each bar, in the order of `names`. */
  readonly values: readonly number[];
  /** Labels above the bars. Default: none. */
  readonly labels?: readonly string[];
  /** One color for all bars, or one per bar. Default: the first color of {@linkcode PALETTE}. */
  readonly color?: string | readonly string[];
  /** Label below each bar. Labels may repeat, unlike `names`. Default: `names`. */
  readonly ticks?: readonly string[];
}

/** Returns a bar chart with one bar per name. */
export function barFigure(
  text: FigureText,
  { names, values, labels, color = PALETTE[0]!, ticks }: Bars,
): Figure {
  const data = [{
    type: "bar",
    x: ticks === undefined
      ? names.map((name) => typeof name === "string" ? plotlyText(name) : name)
      : [...names.keys()],
    y: values.map((value) => number(value)),
    ...(labels === undefined
      ? {}
      : { text: labels.map(plotlyText), textposition: "outside", cliponaxis: false }),
    marker: { color: color as Json },
  }];
  const axis: PlotlyObject = ticks === undefined ? {} : {
    xaxis: { tickvals: [...names.keys()], ticktext: ticks.map(plotlyText), tickangle: 0 },
  };
  return figure(text, data, axis);
}

/** Values and labels of a heat map. */
export interface HeatMap {
  /** Rows of values. The first row is drawn at the top. */
  readonly values: readonly (readonly number[])[];
  /** Column labels. */
  readonly columns: readonly string[];
  /** Row labels. */
  readonly rows: readonly string[];
  /** Values that the first and the last color represent. Default: minimum and maximum of `values`. */
  readonly range?: readonly [number, number];
}

/** Maximum number of labels below a heat map. */
const MOST_TICKS = 12;

/** Returns a heat map with colors from white (low) to blue (high). */
export function heatMapFigure(text: FigureText, { values, columns, rows, range }: HeatMap): Figure {
  const data = [{
    type: "heatmap",
    z: values.map((row) => row.map((value) => number(value, 3))),
    colorscale: [[0, "#ffffff"], [0.5, "#6baed6"], [1, "#08306b"]],
    ...(range === undefined ? {} : { zmin: range[0], zmax: range[1] }),
    showscale: true,
    colorbar: { exponentformat: "e" }, // not 100μ for 1e-4
  }];
  const ticks = (names: readonly string[], most = Infinity) => {
    const every = Math.max(1, Math.ceil(names.length / most));
    const shown = [...names.keys()].filter((i) => i % every === 0);
    return {
      tickvals: shown,
      ticktext: shown.map((i) => plotlyText(names[i]!)),
      tickangle: 0,
      showgrid: false,
    };
  };
  return figure(text, data, {
    xaxis: ticks(columns, MOST_TICKS),
    yaxis: { ...ticks(rows), autorange: "reversed" },
  });
}

/**
 * Returns a figure of the probability simplex of three outcomes: a triangle in which each point is a distribution.
 *
 * @param corners Names of the three outcomes. The left, right and top corner show a probability of 1 for the outcome.
 * @param points Named points with three probabilities each, in the order of `corners`. Probabilities are normalized to sum 1.
 */
export function simplexFigure(
  text: FigureText,
  corners: readonly [string, string, string],
  points: readonly { readonly name: string; readonly p: readonly [number, number, number] }[],
): Figure {
  const tall = Math.sqrt(3) / 2;
  const placed = points.map(({ name, p: [a, b, c] }) => {
    const sum = a + b + c;
    return { name, x: (b + c / 2) / sum, y: c / sum * tall };
  });
  const data: PlotlyObject[] = [
    {
      type: "scatter",
      mode: "lines",
      x: [0, 1, 0.5, 0],
      y: [0, 0, number(tall), 0],
      line: { color: "#888888", width: 1.5 },
      hoverinfo: "skip",
      showlegend: false,
    },
    {
      type: "scatter",
      mode: "text",
      x: [0, 1, 0.5],
      y: [0, 0, number(tall)],
      text: corners.map(plotlyText),
      textposition: ["bottom center", "bottom center", "top center"],
      hoverinfo: "skip",
      showlegend: false,
    },
    ...placed.map(({ name, x, y }, i) => ({
      type: "scatter",
      mode: "markers",
      name: plotlyText(name),
      x: [number(x)],
      y: [number(y)],
      marker: { color: PALETTE[i % PALETTE.length]!, size: 11 },
    })),
  ];
  const hidden = { visible: false, showgrid: false };
  return figure({ height: 380, ...text }, data, {
    xaxis: { ...hidden, range: [-0.35, 1.35] },
    yaxis: { ...hidden, range: [-0.12, 1], scaleanchor: "x" },
    hovermode: "closest",
  });
}

function figure(text: FigureText, data: readonly PlotlyObject[], own: PlotlyObject): Figure {
  const { title, x = "", y = "", height = 320, layout = {} } = text;
  const axis = (key: "xaxis" | "yaxis", label: string) => ({
    ...(label === "" ? {} : { title: { text: plotlyText(label) } }),
    automargin: true,
    zeroline: false,
    ...own[key] as PlotlyObject | undefined,
    ...layout[key] as PlotlyObject | undefined,
  });
  const { xaxis: _x, yaxis: _y, ...others } = own;
  return {
    title,
    data,
    layout: {
      title: { text: plotlyText(title), font: { size: 15 }, x: 0.02, xanchor: "left" },
      margin: { l: 56, r: 16, t: 44, b: 44 },
      legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" },
      height,
      ...others,
      ...layout,
      xaxis: axis("xaxis", x),
      yaxis: axis("yaxis", y),
    },
  };
}

/** Returns a JSON value with all numbers rounded to `digits` significant digits. */
export function roundedJson<V extends Json | undefined>(value: V, digits: number): V {
  return rounded(value, digits) as V;
}

function rounded(value: Json | undefined, digits: number): Json | undefined {
  if (typeof value === "number") return significant(value, digits);
  if (Array.isArray(value)) return value.map((inner) => rounded(inner, digits) as Json);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, rounded(inner, digits) as Json]),
  );
}

/** Returns a rounded number, or null for non-finite values, which JSON cannot represent. Plotly breaks lines at null. */
function number(value: number, digits: number = DIGITS): number | null {
  return Number.isFinite(value) ? significant(value, digits) : null;
}

/** Rounds a number to at most `digits` significant digits. Returns integers unchanged. */
function significant(value: number, digits: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
}
