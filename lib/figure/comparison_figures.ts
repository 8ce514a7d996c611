/**
 * Figures of comparisons: effects over grids of T × V, and what each part of a model makes of a gap. Plain data; nothing
 * here draws.
 *
 * @module
 */
import { type CulpritFinding, GAP_MEASURES, type GapMeasure, type Grid, percent } from "../analysis/mod.ts";
import { COLORS, layoutOf, NEUTRAL, pick } from "./_traces.ts";
import { heatMapFigure } from "./build.ts";
import type { Figure, PlotlyObject } from "./figure.ts";

/** What measures are called where there is little room. */
const SHORT: Readonly<Record<GapMeasure, string>> = {
  validation: "Final gap",
  bitsPerByte: "Final gap in bits",
  distance: "Distance of losses",
};

/** Interaction plots of a grid: a figure a measure, by T, a line a V, with intervals. */
export function gridFigures({ precision, cells, level }: Grid): Figure[] {
  const Vs = [...new Set(cells.map(({ V }) => V))], Ts = [...new Set(cells.map(({ T }) => T))];
  return (Object.keys(GAP_MEASURES) as GapMeasure[]).map((name) => {
    const { unit } = GAP_MEASURES[name];
    const data = Vs.map((V, i) => {
      const own = cells.filter((cell) => cell.V === V);
      const color = pick(COLORS, i);
      return {
        type: "scatter",
        mode: "lines+markers",
        name: `V = ${V}`,
        // beside each other, so that the intervals of one T can be told apart
        x: own.map(({ T }) => T * 2 ** (0.08 * (i - (Vs.length - 1) / 2))),
        y: own.map(({ gaps }) => gaps[name].mean),
        text: own.map(({ T, gaps }) => `T = ${T}, ± ${(gaps[name].half ?? NaN).toPrecision(2)}`),
        hoverinfo: "y+text+name",
        error_y: { type: "data", array: own.map(({ gaps }) => gaps[name].half ?? 0), color, thickness: 1.5 },
        line: { color },
        marker: { color, size: 8 },
      };
    });
    const title = `${SHORT[name]} by T and V: ${precision}`;
    const base = layoutOf(title, { x: `T, tokens in a sequence (${percent(level)} intervals)`, y: unit });
    return {
      title,
      data,
      layout: {
        ...base,
        xaxis: { ...base["xaxis"] as PlotlyObject, type: "log", tickvals: Ts, ticktext: Ts.map(String) },
        yaxis: { ...base["yaxis"] as PlotlyObject, zeroline: true, zerolinecolor: NEUTRAL },
      },
    };
  });
}

/**
 * The share of a gap that each class of operations in each layer makes when it alone is lowered.
 *
 * @returns None where single parts were not tried.
 */
export function culpritFigures({ setting, precision, search: { alone } }: CulpritFinding): Figure[] {
  if (alone.length === 0) return [];
  const columns = [...new Set(alone.map(({ part }) => part.layers.join(" and ")))];
  const rows = [...new Set(alone.map(({ part }) => part.opClass))];
  const shareOf = (row: string, column: string) =>
    alone.find(({ part }) => part.opClass === row && part.layers.join(" and ") === column)?.share ?? NaN;
  return [heatMapFigure(
    {
      title: `Each part alone: ${precision}, ${setting}`,
      x: "layer",
      y: "class of operations",
    },
    {
      columns,
      rows,
      values: rows.map((row) => columns.map((column) => shareOf(row, column))),
      range: [0, 1],
    },
  )];
}
