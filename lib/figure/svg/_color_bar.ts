/**
 * The color bar of a heat map.
 *
 * @module
 */
import { px, svgText } from "./_text.ts";
import { colorAt, heatRange } from "./_heatmap.ts";
import type { PlotlyObject } from "../figure.ts";

/** Width of a color bar with its labels, in pixels. */
export const COLOR_BAR: number = 66;

/** Number of color steps. */
const STEPS = 24;

/** Draws the color bar at the right of a heat map, labeled with the values of the first and the last color. */
export function colorBarSvg(
  trace: PlotlyObject,
  { right, top, bottom, ink }: { right: number; top: number; bottom: number; ink: string },
): string {
  const { finite, low, high } = heatRange(trace);
  if (finite.length === 0) return "";
  const step = (bottom - top) / STEPS, x = right + 12;
  const cells = Array.from(
    { length: STEPS },
    (_, i) =>
      `<rect x="${px(x)}" y="${px(top + i * step)}" width="10" height="${px(step + 0.5)}" fill="${
        colorAt(trace["colorscale"], 1 - (i + 0.5) / STEPS)
      }"/>`,
  );
  const label = (value: number, y: number) =>
    `<text x="${px(x + 14)}" y="${px(y)}" fill="${ink}">${
      svgText(String(Number(value.toPrecision(3))))
    }</text>`;
  return `<g>${cells.join("")}${label(high, top + 10)}${high > low ? label(low, bottom) : ""}</g>`;
}
