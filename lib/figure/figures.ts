/**
 * Plotly figures of a sweep, as plain data.
 *
 * @module
 */
import { BASELINE, gapOf, type Pair, pairRuns } from "../analysis/mod.ts";
import { effectiveEvents, type RecordedRun } from "../record/mod.ts";
import { escapeHtml } from "./escape.ts";

/** A figure: Plotly's `data` and `layout`. */
export interface Figure {
  readonly data: readonly Record<string, unknown>[];
  readonly layout: Record<string, unknown>;
}

/** Most points of one curve. */
const MAX_POINTS = 400;

/** Colours that a colour-blind reader can tell apart, on light and on dark (Okabe and Ito's). */
const BASE_COLOR = "#0072B2", OTHER_COLORS = ["#D55E00", "#009E73", "#CC79A7", "#E69F00"];
const DASHES = ["solid", "dot", "dash", "dashdot"];

/**
 * Thins a curve, keeping the lowest and the highest point of every stretch, and every point that is not finite.
 *
 * @param points In order.
 * @param most How many to keep, about.
 */
export function thin<P extends { y: number }>(points: readonly P[], most: number = MAX_POINTS): P[] {
  if (points.length <= most) return [...points];
  const stretch = Math.ceil(points.length / (most / 2));
  const kept = new Set<number>([0, points.length - 1]);
  for (let begin = 0; begin < points.length; begin += stretch) {
    let low = -1, high = -1;
    for (let i = begin; i < Math.min(points.length, begin + stretch); i++) {
      const { y } = points[i]!;
      if (!Number.isFinite(y)) kept.add(i);
      else {
        if (low < 0 || y < points[low]!.y) low = i;
        if (high < 0 || y > points[high]!.y) high = i;
      }
    }
    if (low >= 0) kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b).map((i) => points[i]!);
}

function line(
  points: readonly { x: number; y: number }[],
  style: Record<string, unknown>,
): Record<string, unknown> {
  const kept = thin(points);
  // JSON has no NaN: null leaves the gap in the curve that it is.
  return {
    type: "scatter",
    mode: "lines",
    x: kept.map(({ x }) => x),
    y: kept.map(({ y }) => Number.isFinite(y) ? y : null),
    ...style,
  };
}

function layout(title: string, axes: { x: string; y: string }): Record<string, unknown> {
  return {
    title: { text: escapeHtml(title), font: { size: 15 } },
    xaxis: { title: { text: escapeHtml(axes.x) }, zeroline: false },
    yaxis: { title: { text: escapeHtml(axes.y) }, zeroline: false },
    margin: { l: 60, r: 16, t: 44, b: 48 },
    legend: { orientation: "h", y: -0.2 },
    height: 360,
  };
}

/** What a run's setting is called, its policy and seed apart. */
function settingOf({ manifest: { spec } }: RecordedRun): string {
  return `${spec.tokenizer}, T = ${spec.T}`;
}

