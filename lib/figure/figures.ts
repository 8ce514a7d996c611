/**
 * Plotly figures of a sweep, as plain data: nothing here draws. Every text in them is inert for Plotly.
 *
 * @module
 */
import {
  BASELINE,
  DEFAULT_BOUND,
  type Gap,
  gapOf,
  isBaseline,
  type Pair,
  pairRuns,
  precisionName,
} from "../analysis/mod.ts";
import { effectiveEvents, type RecordedRun } from "../record/mod.ts";
import { nonFiniteMarks, type Point, thin } from "./curve.ts";
import { plotlyText } from "./escape.ts";

/** What JSON holds. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** An object of Plotly's: a trace, a layout. */
export type PlotlyObject = { readonly [key: string]: Json };

/** A figure: Plotly's `data` and `layout`, and its title as plain text. */
export interface Figure {
  /** Plain text, as in the layout. */
  readonly title: string;
  /** Plotly's traces. */
  readonly data: readonly PlotlyObject[];
  /** Plotly's layout. */
  readonly layout: PlotlyObject;
}

/** Told apart by colour-blind readers (after Okabe and Ito), and at least 3:1 against light and dark pages. */
const BASE_COLOR = "#2B8CCB", COLORS = ["#D55E00", "#009E73", "#CC79A7", "#8C6BB1"];
const NEUTRAL = "#888";
const GAP_AXIS = `gap to ${BASELINE} (nats per token)`;
const DASHES = ["solid", "dot", "dash", "dashdot"];

/** Training and validation loss by step: a figure a setting, with precisions and seeds over each other. */
export function lossFigures(runs: readonly RecordedRun[]): Figure[] {
  const policies = valuesOf(runs, precisionName).filter((policy) => policy !== BASELINE);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  return bySetting(runs, (run) => run).map(({ setting, members }) => {
    const drawn = [true, false].flatMap((isBase) =>
      members.filter(({ manifest }) => isBaseline(manifest.spec) === isBase)
    );
    const data = drawn.flatMap(({ manifest: { spec }, events }) => {
      const { steps, evals } = effectiveEvents(events);
      const isBase = isBaseline(spec);
      const color = isBase ? BASE_COLOR : pick(COLORS, policies.indexOf(precisionName(spec)));
      const name = plotlyText(`${precisionName(spec)}, seed ${spec.seed}`);
      const training = steps.map(({ step, loss }) => ({ x: step, y: loss }));
      const validation = evals.map(({ step, loss }) => ({ x: step, y: loss }));
      return [
        curve(training, {
          name,
          legendgroup: name,
          // the baseline is wide and pale: the curve over it stays visible where the two agree
          line: { color, dash: pick(DASHES, seeds.indexOf(spec.seed)), width: isBase ? 3 : 1.25 },
          opacity: isBase ? 0.65 : 1,
        }),
        {
          ...curve(validation, { name: `${name}, validation`, legendgroup: name }),
          mode: "markers",
          showlegend: false,
          marker: {
            color,
            size: isBase ? 10 : 5,
            symbol: isBase ? "diamond-open" : "diamond",
            line: { width: 2 },
          },
        },
        ...marksOf([...training, ...validation], { name, color }),
      ];
    });
    const title = `Loss: ${setting}`;
    return { title, data, layout: layoutOf(title, { x: "step", y: "nats per token" }) };
  });
}

/**
 * The training loss's gap to float32 by step, a figure a setting. Dotted lines are the bound; they are out of sight where
 * all gaps are far smaller.
 */
