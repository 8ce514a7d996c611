/**
 * Draws figures when they come into view, and links them: pointing at a run highlights its pair in all figures and tables.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all, textOf } from "./dom.ts";
import { choices, filtered } from "./filters.ts";
import { merged } from "./merge_traces.ts";
import { colored, CONFIG } from "./style.ts";
import type { FigureData, Meta, Plot, PlotElement, PlotlyLibrary, Trace } from "./types.ts";

declare const Plotly: PlotlyLibrary;

/** Maximum number of separate lines in a figure. Above it, lines of equal style are merged and lose their labels. */
const MANY = 24;

/** Share of a curve's points that one press of an arrow key skips. */
const LEAP = 1 / 40;

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
let figures: readonly FigureData[] = [];
let plots: readonly Plot[] = [];
let pinned: string | undefined;
let highlighted: string | undefined;
let watcher: IntersectionObserver | undefined;

/** Finds the page's figures and draws each when it comes into view. */
export function startPlots(): void {
  figures = JSON.parse(textOf("figures")) as FigureData[];
  watcher?.disconnect();
  plots = all<PlotElement>(".plot[id]").map(newPlot);
  watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const plot = plots.find(({ element }) => element === target);
      if (plot === undefined) continue;
      plot.visible = isIntersecting;
      if (isIntersecting && (!plot.drawn || plot.stale)) draw(plot);
    }
  }, { rootMargin: "200px" });
  for (const plot of plots) {
    watcher.observe(plot.element);
    plot.element.addEventListener("keydown", (event) => {
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      walk(plot, event.key);
    });
    plot.element.addEventListener("blur", () => highlight(pinned));
  }
  for (const button of all<HTMLButtonElement>("button[data-pin]")) {
    button.addEventListener("click", () => pin(button.dataset["pin"]));
  }
  for (const row of all<HTMLTableRowElement>("tr[data-pair]")) {
    row.addEventListener("mouseenter", () => highlight(row.dataset["pair"]));
    row.addEventListener("mouseleave", () => highlight(pinned));
  }
}

/** Redraws drawn figures when the color scheme changes, and all figures before printing. */
export function watchAppearance(): void {
  const redraw = (): void => {
    for (const plot of plots) if (plot.drawn || printing) draw(plot);
  };
  darkQuery.addEventListener("change", redraw);
  for (const [event, isPrinting] of [["beforeprint", true], ["afterprint", false]] as const) {
    addEventListener(event, () => {
      printing = isPrinting;
      redraw();
    });
  }
}

/** Redraws visible figures after a filter change, and marks the others as stale. */
export function refilterPlots(): void {
  for (const plot of plots) {
    remaining(plot);
    drawIfVisible(plot);
  }
}

/** Frees Plotly's state of all figures. */
export function purgePlots(): void {
  for (const { element } of plots) Plotly.purge(element);
}

function newPlot(element: PlotElement, index: number): Plot {
  return {
    element,
    index,
    readout: element.parentElement?.querySelector<HTMLElement>(".readout") ?? document.createElement("p"),
    traces: [],
    visible: false,
    drawn: false,
    stale: false,
    empty: false,
    many: false,
    bound: false,
    curve: 0,
    place: undefined,
  };
}

/** Returns the traces that match the filters. Hides the figure if none match. */
function remaining(plot: Plot): Trace[] {
  const data = figures[plot.index]?.data ?? [], chosen = choices();
  const left = data.map((trace, i) => filtered({ ...trace, uid: `t${i}` }, chosen))
    .filter((trace) => trace !== undefined);
  plot.empty = left.length === 0;
  const figure = plot.element.closest("figure");
  if (figure !== null) figure.hidden = plot.empty && data.length > 0;
  return left;
}

function draw(plot: Plot): void {
  const left = remaining(plot);
  plot.many = left.filter(({ mode }) => mode === "lines").length > MANY;
  plot.traces = plot.many ? merged(left, pinned) : left;
  plot.drawn = true;
  plot.stale = false;
  if (plot.empty) return;
  const compact = plot.element.closest(".grid") !== null;
  const layout = colored(figures[plot.index]?.layout ?? {}, {
    compact,
    dark: darkQuery.matches && !printing,
  });
  const legend = compact || plot.many ? { showlegend: false } : {};
  Plotly.react(plot.element, plot.traces, { ...layout, ...legend }, CONFIG);
  if (!plot.bound) {
    plot.bound = true;
    plot.element.on("plotly_hover", ({ points: [point] }) => {
      if (point !== undefined) pointAt(plot, point.data, { x: point.x, at: point.pointNumber });
    });
    plot.element.on("plotly_unhover", () => highlight(pinned));
  }
  dim(plot, pinned);
}

