/**
 * Draws Plotly traces as SVG: scatter (lines, markers, text, filled areas, error bars), bar and heatmap.
 *
 * @module
 */
// @ts-types="@types/d3-shape"
import {
  area,
  line,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTimes,
  symbolTriangle,
} from "d3-shape";
import { greatest, least } from "../../number/extent.ts";
import type { Axis } from "./_axis.ts";
import { px, svgText } from "./_text.ts";
import type { Json, PlotlyObject } from "../figure.ts";

/** Axes and text color for drawing a trace. */
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

const DASHES: Readonly<Record<string, string>> = {
  dot: "2 3",
  dash: "7 5",
  longdash: "12 6",
  dashdot: "7 4 2 4",
};

const SYMBOLS: Readonly<Record<string, typeof symbolCircle>> = {
  circle: symbolCircle,
  square: symbolSquare,
  diamond: symbolDiamond,
  cross: symbolCross,
  x: symbolTimes,
  "triangle-up": symbolTriangle,
  star: symbolStar,
};

/** Returns the color of a trace, or the default color for its index. */
export function colorOf(trace: PlotlyObject, index: number): string {
  for (const style of [trace["line"], trace["marker"]]) {
    const color = (style as PlotlyObject | undefined)?.["color"];
    if (typeof color === "string") return color;
  }
  return DEFAULT_COLORS[index % DEFAULT_COLORS.length]!;
}

/** Returns the x or y values of a trace. A missing x counts from 0. */
export function valuesOf(trace: PlotlyObject, key: "x" | "y"): readonly Json[] {
  const values = trace[key];
  if (Array.isArray(values)) return values;
  const others = trace[key === "x" ? "y" : "x"];
  return Array.isArray(others) ? others.map((_, i) => i) : [];
}

/**
 * Draws a trace as SVG.
 *
 * @param before Preceding trace, the other edge of `fill: "tonexty"`.
 * @param bars Index of a bar trace among the bar traces, and their number.
 */
export function traceSvg(
  trace: PlotlyObject,
  plane: Plane,
  { index, before, bars }: {
    index: number;
    before?: PlotlyObject | undefined;
    bars: { at: number; of: number };
  },
): string {
  const opacity = typeof trace["opacity"] === "number" && trace["opacity"] < 1
    ? ` stroke-opacity="${trace["opacity"]}" fill-opacity="${trace["opacity"]}"`
    : "";
  const body = trace["type"] === "bar"
    ? barSvg(trace, plane, { index, bars })
    : trace["type"] === "heatmap"
    ? heatmapSvg(trace, plane)
    : scatterSvg(trace, plane, { index, before });
  return `<g${opacity}>${body}</g>`;
}

type Place = readonly [number | undefined, number | undefined];

function placesOf(trace: PlotlyObject, { x, y }: Plane): Place[] {
  const ys = valuesOf(trace, "y");
  return valuesOf(trace, "x").map((value, i) => [x.place(value), y.place(ys[i])]);
}

const isPlaced = (place: Place): place is readonly [number, number] =>
  place[0] !== undefined && place[1] !== undefined;

function scatterSvg(
  trace: PlotlyObject,
  plane: Plane,
  { index, before }: { index: number; before?: PlotlyObject | undefined },
): string {
  const mode = typeof trace["mode"] === "string" ? trace["mode"] : "lines+markers";
  const color = colorOf(trace, index);
  const places = placesOf(trace, plane);
  const style = (trace["line"] ?? {}) as PlotlyObject;
  const parts: string[] = [];
  const fill = trace["fill"];
  if (typeof fill === "string" && fill !== "none") {
    const paint = typeof trace["fillcolor"] === "string"
      ? `fill="${svgText(trace["fillcolor"])}"`
      : `fill="${svgText(color)}" fill-opacity="0.25"`;
    parts.push(
      `<path d="${
        areaOf(places, fill === "tonexty" && before !== undefined ? placesOf(before, plane) : fill, plane)
      }" ${paint} stroke="none"/>`,
    );
  }
  if (mode.includes("lines") && style["width"] !== 0) {
    const path = line<Place>((place) =>
      place[0]!, (place) => place[1]!).defined(isPlaced).digits(1)(places) ?? "";
    const dash = DASHES[String(style["dash"])];
    parts.push(
      `<path d="${path}" fill="none" stroke="${svgText(color)}" stroke-width="${
        Number(style["width"] ?? 2)
      }" ` +
        `stroke-linejoin="round"${dash === undefined ? "" : ` stroke-dasharray="${dash}"`}/>`,
    );
  }
  parts.push(errorBars(trace, plane, color));
  if (mode.includes("markers")) parts.push(markersSvg(trace, places, color));
  if (mode.includes("text")) {
    const texts = trace["text"];
    const positions = trace["textposition"] ?? "middle center";
    places.filter(isPlaced).forEach(([x, y], i) => {
      const text = Array.isArray(texts) ? texts[i] : texts;
      const [dx, dy, anchor] = textOffset(String(Array.isArray(positions) ? positions[i] : positions));
      parts.push(
        `<text x="${px(x + dx)}" y="${px(y + dy)}" text-anchor="${anchor}" fill="${plane.ink}">${
          svgText(String(text ?? ""))
        }</text>`,
      );
    });
  }
  return parts.join("");
}