export function gapFigures(runs: readonly RecordedRun[], bound: number = DEFAULT_BOUND): Figure[] {
  const pairs = pairRuns(runs);
  const policies = valuesOf(pairs.map(({ other }) => other), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  return bySetting(pairs, ({ other }) => other).map(({ setting, members }) => {
    const data = members.flatMap((pair) => {
      const { spec } = pair.other.manifest;
      const points = gapOf(pair, bound).byStep.map(({ step, gap }) => ({ x: step, y: gap }));
      const color = pick(COLORS, seeds.indexOf(spec.seed));
      const name = plotlyText(`${precisionName(spec)}, seed ${spec.seed}`);
      const line = { color, dash: pick(DASHES, policies.indexOf(precisionName(spec))), width: 1.5 };
      return [curve(points, { name, legendgroup: name, line }), ...marksOf(points, { name, color })];
    });
    const rule = (y: number) => ({
      type: "line",
      xref: "paper",
      x0: 0,
      x1: 1,
      y0: y,
      y1: y,
      line: { color: NEUTRAL, width: 1.5, dash: "dot" },
    });
    const title = `Gap: ${setting}`;
    const base = layoutOf(title, { x: "step", y: GAP_AXIS });
    const yaxis = {
      ...base["yaxis"] as PlotlyObject,
      range: rangeOf(members.map((pair) => gapOf(pair, bound))),
    };
    return { title, data, layout: { ...base, yaxis, showlegend: true, shapes: [rule(bound), rule(-bound)] } };
  });
}

/** From the lowest gap to the highest, and 0, with some room: left to itself, Plotly would make room for the bound. */
function rangeOf(gaps: readonly Gap[]): number[] {
  const values = gaps.flatMap(({ byStep }) => byStep.map(({ gap }) => gap)).filter(Number.isFinite);
  const [low, high] = values.reduce(([low, high], y) => [Math.min(low, y), Math.max(high, y)] as const, [
    0,
    0,
  ]);
  const room = 0.08 * (high - low) || 0.01;
  return [low - room, high + room];
}

/**
 * The gap of the final validation loss by each axis: a point a pair, and their mean. Pairs without a finite gap are not
 * in the mean, and the title counts them.
 */
export function gapByAxisFigures(runs: readonly RecordedRun[]): Figure[] {
  const pairs = pairRuns(runs);
  if (pairs.length === 0) return [];
  const specOf = (pair: Pair) => pair.other.manifest.spec;
  const axes: [string, (pair: Pair) => string][] = [
    ["sequence length", (pair) => `T = ${specOf(pair).T}`],
    ["vocabulary", (pair) => specOf(pair).tokenizer],
    ["vocabulary and T", (pair) => `${specOf(pair).tokenizer}, T = ${specOf(pair).T}`],
  ];
  const points = pairs.map((pair) => ({ pair, gap: gapOf(pair).finalValidation }));
  const lost = points.filter(({ gap }) => !Number.isFinite(gap)).length;
  const finite = points.filter(({ gap }) => Number.isFinite(gap));
  const policies = valuesOf(pairs.map(({ other }) => other), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  return axes.map(([axis, key]) => {
    const categories = [...new Set(pairs.map(key))];
    const data = policies.flatMap((policy, i) => {
      const own = finite.filter(({ pair }) => precisionName(specOf(pair)) === policy);
      const means = categories.flatMap((category) => {
        const gaps = own.filter(({ pair }) => key(pair) === category).map(({ gap }) => gap);
        return gaps.length === 0
          ? []
          : [{ category, mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length }];
      });
      const style = { type: "scatter", mode: "markers", hoverinfo: "y+text" };
      const color = pick(COLORS, i);
      return [
        {
          ...style,
          name: plotlyText(policy),
          x: own.map(({ pair }) => plotlyText(key(pair))),
          y: own.map(({ gap }) => gap),
          text: own.map(({ pair }) =>
            plotlyText(`${specOf(pair).tokenizer}, T = ${specOf(pair).T}, seed ${specOf(pair).seed}`)
          ),
          marker: {
            color,
            size: 10,
            opacity: 0.8,
            symbol: own.map(({ pair }) =>
              pick(["circle", "square", "triangle-up", "star"], seeds.indexOf(specOf(pair).seed))
            ),
          },
        },
        {
          ...style,
          name: plotlyText(`${policy}, mean`),
          x: means.map(({ category }) => plotlyText(category)),
          y: means.map(({ mean }) => mean),
          text: means.map(() => "mean"),
          marker: { color, symbol: "line-ew-open", size: 34, line: { width: 3, color } },
        },
      ];
    });
    const title = lost === 0
      ? `Gap by ${axis}`
      : `Gap by ${axis} (not finite in ${lost} of ${pairs.length} pairs)`;
    const base = layoutOf(title, {
      x: axis,
      y: GAP_AXIS,
    });
    const categorical = {
      type: "category",
      categoryorder: "array",
      categoryarray: categories.map(plotlyText),
      range: [-0.5, categories.length - 0.5],
    };
    return {
      title,
      data,
      layout: {
        ...base,
        hovermode: "closest",
        xaxis: { ...base["xaxis"] as PlotlyObject, ...categorical },
        yaxis: { ...base["yaxis"] as PlotlyObject, zeroline: true, zerolinecolor: NEUTRAL },
      },
    };
  });
}

function curve(points: readonly Point[], style: PlotlyObject): PlotlyObject {
  const kept = thin(points);
  return {
    type: "scatter",
    mode: "lines",
    x: kept.map(({ x }) => x),
    // JSON has no NaN: null breaks the line, which is what it should do
    y: kept.map(({ y }) => Number.isFinite(y) ? y : null),
    ...style,
  };
}

/** A trace of crosses where a curve has no number; none where it has them all. */
function marksOf(points: readonly Point[], { name, color }: { name: string; color: string }): PlotlyObject[] {
  const marks = nonFiniteMarks([...points].sort((a, b) => a.x - b.x));
  if (marks.length === 0) return [];
  return [{
    type: "scatter",
    mode: "markers",
    name: `${name}: not finite`,
    legendgroup: name,
    x: marks.map(({ x }) => x),
    y: marks.map(({ y }) => y),
    text: marks.map(({ value }) => String(value)),
    hoverinfo: "x+text+name",
    marker: { color, symbol: "x-thin-open", size: 12, line: { width: 3, color } },
  }];
}

function layoutOf(title: string, axes: { x: string; y: string }): PlotlyObject {
  const axis = (text: string) => ({
    title: { text: plotlyText(text) },
    zeroline: false,
    automargin: true,
    exponentformat: "none",
  });
  return {
    title: { text: plotlyText(title), font: { size: 15 }, x: 0.02, xanchor: "left" },
    xaxis: axis(axes.x),
    yaxis: axis(axes.y),
    margin: { l: 56, r: 12, t: 44, b: 44 },
    // at the figure's bottom edge, clear of the axis's title whatever the figure's height is
    legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" },
    hovermode: "x",
    hoverlabel: { namelength: -1 },
    height: 380,
  };
}

/** Groups by what is no precision and no seed: data (named where there are several), tokenizer and T. */
function bySetting<M>(
  members: readonly M[],
  runOf: (member: M) => RecordedRun,
): { setting: string; members: M[] }[] {
  const several = new Set(members.map((member) => runOf(member).manifest.data.sha256)).size > 1;
  const groups = Map.groupBy(members, (member) => {
    const { spec, data } = runOf(member).manifest;
    return JSON.stringify([data.sha256, spec.tokenizer, spec.T]);
  });
  return [...groups.values()].map((group) => {
    const { spec } = runOf(group[0]!).manifest;
    const setting = `${spec.tokenizer}, T = ${spec.T}`;
    return { setting: several ? `${spec.data}, ${setting}` : setting, members: group };
  });
}

function valuesOf<V>(runs: readonly RecordedRun[], value: (spec: RecordedRun["manifest"]["spec"]) => V): V[] {
  return [...new Set(runs.map(({ manifest }) => value(manifest.spec)))];
}

function pick<V>(values: readonly V[], index: number): V {
  return values[index % values.length]!;
}
