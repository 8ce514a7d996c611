/**
 * Renders figures as SVG without a browser, for export and for notebooks without Plotly.
 *
 * Supports the Plotly options that losskit uses: scatter, bar and heatmap traces, linear, logarithmic and categorical
 * axes, shapes, annotations and the legend. Other options are ignored.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../../error/known_names.ts";
import { COLOR_BAR, colorBarSvg } from "./_color_bar.ts";
import { greatest } from "../../number/extent.ts";
import { type Axis, axisOf, titleOf } from "./_axis.ts";
import { fittedText, px, svgText, widthOf } from "./_text.ts";
import { colorOf, type Plane, valuesOf } from "./_plane.ts";
import { traceSvg } from "./_traces.ts";
import type { Figure, Json, PlotlyObject } from "../figure.ts";

/** Options of {@linkcode figureSvg}. */
export interface SvgOptions {
  /** Width in pixels. Default: the layout's width, or 700 if the layout has none. */
  readonly width?: number;
  /** Height in pixels. Default: the layout's height, or 380 if the layout has none. */
  readonly height?: number;
  /** Background and text colors. Default: `light`. */
  readonly theme?: "light" | "dark";
}

/** Names of the options. */
const NAMES = optionNames<SvgOptions>({ width: true, height: true, theme: true });

const THEMES = {
  light: { paper: "#ffffff", ink: "#24292f", grid: "#e2e6ea" },
  dark: { paper: "#15181b", ink: "#e6e9ec", grid: "#343a41" },
} as const;

/** Font sizes in pixels. */
const TITLE = 15, TEXT = 12;

/** Largest share of a figure's width that the labels of its vertical axis take. Longer labels are shortened. */
const MOST_LABELS = 0.4;

/** Width in pixels of a category whose label is shortened instead of omitted. */
const WIDE = 60;

/** Rectangle in pixels. */
interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/**
 * Renders a figure as SVG.
 *
 * @returns The text of an `svg` element with width and height. All labels are escaped.
 * @throws {RangeError} For an unknown option.
 */
export function figureSvg(figure: Figure, options: SvgOptions = {}): string {
  requireKnownNames(options, NAMES, "draw a figure");
  const { layout } = figure;
  const width = options.width ?? Number(layout["width"] ?? 700);
  const height = options.height ?? Number(layout["height"] ?? 380);
  const { paper, ink, grid } = THEMES[options.theme ?? "light"];
  const data = figure.data.filter(({ visible }) => visible !== false && visible !== "legendonly");
  const legend = legendRows(layout, data, width - 24);
  const [xLayout, yLayout] = [layout["xaxis"], layout["yaxis"]].map((axis) => (axis ?? {}) as PlotlyObject);
  const heading = titleOf(layout["title"]);
  // The widths of the vertical labels determine the left margin, so the vertical axis is created twice.
  const top = heading === "" ? 12 : 40;
  const bottom = height - 30 - (titleOf(xLayout!["title"]) === "" ? 0 : 18) - 20 * legend.length;
  const range = { values: rangeValues(data, layout, "y"), room: !hasHeatmap(data) };
  const guess = axisOf(yLayout!, { ...range, pixels: [bottom, top] });
  const heat = data.find(({ type, showscale }) => type === "heatmap" && showscale !== false);
  const bar = heat === undefined ? 0 : COLOR_BAR;
  const labels = Math.max(0, greatest(guess.ticks.map(({ label }) => widthOf(label, TEXT))));
  const box: Box = {
    left: 14 + Math.min(labels, MOST_LABELS * width) + (guess.title === "" ? 0 : 20),
    right: width - 16 - bar,
    top,
    bottom,
  };
  const x = axisOf(xLayout!, {
    values: rangeValues(data, layout, "x"),
    pixels: [box.left, box.right],
    room: data.some((trace) => trace["type"] === "bar" || String(trace["mode"] ?? "").includes("markers")),
  });
  const plane: Plane = { x, y: guess, ink };
  // IDs are global to a page. Equal IDs always describe equal boxes.
  const clip = `box-${[box.left, box.top, box.right, box.bottom].map(Math.round).join("-")}`;
  const bars = data.filter(({ type }) => type === "bar");
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="system-ui, sans-serif" font-size="${TEXT}" role="img" aria-label="${
      svgText(figure.title)
    }">`,
    `<rect width="${width}" height="${height}" fill="${paper}"/>`,
    heading === ""
      ? ""
      : `<text x="14" y="24" font-size="${TITLE}" font-weight="600" fill="${ink}">${
        fittedText(heading, TITLE, width - 28)
      }</text>`,
    axesSvg(plane, box, { grid, width, height }),
    `<clipPath id="${clip}"><rect x="${px(box.left)}" y="${px(box.top - 1)}" width="${
      px(box.right - box.left)
    }" height="${px(box.bottom - box.top + 2)}"/></clipPath>`,
    `<g clip-path="url(#${clip})">`,
    shapesSvg(layout, plane, box),
    ...data.map((trace, index) =>
      traceSvg(trace, plane, {
        index,
        before: data[index - 1],
        bars: { at: Math.max(0, bars.indexOf(trace)), of: layout["barmode"] === "overlay" ? 1 : bars.length },
      })
    ),
    "</g>",
    annotationsSvg(layout, plane, box),
    heat === undefined ? "" : colorBarSvg(heat, { ...box, ink }),
    legendSvg(legend, { top: height - 20 * legend.length, ink, width }),
    "</svg>",
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function hasHeatmap(data: readonly PlotlyObject[]): boolean {
  return data.some(({ type }) => type === "heatmap");
}