function areaOf(places: readonly Place[], to: string | readonly Place[], { y }: Plane): string {
  if (to === "toself") {
    return `${
      line<Place>((place) => place[0]!, (place) => place[1]!).defined(isPlaced).digits(1)(places) ?? ""
    }Z`;
  }
  const floor = y.place(0) ?? y.ticks[0]?.at ?? 0;
  if (typeof to === "string") {
    return area<Place>((place) => place[0]!, () => floor, (place) => place[1]!).defined(isPlaced).digits(1)(
      places,
    ) ?? "";
  }
  const there = places.filter(isPlaced), back = to.filter(isPlaced).toReversed();
  return `${line().digits(1)([...there, ...back] as [number, number][]) ?? ""}Z`;
}

function markersSvg(trace: PlotlyObject, places: readonly Place[], color: string): string {
  const marker = (trace["marker"] ?? {}) as PlotlyObject;
  const at = (key: string, i: number): Json | undefined => {
    const value = marker[key];
    return Array.isArray(value) ? value[i] : value;
  };
  return places.map((place, i) => {
    if (!isPlaced(place)) return "";
    const name = String(at("symbol", i) ?? "circle"), size = Number(at("size", i) ?? 6);
    const own = typeof at("color", i) === "string" ? String(at("color", i)) : color;
    const open = /-(open|thin)/.test(name);
    const stroke = Number(((marker["line"] ?? {}) as PlotlyObject)["width"] ?? (open ? 1.5 : 0));
    const where = `transform="translate(${px(place[0])},${px(place[1])})"`;
    const paint = `stroke="${svgText(own)}" stroke-width="${stroke}" fill="${open ? "none" : svgText(own)}"`;
    if (name.startsWith("line-ew")) return `<path d="M${-size / 2},0H${size / 2}" ${where} ${paint}/>`;
    const shape = SYMBOLS[name.replaceAll(/-(open|thin)/g, "")] ?? symbolCircle;
    return `<path d="${symbol(shape, size * size * 0.8).digits(1)()}" ${where} ${paint}/>`;
  }).join("");
}

function errorBars(trace: PlotlyObject, { x, y }: Plane, color: string): string {
  const xs = valuesOf(trace, "x"), ys = valuesOf(trace, "y");
  const parts: string[] = [];
  for (const key of ["x", "y"] as const) {
    const bars = trace[`error_${key}`] as PlotlyObject | undefined;
    if (bars === undefined || bars["visible"] === false || !Array.isArray(bars["array"])) continue;
    const plus = bars["array"] as readonly number[];
    const minus = bars["symmetric"] !== false && !Array.isArray(bars["arrayminus"])
      ? plus
      : bars["arrayminus"] as readonly number[];
    plus.forEach((up, i) => {
      const center = Number((key === "x" ? xs : ys)[i]);
      const [axis, across] = key === "x" ? [x, y.place(ys[i])] : [y, x.place(xs[i])];
      const ends = [axis.place(center - (minus?.[i] ?? up)), axis.place(center + up)];
      if (across === undefined || ends[0] === undefined || ends[1] === undefined) return;
      const [a, b, c] = [px(ends[0]), px(ends[1]), across];
      parts.push(
        key === "x"
          ? `M${a},${px(c - 3)}V${px(c + 3)}M${a},${px(c)}H${b}M${b},${px(c - 3)}V${px(c + 3)}`
          : `M${px(c - 3)},${a}H${px(c + 3)}M${px(c)},${a}V${b}M${px(c - 3)},${b}H${px(c + 3)}`,
      );
    });
    const own = typeof bars["color"] === "string" ? bars["color"] : color;
    if (parts.length > 0) {
      return `<path d="${parts.join("")}" stroke="${svgText(own)}" stroke-width="${
        Number(bars["thickness"] ?? 1.5)
      }" fill="none"/>`;
    }
  }
  return "";
}

function textOffset(position: string): [dx: number, dy: number, anchor: string] {
  const dy = position.includes("top") ? -8 : position.includes("bottom") ? 16 : 4;
  const anchor = position.includes("left") ? "end" : position.includes("right") ? "start" : "middle";
  return [anchor === "end" ? -8 : anchor === "start" ? 8 : 0, dy, anchor];
}

