/**
 * Traces that a figure draws: the curves of the shown runs in the chosen unit, smoothed and colored, and their means.
 *
 * @module
 */
import {
  areDistinct,
  colorAt,
  colorAxis,
  colorOf,
  dashOf,
  groupOf,
  groupsOf,
  translucent,
} from "./colors.ts";
import { smoothed, xOf } from "./scales.ts";
import { isShown } from "./shown.ts";
import { runOf, state, type View } from "./state.ts";
import { blockMeans, categoryTrace, type Mean } from "./statistics.ts";
import type { PageFigure, PageRun, Trace } from "./types.ts";

/** Returns the traces of a figure for the shown runs. */
export function tracesOf({ data, isSteps, beside = [] }: PageFigure, view: View): Trace[] {
  const parts = data.flatMap((trace, i) => part({ ...trace, uid: `t${i}` }));
  if (!isSteps) return parts;
  const axis = colorAxis(view);
  const first = runOf(data.find(({ meta }) => meta?.run !== undefined)?.meta?.run);
  const own = areDistinct(beside.flatMap((id) => runOf(id) ?? []), axis) ? [] : beside;
  const drawn = parts.map((trace) => placed(recolored(trace, axis, own), first, view.x));
  const ofPairs = means(pairsOf(data), view, axis);
  return [
    ...drawn.flatMap((trace) => isSmooth(trace, view) ? [behind(trace), smooth(trace, view)] : [trace]),
    // A figure of pairs has means in any view: by precision if each pair has a color of its own.
    ...ofPairs.length > 0 ? ofPairs : means(pairsOf(data), view, "precision"),
    ...view.band && own.length === 0 ? means(blocksOf(drawn), view, axis) : [],
  ];
}

/** Returns the part of a trace of shown runs. */
function part(trace: Trace): Trace[] {
  const { run, points, mean, role } = trace.meta ?? {};
  if (points !== undefined) return pointsOf(trace, points.map(isShown));
  if (mean === undefined) return isShown(run) ? [trace] : [];
  if (role === "floor") return [trace];
  if (role !== "category") return []; // means over steps follow the colors
  const members = trace.meta?.members?.filter(({ run }) => isShown(run)) ?? [];
  const drawn = categoryTrace(trace, members, state.data.quantiles);
  return drawn === undefined ? [] : [drawn];
}

function pointsOf(trace: Trace, keep: readonly boolean[]): Trace[] {
  if (!keep.includes(true)) return [];
  const of = <T>(list: T): T =>
    Array.isArray(list) && list.length === keep.length ? list.filter((_, i) => keep[i]) as T : list;
  return [{
    ...trace,
    x: of(trace.x),
    y: of(trace.y),
    text: of(trace.text),
    meta: { ...trace.meta, points: of(trace.meta?.points ?? []) },
    marker: { ...trace.marker, symbol: of(trace.marker?.symbol) },
  }];
}

function edgeOf(mean: Mean | undefined, role: string | undefined): number | null {
  if (mean === undefined) return null;
  if (role === "mean") return mean.mean;
  return mean.half === undefined ? null : mean.mean + (role === "low" ? -1 : 1) * mean.half;
}

/**
 * Returns a trace of a run with the color and the line style of its values, or with a color of its own.
 *
 * @param own Runs with colors of their own.
 */
function recolored(trace: Trace, axis: string | undefined, own: readonly string[]): Trace {
  const id = trace.meta?.run, run = runOf(id);
  if (id === undefined || run === undefined) return trace;
  const isOwn = own.includes(id);
  const color = isOwn ? colorAt(own.indexOf(id)) : colorOf(axis, groupOf(run, axis));
  const dash = isOwn ? "solid" : dashOf(run, axis);
  const line = trace.line === undefined ? {} : { line: { ...trace.line, color, dash } };
  const marker = trace.marker === undefined ? {} : { marker: { ...trace.marker, color } };
  return { ...trace, ...line, ...marker };
}

/** Returns a trace over another unit. A noise floor has the units of the figure's first run. */
function placed(trace: Trace, first: PageRun | undefined, unit: View["x"]): Trace {
  if (unit === "step") return trace;
  const of = runOf(trace.meta?.run) ?? first;
  const x = trace.x.map((step) => typeof step === "number" ? finite(xOf(step, of, unit)) : step);
  return { ...trace, x };
}

const finite = (x: number): number | null => Number.isFinite(x) ? x : null;

function isSmooth({ mode, meta }: Trace, { smooth }: View): boolean {
  return smooth > 0 && mode === "lines" && meta?.run !== undefined;
}

/** Returns the raw curve, drawn pale behind the smoothed one. */
function behind(trace: Trace): Trace {
  const { uid: _, ...rest } = trace;
  return {
    ...rest,
    opacity: 0.2,
    hoverinfo: "skip",
    showlegend: false,
    line: { ...trace.line, dash: "solid", width: 1 },
  };
}

