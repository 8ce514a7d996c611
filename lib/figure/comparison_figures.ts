/**
 * Figures of comparisons: gaps over T × V grids, and the share of an effect that each part of a model causes.
 *
 * @module
 */
import {
  type CulpritFinding,
  GAP_MEASURES,
  type GapMeasure,
  type Grid,
  type GridCell,
  percent,
  plainText,
  squaredBias,
} from "../analysis/mod.ts";
import { COLORS, layoutOf, NEUTRAL, pick } from "./_traces.ts";
import { heatMapFigure } from "./build.ts";
import { plotlyText } from "./escape.ts";
import type { Figure, PlotlyObject } from "./figure.ts";

/** Short names of the gap measures, for titles. */
const SHORT: Readonly<Record<GapMeasure, string>> = {
  validation: "Final gap",
  bitsPerByte: "Final gap in bits",
  distance: "Distance of losses",
};

/** Definitions of the measures, for readers of the figures. */
const HOW: Readonly<Record<GapMeasure, string>> = {
  validation: "Final validation loss minus float32's.",
  bitsPerByte: "Final validation loss minus float32's in bits per byte, comparable across vocabularies.",
  distance: "Mean absolute difference of training losses per step.",
};

/** Axes of a grid, with the titles of the horizontal axis. */
const AXES = { T: "sequence length T", V: "vocabulary size V" };

/**
 * Returns interaction plots of a grid, one figure per metric. A figure shows the gap over T, with one line and its
 * confidence intervals per V. If the grid has a single T, the figure shows the gap over V. The title names the only V, T
 * or tokenizer.
 */
export function gridFigures({ precision, cells, level, leftOut }: Grid): Figure[] {
  const valuesOf = (axis: "T" | "V") =>
    [...new Set(cells.map((cell) => placeOf(cell, axis)))].sort((a, b) => a - b);
  const [over, by] = valuesOf("T").length > 1 ? ["T", "V"] as const : ["V", "T"] as const;
  const ticks = valuesOf(over), lines = valuesOf(by);
  const nameOf = (value: number) =>
    by === "V" && cells[0]?.V === undefined ? plainText(cells[0]?.tokenizer ?? "") : `${by} = ${value}`;
  const axes = lines.length > 1 ? "T and V" : over;
  const only = lines.length > 1 ? "" : `, ${nameOf(lines[0]!)}`;
  const without = leftOut.length === 0
    ? ""
    : ` Without ${leftOut.map((name) => plainText(name)).join(", ")}: no V in the name.`;
  return (Object.keys(GAP_MEASURES) as GapMeasure[]).map((name) => {
    const { unit } = GAP_MEASURES[name];
    const data = lines.map((value, i) => {
      const own = cells.filter((cell) => placeOf(cell, by) === value);
      const color = pick(COLORS, i);
      return {
        type: "scatter",
        mode: "lines+markers",
        name: plotlyText(nameOf(value)),
        // Shifted, so that intervals at the same place do not overlap.
        x: own.map((cell) => placeOf(cell, over) * 2 ** (0.08 * (i - (lines.length - 1) / 2))),
        y: own.map(({ gaps }) => gaps[name].mean),
        text: own.map(({ T, V, tokenizer, gaps }) => {
          const vocabulary = V === undefined ? plotlyText(tokenizer) : `V = ${V}`;
          return `T = ${T}, ${vocabulary}, ± ${(gaps[name].half ?? NaN).toPrecision(2)}`;
        }),
        hoverinfo: "y+text+name",
        error_y: { type: "data", array: own.map(({ gaps }) => gaps[name].half ?? 0), color, thickness: 1.5 },
        line: { color },
        marker: { color, size: 8 },
      };
    });
    const title = `${SHORT[name]} by ${axes}: ${plainText(precision)}${only}`;
    const base = layoutOf(title, { x: `${AXES[over]} (${percent(level)} intervals)`, y: unit });
    return {
      title,
      data,
      how: `${HOW[name]} Bars: ${
        percent(level)
      } intervals over paired seeds. A line that rises means that the gap grows.${without}`,
      layout: {
        ...base,
        xaxis: {
          ...base["xaxis"] as PlotlyObject,
          type: "log",
          tickvals: ticks,
          ticktext: ticks.map(String),
        },
        yaxis: { ...base["yaxis"] as PlotlyObject, zeroline: true, zerolinecolor: NEUTRAL },
      },
    };
  });
}

/** Returns the place of a setting on an axis. The only vocabulary without a size is at 0. */
function placeOf({ T, V = 0 }: GridCell, axis: "T" | "V"): number {
  return axis === "T" ? T : V;
}

/**
 * Returns heat maps of operation class × layer. A cell shows the share of an effect that this part of the model causes
 * when only this part is in lower precision. The effect is the gap or the squared gradient error in the first figure,
 * and the squared bias in the second figure.
 *
 * @returns At most two figures. Empty if the search did not measure single parts.
 */
export function culpritFigures(
  { setting, precision, search: { alone }, biases = [], signal }: CulpritFinding,
): Figure[] {
  const total = biases.reduce((sum, one) => sum + squaredBias(one), 0);
  const ofBias = total === 0
    ? []
    : biases.map((one) => ({ part: one.part, share: squaredBias(one) / total }));
  return [
    { shares: alone, of: signal === "replay" ? "squared error" : "gap" },
    { shares: ofBias, of: "squared bias" },
  ].filter(({ shares }) => shares.length > 0)
    .map(({ shares, of }) =>
      shareFigure(shares, `Share of the ${of} per part: ${plainText(precision)}, ${setting}`)
    );
}

function shareFigure(alone: CulpritFinding["search"]["alone"], title: string): Figure {
  const columns = [...new Set(alone.map(({ part }) => part.layers.join(" and ")))];
  const rows = [...new Set(alone.map(({ part }) => part.opClass))];
  const shareOf = (row: string, column: string) =>
    alone.find(({ part }) => part.opClass === row && part.layers.join(" and ") === column)?.share ?? NaN;
  const figure = heatMapFigure(
    { title, x: "layer", y: "operation class" },
    {
      columns,
      rows,
      values: rows.map((row) => columns.map((column) => shareOf(row, column))),
      range: [0, 1],
    },
  );
  return {
    ...figure,
    how: "Dark: this part alone causes most of the effect. Empty: the layer has no such part.",
  };
}
