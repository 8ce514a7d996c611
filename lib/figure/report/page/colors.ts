/**
 * Colors of values, line styles of seeds, and colors of the page.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { state, type View } from "./state.ts";
import type { Layout, PageRun } from "./types.ts";

/** Colors safe for color-blind readers, with a contrast of at least 3:1 on light and dark pages. The first is float32's. */
const COLORS = ["#2B8CCB", "#D55E00", "#009E73", "#CC79A7", "#8C6BB1", "#B8860B", "#7F7F7F", "#C0392B"];
const DASHES = ["solid", "dot", "dash", "dashdot"];

/** Name of the baseline. */
const BASELINE = "float32";

/** Returns the axis whose values have colors: the chosen one, else precision, else the first axis. */
export function colorAxis({ color }: View): string | undefined {
  const { facets } = state.data;
  const find = (key: string) => facets.find((facet) => facet.key === key)?.key;
  return (color === "" ? undefined : find(color)) ?? find("precision") ??
    facets.find(({ key }) => key !== "seed" && key !== "status")?.key ?? facets[0]?.key;
}

/** Returns the values of an axis, the baseline first. */
export function valuesOf(axis: string | undefined): readonly string[] {
  const values = state.data.facets.find(({ key }) => key === axis)?.values ?? [];
  return values.includes(BASELINE) ? [BASELINE, ...values.filter((value) => value !== BASELINE)] : values;
}

/** Returns the color of a value. Without the baseline, the first color is left to it. */
export function colorOf(axis: string | undefined, value: string | undefined): string {
  const values = valuesOf(axis);
  const shift = axis === "precision" && !values.includes(BASELINE) ? 1 : 0;
  return COLORS[Math.max(0, values.indexOf(value ?? "") + shift) % COLORS.length]!;
}

/** Returns the line style of a run: by seed, unless colors show seeds or there are more seeds than styles. */
export function dashOf(run: PageRun, axis: string | undefined): string {
  if (!hasDashes(axis)) return "solid";
  return DASHES[Math.max(0, valuesOf("seed").indexOf(run.facets["seed"] ?? ""))] ?? "solid";
}

/** Returns true if line styles show seeds. */
export function hasDashes(axis: string | undefined): boolean {
  return axis !== "seed" && valuesOf("seed").length <= DASHES.length;
}

/** Returns true if a run is in float32. */
export function isBaseline(run: PageRun): boolean {
  return (run.facets["precision"] ?? state.data.common["policy"]) === BASELINE;
}

/** Returns a color with an opacity of 0.2, for bands. */
export function translucent(color: string): string {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},0.2)`;
}

/** Entry of a legend: a color with a line width, or a sample of a line style. */
export interface LegendEntry {
  readonly label: string;
  readonly color?: string;
  readonly width?: number;
  readonly sample?: string;
}

/** Samples of line styles, in the order of seeds. */
const SAMPLES = ["———", "·····", "– – –", "– · –"];

/** Returns the legend of the colors, line styles and widths in figures over steps. */
export function legendOf(axis: string | undefined, shown: readonly PageRun[]): LegendEntry[] {
  const present = (key: string | undefined) =>
    valuesOf(key).filter((value) => shown.some(({ facets }) => facets[key ?? ""] === value));
  const seeds = hasDashes(axis) && present("seed").length > 1 ? present("seed") : [];
  return [
    ...present(axis).map((value) => ({
      label: value,
      color: colorOf(axis, value),
      width: axis === "precision" && value === BASELINE ? 6 : 3,
    })),
    ...seeds.map((seed) => ({
      label: `seed ${seed}`,
      sample: SAMPLES[valuesOf("seed").indexOf(seed)] ?? "",
    })),
  ];
}

/** Returns a layout with the page's colors. */
export function colored(layout: Layout, dark: boolean): Layout {
  const [ink, grid, paper] = dark ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
  const axis = { gridcolor: grid, linecolor: grid };
  const own = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif" },
    hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } },
  };
  return { ...layout, ...own, xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis } };
}