function smooth(trace: Trace, { smooth }: View): Trace {
  return { ...trace, y: smoothed(trace, smooth) };
}

/** A curve of a run that contributes to a mean: values at steps. */
interface RunCurve {
  readonly run: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/** Returns the curves of shown pairs that the figure's own means average: gaps by block of steps. */
function pairsOf(data: readonly Trace[]): RunCurve[] {
  return data.flatMap(({ meta, x }) =>
    meta?.role !== "mean" ? [] : (meta.members ?? []).filter(({ run }) => isShown(run))
      .map(({ run, y }) => ({ run, x: x as readonly number[], y: y as readonly (number | null)[] }))
  );
}

/** Returns the means of the drawn runs' curves by block of steps. */
function blocksOf(traces: readonly Trace[]): RunCurve[] {
  return traces.flatMap(({ meta }) =>
    meta?.run === undefined || meta.blocks === undefined ? [] : [{ run: meta.run, ...meta.blocks }]
  );
}

/**
 * Returns the mean of each color over its runs, with a band of its 95 % interval. Runs of different lengths, or over a unit
 * in which their steps differ, are averaged at equal places of the axis, wherever there are at least two runs.
 */
function means(curves: readonly RunCurve[], { x: unit }: View, axis: string | undefined): Trace[] {
  const members = Map.groupBy(curves, ({ run }) => groupOf(runOf(run), axis));
  const groups = axis === undefined ? [{ key: "", text: "all runs" }] : groupsOf(axis);
  return groups.flatMap(({ key, text }) => {
    const own = members.get(key) ?? [];
    if (own.length < 2) return [];
    const color = colorOf(axis, key);
    const placed = own.map(({ run, x, y }) => ({ run, x: x.map((step) => xOf(step, runOf(run), unit)), y }));
    const x = placed.map(({ x }) => x).reduce((a, b) => b.at(-1)! > a.at(-1)! ? b : a);
    const values = placed.map((one) => ({ run: one.run, y: x.map((at) => valueAt(one, at)) }));
    const found = blockMeans(values, state.data.quantiles).map((one) =>
      one === undefined || one.n < 2 ? undefined : one
    );
    const line = (role: "mean" | "low" | "high", style: Partial<Trace>): Trace => ({
      type: "scatter",
      mode: "lines",
      x: x.map(finite),
      y: found.map((one) => edgeOf(one, role)),
      hoverinfo: "skip",
      showlegend: false,
      meta: { mean: key, role, members: values },
      line: { width: 0 },
      ...style,
    });
    return [
      line("low", {}),
      line("high", { fill: "tonexty", fillcolor: translucent(color) }),
      line("mean", { name: `${text}, mean of ${own.length}, 95 % interval`, line: { color, width: 3 } }),
    ];
  });
}

/** Returns the value of a curve at a place of the axis, interpolated. Null outside of the curve and where it has no value. */
function valueAt({ x, y }: Pick<RunCurve, "x" | "y">, at: number): number | null {
  const after = x.findIndex((one) => one >= at);
  if (after < 0) return null;
  const [right, end] = [x[after]!, y[after] ?? null];
  if (right === at) return end;
  const start = y[after - 1] ?? null; // undefined before the curve
  if (start === null || end === null) return null;
  const left = x[after - 1]!;
  return start + (end - start) * (at - left) / (right - left);
}

/**
 * Merges traces of equal style into one trace with breaks between runs. Plotly's drawing time grows with the number of
 * traces. As merged traces, 1,000 lines are drawn in less than a second.
 *
 * @param traces Traces of one figure.
 * @param apart Returns true if a trace must not be merged.
 */
export function merged(traces: readonly Trace[], apart: (trace: Trace) => boolean): Trace[] {
  const looks = new Map<string, { trace: Trace; x: (number | string | null)[]; y: (number | null)[] }>();
  const rest: Trace[] = [];
  for (const trace of traces) {
    if (trace.meta?.run === undefined || trace.text || apart(trace)) {
      rest.push(trace);
      continue;
    }
    const { mode, line, marker, opacity } = trace;
    const look = JSON.stringify([mode, line?.color, line?.width, marker?.color, marker?.symbol, opacity]);
    const one = looks.get(look) ?? { trace, x: [], y: [] };
    looks.set(look, one);
    for (let i = 0; i < trace.x.length; i++) {
      one.x.push(trace.x[i] ?? null);
      one.y.push(trace.y[i] ?? null);
    }
    one.x.push(null);
    one.y.push(null);
  }
  const drawn = [...looks.values()].map(({ trace, x, y }): Trace => ({
    ...trace,
    x,
    y,
    meta: undefined,
    uid: undefined,
    hoverinfo: "skip",
    showlegend: false,
    opacity: 0.3,
    line: { ...trace.line, dash: "solid", width: 1 },
  }));
  return [...drawn, ...rest];
}
