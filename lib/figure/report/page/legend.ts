/**
 * Legends of figures as HTML. Their entries wrap on narrow screens, where Plotly cuts those of its own legends.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { LegendEntry } from "./colors.ts";
import { make } from "./dom.ts";
import { plain } from "./readout.ts";
import type { Trace } from "./types.ts";

/** Styles of CSS borders for Plotly's line styles. */
const BORDERS: Readonly<Record<string, string>> = { dot: "dotted", dash: "dashed", dashdot: "dashed" };

/** Returns an entry of a section's legend: a sample of the line, and the label. */
export function entryOf({ label, color, width, sample }: LegendEntry): HTMLElement {
  const mark = sample === undefined
    ? make("i", "", { style: `border-top: ${width}px solid ${color}` })
    : make("b", sample);
  return make("span", [mark, label]);
}

/** Returns the entries of a figure's own legend, one per named trace. A figure of a single trace has none. */
export function entriesOf(traces: readonly Trace[]): HTMLElement[] {
  const named = new Map(
    traces.filter(({ type, name, showlegend }) => type !== "heatmap" && name && showlegend !== false)
      .map((trace) => [trace.name, trace]),
  );
  return named.size < 2
    ? []
    : [...named.values()].map((trace) => make("span", [sampleOf(trace), plain(trace.name)]));
}

function sampleOf({ mode, line, marker }: Trace): HTMLElement {
  const color = line?.color ?? marker?.color;
  const isLine = mode?.includes("lines") === true || marker?.symbol === "line-ew-open";
  return isLine
    ? make("i", "", { style: `border-top: 3px ${BORDERS[line?.dash ?? ""] ?? "solid"} ${color}` })
    : make("i", "", { class: "mark", style: `background: ${color}; opacity: ${marker?.opacity ?? 1}` });
}
