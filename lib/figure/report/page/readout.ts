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

/** Share of a curve's length by which a position may lie beyond the curve's ends and still be read. */
const BEYOND = 1 / 40;

/** Distance in pixels up to which the pointer is at a mark, such as a validation loss, and not at a line. */
const AT_MARK = 10;

/** Decodes the entities in a name escaped for Plotly. */
export const plain = (name = ""): string =>
  name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const number = (y: number | null | undefined): string =>
  y === null || y === undefined ? "not finite" : String(Number(y.toPrecision(6)));

const pairOf = ({ meta }: Trace, at: number): string | undefined =>
  runOf(meta?.points?.[at] ?? meta?.run)?.pair;

/**
 * Shows the values of a curve and its pair at one horizontal position, then the values of all other runs that
 * have one there.
 *
 * @returns The key of the pair.
 */
export function pointAt(
  plot: Plot,
  trace: Trace,
  { x, at }: { x: number | string | null; at: number },
): string | undefined {
  const pair = pairOf(trace, at);
  const alike = plot.readable.filter((other) =>
    other.mode === trace.mode && other.hoverinfo !== "skip" && other.meta?.run !== undefined
  );
  const own = pair === undefined ? [trace] : alike.filter((other) => pairOf(other, at) === pair);
  const say = (line: Trace) => {
    const nearest = line === trace ? at : nearestPoint(line, x);
    return `${plain(line.name)} ${number(line.y[nearest])}`;
  };
  const others = alike.filter((other) => !own.includes(other) && reaches(other, x));
  const rest = others.length === 0 ? "" : `; others: ${others.map(say).join(", ")}`;
  const where = typeof x === "number" ? `${plot.figure.isSteps ? X_TITLES[view().x] : "x"} ${number(x)}` : x;
  plot.readout.textContent = `${where}: ${(own.length === 0 ? [trace] : own).map(say).join(", ")}${rest}`;
  return pair;
}

function nearestPoint(line: Trace, x: number | string | null): number {
  const wanted = Number(x);
  let best = 0, least = Infinity;
  for (let at = 0; at < line.x.length; at++) {
    const distance = Math.abs(Number(line.x[at]) - wanted);
    if (distance < least) [best, least] = [at, distance];
  }
  return best;
}

/** Returns false if a curve ends before a position, or begins after it: it has no value there. */
function reaches({ x: places }: Trace, x: number | string | null): boolean {
  if (typeof x !== "number") return true;
  const first = Number(places[0]), last = Number(places.at(-1)), margin = (last - first) * BEYOND;
  return x >= first - margin && x <= last + margin;
}

/**
 * Shows the values at the pointer, of the curve nearest to the pointer first.
 *
 * @returns The key of the curve's pair. Undefined outside of the axes.
 */
export function pointNear(
  plot: Plot,
  pointer: { readonly clientX: number; readonly clientY: number },
): string | undefined {
  const axes = plot.element._fullLayout;
  if (axes === undefined) return undefined;
  const { xaxis, yaxis } = axes, { left, top } = plot.element.getBoundingClientRect();
  const right = pointer.clientX - left - xaxis._offset, down = pointer.clientY - top - yaxis._offset;
  if (right < 0 || right > xaxis._length || down < 0 || down > yaxis._length) return undefined;
  const x = xaxis.p2d(right);
  let found: { trace: Trace; at: number } | undefined, least = Infinity;
  for (const trace of curvesOf(plot)) {
    const at = nearestPoint(trace, x), y = trace.y[at];
    if (y === null || y === undefined) continue;
    const distance = Math.hypot(xaxis.d2p(Number(trace.x[at])) - right, yaxis.d2p(y) - down);
    if (trace.mode !== "lines" && distance > AT_MARK) continue;
    if (distance < least) [found, least] = [{ trace, at }, distance];
  }
  return found && pointAt(plot, found.trace, { x: found.trace.x[found.at] ?? null, at: found.at });
}

/** Returns the traces whose values can be read. */
function curvesOf({ readable }: Plot): Trace[] {
  return readable.filter(({ x, hoverinfo }) => x !== undefined && x.length > 0 && hoverinfo !== "skip");
}

/**
 * Moves along a curve with the left and right arrow keys, and to another curve with up and down.
 *
 * @returns The key of the curve's pair.
 */
export function walk(plot: Plot, key: string): string | undefined {
  const curves = curvesOf(plot);
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