function drawIfVisible(plot: Plot): void {
  if (plot.visible) draw(plot);
  else plot.stale = true;
}

const metaAt = ({ meta }: Trace, at: number): Meta | undefined => meta?.points?.[at] ?? meta;

/** Decodes the entities in a name escaped for Plotly. */
const plain = (name = ""): string =>
  name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const number = (y: number | null | undefined): string =>
  y === null || y === undefined ? "not finite" : String(Number(y.toPrecision(6)));

/** Shows the values of a curve and its pair at one position, and highlights both in all figures and tables. */
function pointAt(
  plot: Plot,
  trace: Trace,
  { x, at }: { x: number | string | null; at: number },
): void {
  const pair = metaAt(trace, at)?.pair;
  const others = pair ? plot.traces.filter((other) => other.meta?.pair === pair) : [];
  const lines = others.length > 0 ? others.filter(({ mode }) => mode === trace.mode) : [trace];
  const parts = lines.map((line) => {
    const nearest = line === trace ? at : nearestPoint(line, x);
    return `${plain(line.name)} ${number(line.y[nearest])}`;
  });
  plot.readout.textContent = `${typeof x === "number" ? "step " : ""}${x}: ${parts.join(", ")}`;
  highlight(pair);
}

function nearestPoint(line: Trace, x: number | string | null): number {
  const distance = (at: number): number => Math.abs(Number(line.x[at]) - Number(x));
  let best = 0;
  for (let at = 1; at < line.x.length; at++) if (distance(at) < distance(best)) best = at;
  return best;
}

function dim(plot: Plot, pair: string | undefined): void {
  for (const { uid, meta } of plot.traces) {
    const node = uid && plot.element.querySelector(`.scatterlayer .trace${uid}`);
    if (node) node.classList.toggle("dim", Boolean(pair && meta?.pair && meta.pair !== pair));
  }
}

function highlight(pair: string | undefined): void {
  if (pair === highlighted) return;
  highlighted = pair;
  for (const plot of plots) if (plot.drawn && !plot.empty && !plot.many) dim(plot, pair);
  for (const row of all<HTMLTableRowElement>("tr[data-pair]")) {
    row.classList.toggle("pair", Boolean(pair) && row.dataset["pair"] === pair);
  }
}

/** Toggles the permanent highlight of a pair. */
function pin(pair: string | undefined): void {
  pinned = pinned === pair ? undefined : pair;
  for (const button of all<HTMLButtonElement>("button[data-pin]")) {
    button.setAttribute("aria-pressed", String(button.dataset["pin"] === pinned));
  }
  // highlight() ignores the pair that is highlighted already. Reset it, so that the highlight is applied again.
  highlighted = "";
  highlight(pinned);
  for (const plot of plots) if (plot.many) drawIfVisible(plot);
}

/** Moves along a curve with the left and right arrow keys, and to another curve with up and down. */
function walk(plot: Plot, key: string): void {
  const curves = plot.traces.filter(({ x, hoverinfo }) => x.length > 0 && hoverinfo !== "skip");
  if (curves.length === 0) return;
  plot.curve = Math.min(plot.curve, curves.length - 1);
  if (key === "ArrowUp") plot.curve = (plot.curve + curves.length - 1) % curves.length;
  if (key === "ArrowDown") plot.curve = (plot.curve + 1) % curves.length;
  const trace = curves[plot.curve]!;
  const leap = Math.max(1, Math.round(trace.x.length * LEAP));
  const from = plot.place ?? trace.x.length - 1;
  const to = from + (key === "ArrowRight" ? leap : key === "ArrowLeft" ? -leap : 0);
  plot.place = Math.max(0, Math.min(trace.x.length - 1, to));
  pointAt(plot, trace, { x: trace.x[plot.place] ?? null, at: plot.place });
}