function barSvg(
  trace: PlotlyObject,
  plane: Plane,
  { index, bars }: { index: number; bars: { at: number; of: number } },
): string {
  const flat = trace["orientation"] === "h";
  const along = valuesOf(trace, flat ? "y" : "x"), heights = valuesOf(trace, flat ? "x" : "y");
  const [base, value] = flat ? [plane.y, plane.x] : [plane.x, plane.y];
  const own = ((trace["marker"] ?? {}) as PlotlyObject)["color"];
  const texts = trace["text"];
  const first = base.place(along[0]), second = base.place(along[1]);
  const step = base.step ?? (first !== undefined && second !== undefined ? Math.abs(second - first) : 40);
  const width = step * 0.8 / bars.of;
  // A log axis has no 0: bars start at its lower end.
  const floor = value.place(0) ??
    (flat ? least : greatest)(value.ticks.map(({ at }) => at));
  return along.map((name, i) => {
    const center = base.place(name), end = value.place(heights[i]);
    if (center === undefined || end === undefined) return "";
    const from = center - step * 0.4 + bars.at * width;
    const color = Array.isArray(own) ? String(own[i]) : typeof own === "string" ? own : colorOf(trace, index);
    const [low, length] = [Math.min(floor, end), Math.abs(end - floor)];
    const box = flat
      ? `x="${px(low)}" y="${px(from)}" width="${px(length)}" height="${px(width)}"`
      : `x="${px(from)}" y="${px(low)}" width="${px(width)}" height="${px(length)}"`;
    const text = Array.isArray(texts) ? texts[i] : undefined;
    const label = text === undefined || text === null
      ? ""
      : flat
      ? `<text x="${px(end + 4)}" y="${px(center + 4)}" fill="${plane.ink}">${svgText(String(text))}</text>`
      : `<text x="${px(from + width / 2)}" y="${
        px(Math.min(floor, end) - 4)
      }" text-anchor="middle" fill="${plane.ink}">${svgText(String(text))}</text>`;
    return `<rect ${box} fill="${svgText(color)}"/>${label}`;
  }).join("");
}

/** Returns the finite values of a heat map, and those of the first and the last color. */
export function heatRange(trace: PlotlyObject): { finite: readonly number[]; low: number; high: number } {
  const rows = (trace["z"] ?? []) as readonly (readonly (number | null)[])[];
  const finite = rows.flat().filter((z): z is number => typeof z === "number" && Number.isFinite(z));
  return {
    finite,
    low: Number(trace["zmin"] ?? finite.reduce((a, b) => Math.min(a, b), Infinity)),
    high: Number(trace["zmax"] ?? finite.reduce((a, b) => Math.max(a, b), -Infinity)),
  };
}

function heatmapSvg(trace: PlotlyObject, { x, y }: Plane): string {
  const rows = (trace["z"] ?? []) as readonly (readonly (number | null)[])[];
  const { finite, low, high } = heatRange(trace);
  const xs = Array.isArray(trace["x"]) ? trace["x"] as Json[] : rows[0]?.map((_, i) => i) ?? [];
  const ys = Array.isArray(trace["y"]) ? trace["y"] as Json[] : rows.map((_, i) => i);
  const sizeOf = (axis: Axis, values: readonly Json[]) => {
    const [a, b] = [axis.place(values[0]), axis.place(values[1])];
    return axis.step ?? (a !== undefined && b !== undefined ? Math.abs(b - a) : 40);
  };
  const [w, h] = [sizeOf(x, xs), sizeOf(y, ys)];
  const isWhole = finite.length === xs.length * ys.length;
  const [left, right, top, bottom] = [x.place(xs[0]), x.place(xs.at(-1)), y.place(ys[0]), y.place(ys.at(-1))];
  const area =
    !isWhole || left === undefined || right === undefined || top === undefined || bottom === undefined
      ? ""
      : `<rect x="${px(Math.min(left, right) - w / 2)}" y="${px(Math.min(top, bottom) - h / 2)}" ` +
        `width="${px(Math.abs(right - left) + w)}" height="${px(Math.abs(bottom - top) + h)}" ` +
        `fill="${colorAt(trace["colorscale"], 0)}"/>`;
  return area + rows.map((row, r) =>
    row.map((z, c) => {
      const cx = x.place(xs[c]), cy = y.place(ys[r]);
      if (cx === undefined || cy === undefined || z === null || !Number.isFinite(z)) return "";
      // The background already has the color of the lowest value.
      if (area !== "" && z <= low && high > low) return "";
      const color = colorAt(trace["colorscale"], high > low ? (z - low) / (high - low) : 0.5);
      return `<rect x="${px(cx - w / 2)}" y="${px(cy - h / 2)}" width="${px(w)}" height="${
        px(h)
      }" fill="${color}"/>`;
    }).join("")
  ).join("");
}

/** Returns the color at a position of a `[position, #rrggbb]` scale. Default scale: white to blue. */
export function colorAt(scale: Json | undefined, place: number): string {
  const stops = Array.isArray(scale)
    ? scale as [number, string][]
    : [[0, "#ffffff"], [1, "#08519c"]] as [number, string][];
  const at = Math.min(1, Math.max(0, place));
  const next = Math.max(1, stops.findIndex(([stop]) => stop >= at));
  const [[from, a], [to, b]] = [stops[next - 1]!, stops[next]!];
  const part = to > from ? (at - from) / (to - from) : 0;
  const channel = (color: string, i: number) => parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16);
  return `#${
    [0, 1, 2].map((i) =>
      Math.round(channel(a, i) + part * (channel(b, i) - channel(a, i))).toString(16).padStart(2, "0")
    ).join("")
  }`;
}
