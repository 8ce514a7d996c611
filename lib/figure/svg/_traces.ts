/**
 * Draws Plotly traces as SVG. This file draws scatter traces: lines, markers, text, filled areas and error bars.
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
import type { Json, PlotlyObject } from "../figure.ts";
import { barSvg } from "./_bars.ts";
import { heatmapSvg } from "./_heatmap.ts";
import { colorOf, type Plane, valuesOf } from "./_plane.ts";
import { px, svgText } from "./_text.ts";

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

/**
 * Draws a trace as SVG.
 *
 * @param before Preceding trace. With `fill: "tonexty"`, the area between both traces is filled.
 * @param bars Index of a bar trace among the bar traces, and the number of bar traces.
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