function groupBy<V>(values: readonly V[], key: (value: V) => string): Map<string, V[]> {
  const groups = new Map<string, V[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
}

/** Training and validation loss by step, a figure a setting, precisions over each other. */
export function lossFigures(runs: readonly RecordedRun[]): Figure[] {
  const policies = [...new Set(runs.map(({ manifest }) => manifest.spec.policy))].filter((name) =>
    name !== BASELINE
  );
  return [...groupBy(runs, settingOf)].map(([setting, group]) => {
    const seeds = [...new Set(group.map(({ manifest }) => manifest.spec.seed))];
    const data = group.flatMap(({ manifest: { spec }, events }) => {
      const { steps, evals } = effectiveEvents(events);
      const color = spec.policy === BASELINE
        ? BASE_COLOR
        : OTHER_COLORS[policies.indexOf(spec.policy) % OTHER_COLORS.length];
      const name = escapeHtml(`${spec.policy}, seed ${spec.seed}`);
      const dash = DASHES[seeds.indexOf(spec.seed) % DASHES.length];
      return [
        line(steps.map(({ step, loss }) => ({ x: step, y: loss })), {
          name,
          legendgroup: name,
          line: { color, dash, width: 1.5 },
          opacity: 0.85,
        }),
        {
          type: "scatter",
          mode: "markers",
          name: `${name}, validation`,
          legendgroup: name,
          showlegend: false,
          x: evals.map(({ step }) => step),
          y: evals.map(({ loss }) => Number.isFinite(loss) ? loss : null),
          marker: { color, symbol: "diamond", size: 8 },
        },
      ];
    });
    return { data, layout: layout(`Loss: ${setting}`, { x: "step", y: "nats per token" }) };
  });
}

/** The gap to float32 by step, a figure a setting. */
export function gapFigures(runs: readonly RecordedRun[], bound: number): Figure[] {
  return [...groupBy(pairRuns(runs), ({ other }) => settingOf(other))].map(([setting, pairs]) => {
    const data = pairs.map((pair, i) => {
      const { spec } = pair.other.manifest;
      const points = gapOf(pair, bound).byStep.map(({ step, gap }) => ({ x: step, y: gap }));
      return line(points, {
        name: escapeHtml(`${spec.policy} − ${BASELINE}, seed ${spec.seed}`),
        line: { color: OTHER_COLORS[i % OTHER_COLORS.length], width: 1.5 },
      });
    });
    const rule = (y: number) => ({
      type: "line",
      xref: "paper",
      x0: 0,
      x1: 1,
      y0: y,
      y1: y,
      line: { color: "#888", width: 1, dash: "dot" },
    });
    return {
      data,
      layout: {
        ...layout(`Gap: ${setting}`, { x: "step", y: "nats per token" }),
        shapes: [rule(bound), rule(-bound)],
      },
    };
  });
}

/** The gap of the final validation loss by each axis: a point a pair, and their mean. */
export function gapByAxisFigures(runs: readonly RecordedRun[], bound: number): Figure[] {
  const pairs = pairRuns(runs);
  if (pairs.length === 0) return [];
  const axes: [string, (pair: Pair) => string][] = [
    ["sequence length", ({ other }) => `T = ${other.manifest.spec.T}`],
    ["vocabulary", ({ other }) => other.manifest.spec.tokenizer],
    ["vocabulary and sequence length", ({ other }) => settingOf(other)],
  ];
  return axes.map(([axis, key]) => {
    const groups = [...groupBy(pairs, key)];
    const points = groups.flatMap(([name, group]) =>
      group.map((pair) => ({ name, gap: gapOf(pair, bound).finalValidation }))
    ).filter(({ gap }) => Number.isFinite(gap));
    const means = groups.flatMap(([name]) => {
      const own = points.filter((point) => point.name === name).map(({ gap }) => gap);
      return own.length === 0 ? [] : [{ name, gap: own.reduce((sum, gap) => sum + gap, 0) / own.length }];
    });
    const trace = (rows: { name: string; gap: number }[], style: Record<string, unknown>) => ({
      type: "scatter",
      mode: "markers",
      x: rows.map(({ name }) => escapeHtml(name)),
      y: rows.map(({ gap }) => gap),
      ...style,
    });
    const base = layout(`Final validation gap by ${axis}`, { x: axis, y: "nats per token" });
    return {
      data: [
        trace(points, { name: "a pair", marker: { color: BASE_COLOR, size: 9, opacity: 0.7 } }),
        trace(means, {
          name: "mean",
          marker: { color: OTHER_COLORS[0], symbol: "line-ew-open", size: 28, line: { width: 3 } },
        }),
      ],
      layout: {
        ...base,
        xaxis: { type: "category", title: { text: escapeHtml(axis) } },
        yaxis: { title: { text: "nats per token" }, zeroline: true, zerolinecolor: "#888" },
      },
    };
  });
}