/** Returns all values that the range of an axis must include. */
function rangeValues(data: readonly PlotlyObject[], layout: PlotlyObject, key: "x" | "y"): Json[] {
  const values = data.flatMap((trace): readonly Json[] => {
    if (trace["type"] === "heatmap") return heatmapRange(trace, key);
    const own = valuesOf(trace, key);
    const bars = trace[`error_${key}`] as PlotlyObject | undefined;
    const reach = Array.isArray(bars?.["array"]) ? bars["array"] as number[] : [];
    const ends = reach.flatMap((up, i) => [Number(own[i]) - up, Number(own[i]) + up]);
    const isValue = trace["type"] === "bar" && (trace["orientation"] === "h") === (key === "x");
    return [
      ...own,
      ...ends,
      ...isValue && (layout[`${key}axis`] as PlotlyObject)?.["type"] !== "log" ? [0] : [],
    ];
  });
  return values as Json[];
}

/** Returns the outer edges of a heat map, half a cell beyond the outer centers. */
function heatmapRange(trace: PlotlyObject, key: "x" | "y"): readonly Json[] {
  const rows = (trace["z"] ?? []) as readonly (readonly number[])[];
  const count = key === "x" ? rows[0]?.length ?? 0 : rows.length;
  const own = trace[key];
  if (Array.isArray(own) && typeof own[0] === "string") return own;
  const numbers = Array.isArray(own) ? own as number[] : Array.from({ length: count }, (_, i) => i);
  const half = numbers.length > 1 ? (numbers[1]! - numbers[0]!) / 2 : 0.5;
  return numbers.length === 0 ? [] : [numbers[0]! - half, numbers.at(-1)! + half];
}

function axesSvg(
  { x, y, ink }: Plane,
  box: Box,
  { grid, width, height }: { grid: string; width: number; height: number },
): string {
  const lines = (axis: Axis, path: (at: number) => string) =>
    axis.grid ? axis.ticks.map(({ at }) => path(at)).join("") : "";
  // Labels of wide categories are shortened. Other labels that would overlap are omitted.
  const isShortened = x.step !== undefined && x.step >= WIDE;
  const labels = isShortened ? x.ticks : sparse(x.ticks, TEXT);
  const parts = [
    `<path d="${lines(x, (at) => `M${px(at)},${px(box.top)}V${px(box.bottom)}`)}${
      lines(y, (at) => `M${px(box.left)},${px(at)}H${px(box.right)}`)
    }" stroke="${grid}" fill="none"/>`,
    ...labels.map(({ at, label }) =>
      `<text x="${px(at)}" y="${px(box.bottom + 16)}" text-anchor="middle" fill="${ink}">${
        fittedText(label, TEXT, Math.min(roomAt(at, width), isShortened ? x.step! - 6 : Infinity))
      }</text>`
    ),
    ...y.ticks.map(({ at, label }) =>
      `<text x="${px(box.left - 6)}" y="${px(at + 4)}" text-anchor="end" fill="${ink}">${
        fittedText(label, TEXT, box.left - 13 - (y.title === "" ? 0 : 20))
      }</text>`
    ),
    x.title === ""
      ? ""
      : `<text x="${px((box.left + box.right) / 2)}" y="${
        px(box.bottom + 36)
      }" text-anchor="middle" fill="${ink}">${
        fittedText(x.title, TEXT, roomAt((box.left + box.right) / 2, width))
      }</text>`,
    y.title === ""
      ? ""
      : `<text transform="translate(16,${
        px((box.top + box.bottom) / 2)
      }) rotate(-90)" text-anchor="middle" fill="${ink}">${
        fittedText(y.title, TEXT, roomAt((box.top + box.bottom) / 2, height))
      }</text>`,
  ];
  return parts.join("");
}

/** Returns the largest width of a text that is centered at a position of a figure. */
function roomAt(at: number, size: number): number {
  return 2 * Math.min(at, size - at);
}

/** Keeps every n-th tick, with the smallest n whose labels do not overlap. */
function sparse(ticks: Axis["ticks"], size: number): Axis["ticks"] {
  const widest = Math.max(0, greatest(ticks.map(({ label }) => widthOf(label, size))));
  const [a, b] = ticks;
  const step = a === undefined || b === undefined ? Infinity : Math.abs(b.at - a.at);
  const every = Math.max(1, Math.ceil((widest + 6) / step));
  return ticks.filter((_, i) => i % every === 0);
}

