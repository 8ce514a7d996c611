/**
 * Draws bar traces as SVG.
 *
 * @module
 */
import { greatest, least } from "../../number/extent.ts";
import type { PlotlyObject } from "../figure.ts";
import { colorOf, type Plane, valuesOf } from "./_plane.ts";
import { px, svgText } from "./_text.ts";

/**
 * Draws a bar trace.
 *
 * @param options `index`: index of the trace in the figure. `bars`: index of the trace among the bar traces (`at`), and
 * the number of bar traces (`of`).
 */
export function barSvg(
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
