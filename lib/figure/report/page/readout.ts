/**
 * Shows the values of all runs in a figure at the position of the pointer, or at the point selected with the arrow
 * keys.
 *
 * @module
 */
import { X_TITLES } from "./scales.ts";
import { runOf, view } from "./state.ts";
import type { Plot } from "./plot_types.ts";
import type { Trace } from "./types.ts";

/** Share of a curve's points that one press of an arrow key skips. */
const LEAP = 1 / 40;

/** Maximum number of other runs whose values are listed. */
const MOST = 10;

/** Decodes the entities in a name escaped for Plotly. */
export const plain = (name = ""): string =>
  name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const number = (y: number | null | undefined): string =>
  y === null || y === undefined ? "not finite" : String(Number(y.toPrecision(6)));

const pairOf = ({ meta }: Trace, at: number): string | undefined =>
  runOf(meta?.points?.[at] ?? meta?.run)?.pair;

/**
 * Shows the values of a curve and its pair at one horizontal position, then the values of other runs.
 *
 * @returns The key of the pair.
 */
export function pointAt(
  plot: Plot,
  trace: Trace,
  { x, at }: { x: number | string | null; at: number },
): string | undefined {
  const pair = pairOf(trace, at);
  const alike = plot.traces.filter((other) =>
    other.mode === trace.mode && other.hoverinfo !== "skip" && other.meta?.run !== undefined
  );
  const own = pair === undefined ? [trace] : alike.filter((other) => pairOf(other, at) === pair);
  const say = (line: Trace) => {
    const nearest = line === trace ? at : nearestPoint(line, x);
    return `${plain(line.name)} ${number(line.y[nearest])}`;
  };
  const others = alike.filter((other) => !own.includes(other));
  const more = others.length > MOST ? ` and ${others.length - MOST} more` : "";
  const rest = others.length === 0 ? "" : `; others: ${others.slice(0, MOST).map(say).join(", ")}${more}`;
  const where = typeof x === "number" ? `${plot.figure.isSteps ? X_TITLES[view().x] : "x"} ${number(x)}` : x;
  plot.readout.textContent = `${where}: ${(own.length === 0 ? [trace] : own).map(say).join(", ")}${rest}`;
  return pair;
}

function nearestPoint(line: Trace, x: number | string | null): number {
  const distance = (at: number): number => Math.abs(Number(line.x[at]) - Number(x));
  let best = 0;
  for (let at = 1; at < line.x.length; at++) if (distance(at) < distance(best)) best = at;
  return best;
}

/**
 * Moves along a curve with the left and right arrow keys, and to another curve with up and down.
 *
 * @returns The key of the curve's pair.
 */
export function walk(plot: Plot, key: string): string | undefined {
  const curves = plot.traces.filter(({ x, hoverinfo }) =>
    x !== undefined && x.length > 0 && hoverinfo !== "skip"
  );
  if (curves.length === 0) return undefined;
  plot.curve = Math.min(plot.curve, curves.length - 1);
  if (key === "ArrowUp") plot.curve = (plot.curve + curves.length - 1) % curves.length;
  if (key === "ArrowDown") plot.curve = (plot.curve + 1) % curves.length;
  const trace = curves[plot.curve]!;
  const leap = Math.max(1, Math.round(trace.x.length * LEAP));
  const from = plot.place ?? trace.x.length - 1;
  const to = from + (key === "ArrowRight" ? leap : key === "ArrowLeft" ? -leap : 0);
  plot.place = Math.max(0, Math.min(trace.x.length - 1, to));
  return pointAt(plot, trace, { x: trace.x[plot.place] ?? null, at: plot.place });
}