/** Returns the position of a value on an axis or, for paper coordinates, in the box. */
function placed(
  value: Json | undefined,
  axis: Axis,
  paper: { is: boolean; from: number; to: number },
): number {
  return paper.is ? paper.from + Number(value) * (paper.to - paper.from) : axis.place(value) ?? NaN;
}

function shapesSvg(layout: PlotlyObject, { x, y, ink }: Plane, box: Box): string {
  const shapes = (layout["shapes"] ?? []) as readonly PlotlyObject[];
  return shapes.map((shape) => {
    const paper = (ref: string) =>
      String(shape[ref] ?? "").startsWith("paper") || String(shape[ref] ?? "").endsWith("domain");
    const at = (key: string) =>
      key.startsWith("x")
        ? placed(shape[key], x, { is: paper("xref"), from: box.left, to: box.right })
        : placed(shape[key], y, { is: paper("yref"), from: box.bottom, to: box.top });
    const [x0, x1, y0, y1] = ["x0", "x1", "y0", "y1"].map(at) as [number, number, number, number];
    if (![x0, x1, y0, y1].every(Number.isFinite)) return "";
    // Skip shapes outside of the box: resvg crashes on lines far outside of a clip path.
    const isOut = (a: number, b: number, low: number, high: number) =>
      Math.max(a, b) < low || Math.min(a, b) > high;
    if (isOut(x0, x1, box.left, box.right) || isOut(y0, y1, box.top, box.bottom)) return "";
    const style = (shape["line"] ?? {}) as PlotlyObject;
    const dash = style["dash"] === undefined || style["dash"] === "solid" ? "" : ` stroke-dasharray="4 4"`;
    const stroke = `stroke="${svgText(String(style["color"] ?? ink))}" stroke-width="${
      Number(style["width"] ?? 2)
    }"${dash}`;
    if (shape["type"] === "rect") {
      const fill = `fill="${svgText(String(shape["fillcolor"] ?? "none"))}" opacity="${
        Number(shape["opacity"] ?? 1)
      }"`;
      return `<rect x="${px(Math.min(x0, x1))}" y="${px(Math.min(y0, y1))}" width="${
        px(Math.abs(x1 - x0))
      }" height="${px(Math.abs(y1 - y0))}" ${fill} ${stroke}/>`;
    }
    return shape["type"] === "line" ? `<path d="M${px(x0)},${px(y0)}L${px(x1)},${px(y1)}" ${stroke}/>` : "";
  }).join("");
}

function annotationsSvg(layout: PlotlyObject, { x, y, ink }: Plane, box: Box): string {
  const annotations = (layout["annotations"] ?? []) as readonly PlotlyObject[];
  return annotations.map((note) => {
    const left = placed(note["x"], x, { is: note["xref"] === "paper", from: box.left, to: box.right });
    const top = placed(note["y"], y, { is: note["yref"] === "paper", from: box.bottom, to: box.top });
    if (!Number.isFinite(left) || !Number.isFinite(top)) return "";
    const anchor = { left: "start", right: "end" }[String(note["xanchor"])] ?? "middle";
    const color = ((note["font"] ?? {}) as PlotlyObject)["color"] ?? ink;
    return `<text x="${px(left)}" y="${px(top)}" text-anchor="${anchor}" fill="${svgText(String(color))}">${
      svgText(String(note["text"] ?? ""))
    }</text>`;
  }).join("");
}

/** Entry of the legend. */
interface Entry {
  readonly name: string;
  readonly color: string;
  readonly left: number;
}

function legendRows(layout: PlotlyObject, data: readonly PlotlyObject[], width: number): Entry[][] {
  const entries = data.map((trace, i) => ({ trace, color: colorOf(trace, i) }))
    .filter(({ trace }) => trace["showlegend"] !== false && typeof trace["name"] === "string");
  if (layout["showlegend"] === false || entries.length < (layout["showlegend"] === true ? 1 : 2)) return [];
  const rows: Entry[][] = [];
  let left = Infinity;
  for (const { trace, color } of entries) {
    const name = String(trace["name"]), own = widthOf(name, TEXT) + 40;
    if (left + own > width) {
      rows.push([]);
      left = 14;
    }
    rows.at(-1)!.push({ name, color, left });
    left += own;
  }
  return rows;
}

function legendSvg(
  rows: readonly Entry[][],
  { top, ink, width }: { top: number; ink: string; width: number },
): string {
  return rows.flatMap((row, i) =>
    row.map(({ name, color, left }) => {
      const y = top + 20 * i + 9;
      return `<path d="M${px(left)},${y}H${px(left + 20)}" stroke="${svgText(color)}" stroke-width="4"/>` +
        `<text x="${px(left + 26)}" y="${y + 4}" fill="${ink}">${
          fittedText(name, TEXT, width - left - 32)
        }</text>`;
    })
  ).join("");
}
