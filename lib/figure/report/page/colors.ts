/**
 * Colors of values, line styles of seeds, and colors of the page.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { defaultColor } from "./default_color.ts";
import { state, type View } from "./state.ts";
import type { Layout, PageData, PageRun } from "./types.ts";

/** Colors safe for color-blind readers, with a contrast of at least 3:1 on light and dark pages. The first is float32's. */
const COLORS = ["#2B8CCB", "#D55E00", "#009E73", "#CC79A7", "#8C6BB1", "#B8860B", "#7F7F7F", "#C0392B"];
const DASHES = ["solid", "dot", "dash", "dashdot"];

/**
 * Returns the axis whose values have colors: the chosen axis. Default: precision, or the first axis if runs have the
 * same precision.
 */
export function colorAxis({ color }: View): string | undefined {
  const { facets } = state.data;
  const find = (key: string) => facets.find((facet) => facet.key === key)?.key;
  return (color === "" ? undefined : find(color)) ?? defaultColor(facets);
}

/** Runs with equal values on an axis. */
interface Group {
  /** Key: the values' indices. */
  readonly key: string;
  readonly text: string;
  readonly isBase: boolean;
}

/** Returns the key of a run's group on an axis. */
export function groupOf(run: PageRun | undefined, axis: string | undefined): string {
  return run?.facets[axis ?? ""]?.join() ?? "";
}

let known: { data: PageData; groups: Map<string, readonly Group[]> } | undefined;

/** Returns the groups of an axis, the baseline first. Each combination of tags is a group. */
export function groupsOf(axis: string | undefined): readonly Group[] {
  const { data } = state;
  if (known?.data !== data) known = { data, groups: new Map() };
  const found = known.groups.get(axis ?? "");
  if (found !== undefined) return found;
  const values = data.facets.find(({ key }) => key === axis)?.values ?? [];
  const groups = new Map<string, Group>();
  for (const run of Object.values(data.runs)) {
    const own = run.facets[axis ?? ""], key = groupOf(run, axis);
    if (own === undefined || groups.has(key)) continue;
    const text = own.map((i) => values[i]?.text).join(", ");
    groups.set(key, { key, text, isBase: axis === "precision" && run.isBase });
  }
  const inOrder = [...groups.values()].sort((a, b) =>
    Number(b.isBase) - Number(a.isBase) || a.key.split(",").length - b.key.split(",").length ||
    parseInt(a.key) - parseInt(b.key)
  );
  known.groups.set(axis ?? "", inOrder);
  return inOrder;
}

const indexOf = (axis: string | undefined, key: string): number =>
  Math.max(0, groupsOf(axis).findIndex((group) => group.key === key));

/** Returns the color of a group. The first color is reserved for the baseline. */
export function colorOf(axis: string | undefined, key: string): string {
  const shift = axis === "precision" && groupsOf(axis)[0]?.isBase !== true ? 1 : 0;
  return COLORS[(indexOf(axis, key) + shift) % COLORS.length]!;
}

/** Returns the color of the i-th of runs that are laid side by side and have colors of their own. */
export const colorAt = (i: number): string => COLORS[i % COLORS.length]!;

/** Returns true if each run has another color or another line style. */
export function areDistinct(runs: readonly PageRun[], axis: string | undefined): boolean {
  const looks = runs.map((run) => `${colorOf(axis, groupOf(run, axis))} ${dashOf(run, axis)}`);
  return new Set(looks).size === runs.length;
}

/** Returns the line style of a run: by seed, unless colors show seeds or there are more seeds than styles. */
export function dashOf(run: PageRun, axis: string | undefined): string {
  return hasDashes(axis) ? DASHES[indexOf("seed", groupOf(run, "seed"))] ?? "solid" : "solid";
}

/** Returns true if line styles show seeds. */
export function hasDashes(axis: string | undefined): boolean {
  return axis !== "seed" && groupsOf("seed").length <= DASHES.length;
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
  const present = (key: string | undefined) => {
    const keys = new Set(shown.map((run) => groupOf(run, key)));
    return groupsOf(key).filter((group) => keys.has(group.key));
  };
  const facet = state.data.facets.find(({ key }) => key === axis);
  const areNumbers = facet?.values.every(({ text }) => text !== "" && Number.isFinite(Number(text)));
  const seeds = hasDashes(axis) && present("seed").length > 1 ? present("seed") : [];
  return [
    ...present(axis).map(({ key, text, isBase }) => ({
      label: facet !== undefined && areNumbers ? `${facet.label} ${text}` : text,
      color: colorOf(axis, key),
      width: isBase ? 6 : 3,
    })),
    ...seeds.map(({ key, text }) => ({ label: `seed ${text}`, sample: SAMPLES[indexOf("seed", key)] ?? "" })),
  ];
}

/** Returns a layout with the page's colors. */
export function colored(layout: Layout, dark: boolean): Layout {
  const [ink, grid, paper] = dark ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
  const axis = { gridcolor: grid, linecolor: grid, exponentformat: "power", minexponent: 6 };
  // The distance of the title from the labels makes room for both.
  const title = { ...layout.yaxis?.["title"] as object | undefined, standoff: 8 };
  const own = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif" },
    hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } },
  };
  return {
    ...layout,
    ...own,
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis, title },
  };
}
