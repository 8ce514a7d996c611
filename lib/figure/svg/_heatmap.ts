/**
 * Draws heat maps as SVG.
 *
 * @module
 */
import type { Json, PlotlyObject } from "../figure.ts";
import type { Axis } from "./_axis.ts";
import type { Plane } from "./_plane.ts";
import { px } from "./_text.ts";

/**
 * Returns the finite values of a heat map, and the values that the first color (`low`) and the last color (`high`)
 * represent.
 */
export function heatRange(trace: PlotlyObject): { finite: readonly number[]; low: number; high: number } {
  const rows = (trace["z"] ?? []) as readonly (readonly (number | null)[])[];
  const finite = rows.flat().filter((z): z is number => typeof z === "number" && Number.isFinite(z));
  return {
    finite,
    low: Number(trace["zmin"] ?? finite.reduce((a, b) => Math.min(a, b), Infinity)),
    high: Number(trace["zmax"] ?? finite.reduce((a, b) => Math.max(a, b), -Infinity)),
  };
}

/** Draws a heat map. Cells with missing or non-finite values are left empty. */
export function heatmapSvg(trace: PlotlyObject, { x, y }: Plane): string {
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

/**
 * Returns the color at a position from 0 to 1 on a color scale, a list of `[position, "#rrggbb"]`. The default scale is
 * white to blue.
 */
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
