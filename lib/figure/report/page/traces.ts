/**
 * Traces that a figure draws: the curves of the shown runs in the chosen unit, smoothed and colored, and their means.
 *
 * @module
 */
import { colorAxis, colorOf, dashOf, groupOf, groupsOf, translucent } from "./colors.ts";
import { smoothed, xOf } from "./scales.ts";
import { isShown } from "./shown.ts";
import { runOf, state, type View } from "./state.ts";
import { blockMeans, categoryTrace, type Mean } from "./statistics.ts";
import type { Member, PageFigure, Trace } from "./types.ts";

/** Returns the traces of a figure for the shown runs. */
export function tracesOf({ data, isSteps }: PageFigure, view: View): Trace[] {
  const parts = data.flatMap((trace, i) => part({ ...trace, uid: `t${i}` }, data));
  if (!isSteps) return parts;
  const axis = colorAxis(view);
  const drawn = parts.map((trace) => placed(recolored(trace, axis), view.x));
  const isLoss = drawn.some(({ meta }) => meta?.blocks !== undefined);
  return [
    ...drawn.flatMap((trace) => isSmooth(trace, view) ? [behind(trace), smooth(trace, view)] : [trace]),
    ...view.band && isLoss ? bands(drawn, view, axis) : [],
  ];
}

/** Returns the part of a trace of shown runs. */
function part(trace: Trace, data: readonly Trace[]): Trace[] {
  const { run, points, mean, role } = trace.meta ?? {};
  if (points !== undefined) return pointsOf(trace, points.map(isShown));
  if (mean === undefined) return isShown(run) ? [trace] : [];
  if (role === "floor") return [trace];
  const of = data.find(({ meta }) => meta?.mean === mean && meta.members !== undefined);
  const members = of?.meta?.members?.filter(({ run }) => isShown(run)) ?? [];
  const { quantiles } = state.data;
  if (role === "category") {
    const drawn = categoryTrace(trace, members, quantiles);
    return drawn === undefined ? [] : [drawn];
  }
  return meanTrace(trace, members, quantiles);
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

/** Returns the mean of members per block, or an edge of its interval. A mean of one run is not drawn. */
function meanTrace(trace: Trace, members: readonly Member[], quantiles: readonly number[]): Trace[] {
  if (members.length < 2) return [];
  const rows = members.map(({ run, y }) => ({ run, y: y as readonly (number | null)[] }));
  const means = blockMeans(rows, quantiles), { label = "", role } = trace.meta ?? {};
  const name = role === "mean" ? `${label}, mean of ${members.length}, 95 % interval` : trace.name;
  return [{
    ...trace,
    ...name !== undefined && { name },
    y: means.map((one) => edgeOf(one, role)),
    meta: { ...trace.meta, members: rows },
  }];
}

function edgeOf(mean: Mean | undefined, role: string | undefined): number | null {
  if (mean === undefined) return null;
  if (role === "mean") return mean.mean;
  return mean.half === undefined ? null : mean.mean + (role === "low" ? -1 : 1) * mean.half;
}

/** Returns a trace of a run with the color and the line style of its values. Float32 is wide, so that it shows below others. */
function recolored(trace: Trace, axis: string | undefined): Trace {
  const run = runOf(trace.meta?.run);
  if (run === undefined) return trace;
  const color = colorOf(axis, groupOf(run, axis));
  const line = trace.line === undefined ? {} : { line: { ...trace.line, color, dash: dashOf(run, axis) } };
  const marker = trace.marker === undefined ? {} : { marker: { ...trace.marker, color } };
  const isWide = trace.meta?.blocks !== undefined && run.isBase;
  return { ...trace, ...line, ...marker, ...isWide && { opacity: 0.65 } };
}

/** Returns a trace over another unit. Means have the units of their first run. */
function placed(trace: Trace, unit: View["x"]): Trace {
  if (unit === "step") return trace;
  const { run, members } = trace.meta ?? {}, of = runOf(run ?? members?.[0]?.run);
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

/** Returns the mean loss of each color over its runs, with a band of its 95 % interval. */
function bands(traces: readonly Trace[], view: View, axis: string | undefined): Trace[] {
  const groups = Map.groupBy(
    traces.filter(({ meta }) => meta?.blocks !== undefined),
    ({ meta }) => groupOf(runOf(meta?.run), axis),
  );
  return [...groups].flatMap(([key, own]) => {
    const label = groupsOf(axis).find((group) => group.key === key)?.text ?? "all runs";
    const members = own.map(({ meta }) => ({ run: meta!.run!, y: meta!.blocks!.y }));
    if (members.length < 2) return [];
    const means = blockMeans(members, state.data.quantiles), color = colorOf(axis, key);
    const longest = own.map(({ meta }) => meta!.blocks!.x).reduce((a, b) => a.length >= b.length ? a : b);
    const line = (role: string, style: Partial<Trace>): Trace =>
      placed({
        type: "scatter",
        mode: "lines",
        x: longest,
        y: means.map((one) => edgeOf(one, role)),
        hoverinfo: "skip",
        showlegend: false,
        meta: { mean: key, members },
        line: { width: 0 },
        ...style,
      }, view.x);
    return [
      line("low", {}),
      line("high", { fill: "tonexty", fillcolor: translucent(color) }),
      line("mean", { name: `${label}, mean of ${members.length}`, line: { color, width: 3 } }),
    ];
  });
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
