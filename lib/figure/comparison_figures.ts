/**
 * Figures of comparisons: gaps by step with their intervals and the seeds' floor, effects over grids of T × V, and what
 * each part of a model makes of a gap. Plain data; nothing here draws.
 *
 * @module
 */
import {
  type Comparison,
  type CulpritFinding,
  type Estimate,
  GAP_MEASURES,
  type GapMeasure,
  type Grid,
  partName,
  percent,
} from "../analysis/mod.ts";
import { plotlyText } from "./escape.ts";
import { COLORS, type Figure, layoutOf, NEUTRAL, pick, type PlotlyObject } from "./figures.ts";

/** The gap of training losses by twentieths of a run, with its intervals, and what seeds alone stay within. */
export function gapBandFigure(comparison: Comparison, setting: string): Figure {
  const { blocks, precision, level } = comparison;
  const steps = blocks.map(({ first, last }) => (first + last) / 2);
  const gaps = blocks.map(({ gap }) => finite(gap.mean));
  const edge = (sign: number) =>
    blocks.map(({ gap }) => gap.half === undefined ? null : finite(gap.mean + sign * gap.half));
  const floor = (sign: number) =>
    blocks.map((block) => block.floor === undefined ? null : sign * block.floor);
  const line = (y: (number | null)[], style: PlotlyObject): PlotlyObject => ({
    type: "scatter",
    mode: "lines",
    x: steps,
    y,
    ...style,
  });
  const [color] = COLORS as [string];
  const hidden = { showlegend: false, hoverinfo: "skip", line: { width: 0 } };
  const floorStyle = { line: { color: NEUTRAL, dash: "dot", width: 1.5 }, hoverinfo: "skip" };
  const data = [
    line(edge(-1), hidden),
    line(edge(1), {
      ...hidden,
      showlegend: true,
      name: `${percent(level)} interval`,
      fill: "tonexty",
      fillcolor: `${color}33`,
    }),
    line(gaps, { name: plotlyText(precision.other), mode: "lines+markers", line: { color, width: 2 } }),
    line(floor(1), { ...floorStyle, name: "what seeds stay within" }),
    line(floor(-1), { ...floorStyle, showlegend: false }),
  ];
  const title = `Gap and seed noise: ${setting}, ${precision.other}`;
  const base = layoutOf(title, { x: "step", y: `gap to ${precision.baseline} (nats per token)` });
  return {
    title,
    data,
    layout: { ...base, yaxis: { ...base["yaxis"] as PlotlyObject, zeroline: true, zerolinecolor: NEUTRAL } },
  };
}

/** Interaction plots of a grid: a measure by T, a line a V, with intervals. */
export function gridFigures({ precision, cells, level }: Grid): Figure[] {
  const Vs = [...new Set(cells.map(({ V }) => V))];
  return (Object.keys(GAP_MEASURES) as GapMeasure[]).map((name) => {
    const { what, unit } = GAP_MEASURES[name];
    const data = Vs.map((V, i) => {
      const own = cells.filter((cell) => cell.V === V);
      const color = pick(COLORS, i);
      return {
        type: "scatter",
        mode: "lines+markers",
        name: `V = ${V}`,
        // lines of one T beside each other, so that their intervals can be told apart
        x: own.map(({ T }) => T * 2 ** (0.06 * (i - (Vs.length - 1) / 2))),
        y: own.map(({ gaps }) => finite(gaps[name].mean)),
        text: own.map(({ T, gaps }) => `T = ${T}, ± ${(gaps[name].half ?? NaN).toPrecision(2)}`),
        hoverinfo: "y+text+name",
        error_y: { type: "data", array: own.map(({ gaps }) => halfOf(gaps[name])), color, thickness: 1.5 },
        line: { color },
        marker: { color, size: 8 },
      };
    });
    const Ts = [...new Set(cells.map(({ T }) => T))];
    const title = `${what}, ${unit}, by T and V: ${precision} (${percent(level)} intervals)`;
    const base = layoutOf(title, { x: "T, tokens in a sequence", y: unit });
    return {
      title,
      data,
      layout: {
        ...base,
        hovermode: "closest",
        xaxis: { ...base["xaxis"] as PlotlyObject, type: "log", tickvals: Ts, ticktext: Ts.map(String) },
        yaxis: { ...base["yaxis"] as PlotlyObject, zeroline: true, zerolinecolor: NEUTRAL },
      },
    };
  });
}

/** What each class of operations in each layer makes of a gap when it alone is lowered. Undefined: it was not asked. */
export function culpritFigure({ setting, precision, search: { alone } }: CulpritFinding): Figure | undefined {
  if (alone.length === 0) return undefined;
  const layers = [...new Set(alone.map(({ part }) => part.layers.join(" and ")))];
  const classes = [...new Set(alone.map(({ part }) => part.opClass))];
  const share = (layer: string, opClass: string) =>
    alone.find(({ part }) => part.opClass === opClass && part.layers.join(" and ") === layer);
  const title = `What each part makes of it alone: ${setting}, ${precision}`;
  const base = layoutOf(title, { x: "", y: "" });
  return {
    title,
    data: [{
      type: "heatmap",
      x: layers.map(plotlyText),
      y: classes.map(plotlyText),
      z: classes.map((opClass) => layers.map((layer) => finite(share(layer, opClass)?.share ?? NaN))),
      text: classes.map((opClass) =>
        layers.map((layer) => {
          const found = share(layer, opClass);
          return found === undefined
            ? ""
            : plotlyText(`${partName(found.part)}: ${(100 * found.share).toPrecision(3)} %`);
        })
      ),
      hoverinfo: "text",
      zmin: 0,
      zmax: 1,
      colorscale: [[0, "#00000000"], [1, COLORS[0]!]],
      colorbar: { title: { text: "share" }, tickformat: ".0%" },
    }],
    layout: {
      ...base,
      hovermode: "closest",
      xaxis: { ...base["xaxis"] as PlotlyObject, type: "category" },
      yaxis: { ...base["yaxis"] as PlotlyObject, type: "category", autorange: "reversed" },
    },
  };
}

/** JSON has no NaN: null leaves a place empty. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function halfOf({ half }: Estimate): number | null {
  return half === undefined ? null : finite(half);
}
