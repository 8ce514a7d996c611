/**
 * Axes of SVG figures: maps values to pixels and places ticks.
 *
 * @module
 */
// @ts-types="@types/d3-scale"
import { scaleLinear, scaleLog } from "d3-scale";
import { greatest } from "../../number/extent.ts";
import type { Json, PlotlyObject } from "../figure.ts";

/** Axis of an SVG figure: maps values to pixels. */
export interface Axis {
  /** Title of the axis. Empty without a title. */
  readonly title: string;
  /**
   * Returns the position of a value in pixels. Returns undefined for non-finite values, unknown categories, and values
   * of at most 0 on a logarithmic axis.
   */
  place(value: Json | undefined): number | undefined;
  /** Ticks, each with its position in pixels (`at`) and its label. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  /** Width of a category in pixels. Undefined for numeric axes. */
  readonly step: number | undefined;
  /** True if grid lines are drawn. */
  readonly grid: boolean;
}

/**
 * Creates an axis from a Plotly layout.
 *
 * @param layout Plotly layout of the axis: `type`, `range`, `autorange`, `categoryarray`, `tickvals`, `ticktext`, `title`, …
 * @param values Values of all traces, for the range.
 * @param pixels Start and end of the axis in pixels.
 * @param room True to add a margin at both ends of an automatic range.
 */
export function axisOf(
  layout: PlotlyObject,
  { values, pixels, room }: {
    values: readonly (Json | undefined)[];
    pixels: readonly [number, number];
    room: boolean;
  },
): Axis {
  const reversed = layout["autorange"] === "reversed";
  const span: [number, number] = reversed ? [pixels[1], pixels[0]] : [...pixels];
  const title = titleOf(layout["title"]);
  const grid = layout["showgrid"] !== false && layout["visible"] !== false;
  const base = { title, grid };
  const given = layout["categoryarray"] as readonly Json[] | undefined;
  const isCategory = layout["type"] === "category" ||
    layout["type"] === undefined && values.some((value) => typeof value === "string");
  if (isCategory) return { ...base, ...categories(layout, { values: given ?? values, span }) };
  const numbers = values.filter((value): value is number =>
    typeof value === "number" && Number.isFinite(value)
  );
  const isLog = layout["type"] === "log";
  const domain = (layout["range"] as [number, number] | undefined)?.map((x) => isLog ? 10 ** x : x) ??
    extent(isLog ? numbers.filter((x) => x > 0) : numbers, { isLog, room });
  const scale = isLog ? scaleLog(domain, span) : scaleLinear(domain, span);
  const place = (value: Json | undefined): number | undefined =>
    typeof value === "number" && Number.isFinite(value) && (!isLog || value > 0) ? scale(value) : undefined;
  return { ...base, place, step: undefined, ticks: ticksOf(layout, { scale, span, domain, isLog }) };
}

function categories(
  layout: PlotlyObject,
  { values, span }: { values: readonly (Json | undefined)[]; span: [number, number] },
): Pick<Axis, "place" | "ticks" | "step"> {
  const names = [...new Set(values.filter((value) => value !== null && value !== undefined).map(String))];
  const range = (layout["range"] as [number, number] | undefined) ?? [-0.5, names.length - 0.5];
  const scale = scaleLinear(range, span);
  const shown = layout["showticklabels"] !== false;
  return {
    place: (value) => {
      const at = typeof value === "number" && !names.includes(String(value))
        ? value
        : names.indexOf(String(value));
      return at < 0 && typeof value !== "number" ? undefined : scale(at);
    },
    ticks: shown ? names.map((label, i) => ({ at: scale(i), label })) : [],
    step: Math.abs(scale(1) - scale(0)),
  };
}

function extent(
  numbers: readonly number[],
  { isLog, room }: { isLog: boolean; room: boolean },
): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const x of numbers) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  if (low > high) return isLog ? [1, 10] : [0, 1];
  if (low === high) {
    return isLog ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  }
  if (!room) return [low, high];
  if (isLog) return [low / (high / low) ** 0.05, high * (high / low) ** 0.05];
  return [low - 0.05 * (high - low), high + 0.05 * (high - low)];
}

function ticksOf(
  layout: PlotlyObject,
  { scale, span, domain, isLog }: {
    scale: {
      (x: number): number;
      ticks(count?: number): number[];
      tickFormat(count?: number): (x: number) => string;
    };
    span: readonly [number, number];
    domain: readonly number[];
    isLog: boolean;
  },
): Axis["ticks"] {
  if (layout["showticklabels"] === false || layout["visible"] === false) return [];
  const wanted = layout["tickvals"] as readonly number[] | undefined;
  if (wanted !== undefined) {
    const texts = layout["ticktext"] as readonly string[] | undefined;
    return wanted.map((x, i) => ({ at: scale(x), label: texts?.[i] ?? String(x) }));
  }
  const count = Math.max(2, Math.floor(Math.abs(span[1] - span[0]) / 70));
  if (isLog) {
    const powers = scale.ticks().filter((x) => Number.isInteger(Math.round(Math.log10(x) * 1e6) / 1e6));
    const every = Math.ceil(powers.length / count);
    // Over at most two decades, label 1, 2 and 5 of each.
    const few = () =>
      scale.ticks().filter((x) => [1, 2, 5].includes(Number(x.toExponential(0).split("e")[0])));
    const chosen = powers.length >= 3 ? powers.filter((_, i) => i % every === 0) : few();
    return chosen.map((x) => ({ at: scale(x), label: logLabel(x) }));
  }
  const format = scale.tickFormat(count);
  const big = greatest(domain.map(Math.abs));
  const label = big >= 1e7 || big < 1e-4
    ? (x: number) => x === 0 ? "0" : x.toExponential()
    : (x: number) => format(x);
  return scale.ticks(count).map((x) => ({ at: scale(x), label: label(x).replace("−", "-") }));
}

function logLabel(x: number): string {
  return x >= 1e-3 && x < 1e5 ? String(Number(x.toPrecision(3))) : x.toExponential().replace("e+", "e");
}

/** Returns the text of a Plotly title, which is a string or an object with `text`. */
export function titleOf(title: Json | undefined): string {
  if (typeof title === "string") return title;
  const text = (title as { text?: Json } | null | undefined)?.text;
  return typeof text === "string" ? text : "";
}
