/**
 * Draws figures when they come into view, and links them: pointing at a run highlights its pair in all figures and tables.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { colorAxis, colored, legendOf } from "./colors.ts";
import { all, appendAll, make } from "./dom.ts";
import { saveFigure } from "./downloads.ts";
import { entriesOf, entryOf } from "./legend.ts";
import { pointAt, pointNear, walk } from "./readout.ts";
import { X_TITLES } from "./scales.ts";
import { isShown } from "./shown.ts";
import { runOf, state, type View, view } from "./state.ts";
import { merged, tracesOf } from "./traces.ts";
import type { Plot, PlotElement, PlotlyLibrary } from "./plot_types.ts";
import type { Layout, PageFigure, Trace } from "./types.ts";

declare const Plotly: PlotlyLibrary;

/** Maximum number of separate lines in a figure. Above it, lines of equal style are merged and lose their labels. */
const MANY = 24;

/** Height of figures with curves or marks in pixels. Their legends are outside of the drawing. */
const HEIGHT = 320;

/** Width in pixels below which a label at the pointer would be cut. It shows values only. The readout names the run. */
const NARROW = 480;

/** Width of a figure in print in pixels, for A4 and Letter. */
const PRINT_WIDTH = 640;

/**
 * Options of a logarithmic axis. With few ticks, labels do not collide. Without a format, Plotly labels 0.5 as a small 5
 * below 1.
 */
const LOG = { type: "log", nticks: 3, tickformat: "~g" };

/** Plotly's options: no buttons, which would be tab stops, and no upload to a cloud. */
const CONFIG: object = {
  displayModeBar: false,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  responsive: true,
};

/** Key of the report's own figures, and the selector of their elements. */
const REPORT = "report", REPORT_PLOTS = '.plot[id^="figure-"]';

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
/** Figures by part of the page: the report, the details of a run, and runs side by side. */
const plotsByPart = new Map<string, readonly Plot[]>();
let plots: readonly Plot[] = [];
/** Pairs that are highlighted: the one at the pointer, or the pinned ones. */
let highlighted: readonly string[] = [];
let isScheduled = false;

/** Elements with listeners for keys, and elements that are drawn and have listeners for the pointer. */
const withKeys = new WeakSet<Element>(), withPointer = new WeakSet<Element>();

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const plot = plotOf(target);
    if (plot === undefined) continue;
    plot.visible = isIntersecting;
    if (isIntersecting && (!plot.drawn || plot.stale)) draw(plot);
  }
}, { rootMargin: "200px" });

/** Starts the figures of the report. */
export function startPlots(): void {
  const elements = all<PlotElement>(REPORT_PLOTS);
  setPlots(REPORT, elements.map((element, i) => newPlot(element, state.data.figures[i]!, false)));
  drawLegends();
}

/** Starts the figures of a run's details, or of runs side by side. They replace the part's previous figures. */
export function startDetailPlots(
  part: string,
  figures: readonly { readonly element: HTMLElement; readonly figure: PageFigure }[],
): void {
  setPlots(part, figures.map(({ element, figure }) => newPlot(element as PlotElement, figure, true)));
}

/** Draws each figure of a part when it comes into view. Frees Plotly's state of figures that were removed. */
function setPlots(part: string, own: readonly Plot[]): void {
  for (const { element } of plotsByPart.get(part) ?? []) {
    watcher.unobserve(element);
    if (!element.isConnected) Plotly.purge(element);
  }
  plotsByPart.set(part, own);
  plots = [...plotsByPart.values()].flat();
  for (const { element } of own) {
    watcher.observe(element);
    if (element.nextElementSibling?.matches(".save") !== true) element.after(saveButtons(element));
    if (withKeys.has(element)) continue;
    withKeys.add(element);
    element.addEventListener("keydown", (event) => {
      const now = plotOf(element);
      if (now === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      const format = ({ s: "svg", p: "png", c: "csv" } as const)[event.key];
      if (format !== undefined) void save(now, format);
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      highlight(listed(walk(now, event.key)));
    });
    element.addEventListener("blur", () => highlight(pinnedPairs()));
  }
}

/** Returns the figure that an element shows now. An update gives elements new data. */
function plotOf(element: Element): Plot | undefined {
  return plots.find((plot) => plot.element === element);
}

/** Puts drawn figures into new parts of the page with figures of the same titles, so that they are redrawn in place. */
export function keepPlots(parts: readonly Element[]): void {
  const places = new Map(
    parts.flatMap((part) => all(REPORT_PLOTS, part)).map((place) => [captionOf(place), place]),
  );
  for (const { element } of plotsByPart.get(REPORT) ?? []) {
    if (!withPointer.has(element)) continue;
    const place = places.get(captionOf(element));
    if (place === undefined) continue;
    for (const { name, value } of place.attributes) if (name !== "class") element.setAttribute(name, value);
    place.replaceWith(element);
  }
}

/** Redraws drawn figures when the color scheme changes, and all figures before printing. */
export function watchAppearance(): void {
  const opened: HTMLDetailsElement[] = [];
  const redraw = (): void => {
    for (const plot of plots) {
      // The details of a run hide the report. Figures without a width are drawn once they are shown again.
      if (plot.element.clientWidth === 0) plot.stale = true;
      else if (plot.drawn || printing) draw(plot);
    }
  };
  darkQuery.addEventListener("change", redraw);
  for (const [event, isPrinting] of [["beforeprint", true], ["afterprint", false]] as const) {
    addEventListener(event, () => {
      printing = isPrinting;
      for (const details of isPrinting ? all<HTMLDetailsElement>("details:not([open])") : opened) {
        details.open = isPrinting;
        if (isPrinting) opened.push(details);
      }
      if (!isPrinting) opened.length = 0;
      redraw();
    });
  }
}

/** Highlights the pair of the row under the pointer. */
export function watchRows(): void {
  let under: HTMLElement | null = null;
  document.addEventListener("mouseover", ({ target }) => {
    const row = target instanceof Element ? target.closest<HTMLElement>("tr[data-run]") : null;
    if (row === under) return;
    under = row;
    highlight(row === null ? pinnedPairs() : listed(runOf(row.dataset["run"])?.pair));
  });
}

/** Redraws visible figures after a change of the shown runs or of the view, and marks the others as stale. */
export function redrawPlots(): void {
  drawLegends();
  for (const plot of plots) {
    hideIfEmpty(plot, plot.figure.data.some((trace) => hasShown(trace)));
    plot.stale = true;
  }
  if (isScheduled) return;
  isScheduled = true;
  // Rows and counts change at once, figures in the next frame. A slider redraws once per frame.
  requestAnimationFrame(() => {
    isScheduled = false;
    for (const plot of plots) if (plot.visible && plot.stale) draw(plot);
  });
}

/** Buttons for the mouse. Keys on the figure do the same, so that a figure is one tab stop. */
function saveButtons(element: PlotElement): HTMLElement {
  const buttons = (["svg", "png", "csv"] as const).map((format) => {
    const button = make("button", format.toUpperCase(), {
      type: "button",
      tabindex: "-1",
      title: `save the figure as ${format.toUpperCase()} (${format[0]})`,
    });
    button.addEventListener("click", () => {
      const plot = plotOf(element);
      if (plot !== undefined) void save(plot, format);
    });
    return button;
  });
  return make("div", buttons, { class: "save" });
}

async function save(plot: Plot, format: "svg" | "png" | "csv"): Promise<void> {
  const now = view();
  await saveFigure(plot.figure.title, format, {
    traces: tracesOf(plot.figure, now),
    layout: layoutOf(plot, now, false),
    xTitle: plot.figure.isSteps ? X_TITLES[now.x] : "x",
  });
}

const captionOf = (element: Element): string =>
  element.closest("figure")?.querySelector("figcaption")?.textContent ?? "";

function newPlot(element: PlotElement, figure: PageFigure, isDetail: boolean): Plot {
  return {
    ...{ element, figure, isDetail },
    readout: element.parentElement?.querySelector<HTMLElement>(".readout") ?? document.createElement("p"),
    traces: [],
    readable: [],
    visible: false,
    drawn: false,
    stale: false,
    empty: false,
    printed: false,
    many: false,
    curve: 0,
    place: undefined,
  };
}

/** Returns true if a trace has a part of shown runs. */
function hasShown({ meta }: Trace): boolean {
  if (meta?.points !== undefined) return meta.points.some(isShown);
  return meta?.mean === undefined && isShown(meta?.run);
}

function hideIfEmpty(plot: Plot, isFull: boolean): void {
  plot.empty = !isFull;
  const figure = plot.element.closest("figure");
  if (figure !== null) figure.hidden = !isFull && plot.figure.data.length > 0;
}

/** Draws a legend of colors and line styles above each group of figures over steps. */
function drawLegends(): void {
  const axis = colorAxis(view());
  for (const place of all(".legend")) {
    const own = all(REPORT_PLOTS, place.parentElement ?? place)
      .flatMap((element) => plotOf(element)?.figure ?? [])
      .filter(({ isSteps }) => isSteps);
    const ids = new Set(own.flatMap(({ data }) => data.map(({ meta }) => meta?.run)));
    const runs = [...ids].flatMap((id) => id !== undefined && isShown(id) ? runOf(id) ?? [] : []);
    place.replaceChildren();
    appendAll(place, legendOf(axis, runs).map(entryOf));
  }
}

/** Draws the legend of a figure that the legend of its section does not cover. */
function showOwnLegend({ readout, traces }: Plot): void {
  const before = readout.previousElementSibling, isThere = before?.matches(".keys") === true;
  const place = isThere ? before : make("div", [], { class: "keys" });
  if (!isThere) readout.before(place);
  place.replaceChildren();
  appendAll(place, entriesOf(traces));
}

function layoutOf(plot: Plot, { x, logX, logY }: View, dark: boolean): Layout {
  const { layout, isSteps, data } = plot.figure, colors = colored(layout, dark);
  const base = {
    ...colors,
    showlegend: false,
    margin: { ...colors.margin, t: 12 },
    hoverlabel: { ...colors.hoverlabel, ...plot.element.clientWidth < NARROW && { namelength: 0 } },
    ...data.some(({ type }) => type === "scatter") && { height: HEIGHT },
  };
  if (!isSteps) {
    if (!data.some(({ type }) => type === "heatmap")) return base;
    const xaxis = spaced(base.xaxis ?? {}, printing ? PRINT_WIDTH : plot.element.clientWidth);
    return { ...base, xaxis } as Layout;
  }
  const { range, ...y } = base.yaxis ?? {};
  return {
    ...base,
    xaxis: { ...base.xaxis, title: { text: X_TITLES[x] }, ...logX && LOG },
    yaxis: { ...y, ...logY || y["type"] === "log" ? LOG : range !== undefined && { range } },
  } as Layout;
}

/** Width of the margins and the color scale of a heat map, and of a character and the gap of its labels, in pixels. */
const OUTSIDE = 170, CHARACTER = 7, BETWEEN = 8;

/** Returns a heat map's axis with every n-th of its ticks, so that labels do not overlap on narrow screens. */
function spaced(axis: object, width: number): object {
  const { tickvals = [], ticktext = [] } = axis as { tickvals?: unknown[]; ticktext?: string[] };
  const widest = ticktext.reduce((most, text) => Math.max(most, text.length), 0) * CHARACTER + BETWEEN;
  const every = Math.max(1, Math.ceil(ticktext.length * widest / Math.max(1, width - OUTSIDE)));
  const isKept = (_: unknown, i: number) => i % every === 0;
  return { ...axis, tickvals: tickvals.filter(isKept), ticktext: ticktext.filter(isKept) };
}

function draw(plot: Plot): void {
  const now = view(), left = tracesOf(plot.figure, now);
  hideIfEmpty(plot, plot.figure.data.some((trace) => hasShown(trace)));
  plot.drawn = true;
  plot.stale = false;
  if (plot.empty) return;
  plot.many = left.filter(({ mode, meta }) => mode === "lines" && meta?.run !== undefined).length > MANY;
  const apart = [...state.pinned, state.opened];
  plot.readable = left;
  plot.traces = plot.many ? merged(left, ({ meta }) => apart.includes(meta?.run)) : left;
  const size = printing ? { width: PRINT_WIDTH } : {};
  const layout = { ...layoutOf(plot, now, darkQuery.matches && !printing), ...size };
  const { element, printed } = plot;
  // When the window is resized, Plotly takes the height of the element.
  element.style.minHeight = layout.height === undefined ? "" : `${layout.height}px`;
  const drawing = Plotly.react(element, plot.traces, layout, CONFIG);
  plot.printed = printing;
  // Without a width in its layout, Plotly keeps the width of the last drawing.
  if (printed && !printing) void drawing.then(() => Plotly.Plots.resize(element));
  if (!plot.figure.isSteps || plot.isDetail) showOwnLegend(plot);
  watchPointer(element);
  dim(plot, highlighted);
}

/** Reads values at the pointer. Plotly finds points of separate lines; merged lines have no points of a run. */
function watchPointer(element: PlotElement): void {
  if (withPointer.has(element)) return;
  withPointer.add(element);
  element.on("plotly_hover", ({ points: [point] }) => {
    const now = plotOf(element);
    if (point === undefined || now === undefined || now.many) return;
    highlight(listed(pointAt(now, point.data, { x: point.x, at: point.pointNumber })));
  });
  element.on("plotly_unhover", () => {
    if (plotOf(element)?.many !== true) highlight(pinnedPairs());
  });
  let last: PointerEvent | undefined;
  const read = (event: PointerEvent): void => {
    const isWaiting = last !== undefined;
    last = event;
    if (isWaiting) return;
    // At most once per frame: a figure can have 1,000 curves.
    requestAnimationFrame(() => {
      const now = plotOf(element);
      if (now?.many === true && !now.empty && last !== undefined) highlight(listed(pointNear(now, last)));
      last = undefined;
    });
  };
  for (const event of ["pointermove", "pointerdown"] as const) element.addEventListener(event, read);
  element.addEventListener("pointerleave", () => {
    if (plotOf(element)?.many === true) highlight(pinnedPairs());
  });
}

const listed = (pair: string | undefined): readonly string[] => pair === undefined ? [] : [pair];

const pinnedPairs = (): readonly string[] => state.pinned.flatMap((id) => listed(runOf(id)?.pair));

/** Dims the curves of other pairs. A figure without a highlighted pair stays as it is. */
function dim(plot: Plot, pairs: readonly string[]): void {
  if (plot.isDetail) return;
  const pairOf = ({ meta }: Trace) => runOf(meta?.run)?.pair;
  const isHere = plot.traces.some((trace) => pairs.includes(pairOf(trace) ?? ""));
  for (const trace of plot.traces) {
    const own = pairOf(trace);
    const node = trace.uid && plot.element.querySelector(`.scatterlayer .trace${trace.uid}`);
    if (node) node.classList.toggle("dim", isHere && own !== undefined && !pairs.includes(own));
  }
}

/** Highlights pairs in all figures and tables. */
export function highlight(pairs: readonly string[]): void {
  if (pairs.join() === highlighted.join()) return;
  highlighted = pairs;
  for (const plot of plots) if (plot.drawn && !plot.empty && !plot.many) dim(plot, pairs);
  for (const row of all<HTMLTableRowElement>("tr[data-run]")) {
    row.classList.toggle("pair", pairs.includes(runOf(row.dataset["run"])?.pair ?? ""));
  }
}

/** Applies a change of the pinned runs. */
export function showPinned(): void {
  highlight(pinnedPairs());
  for (const plot of plots) {
    if (!plot.many) continue;
    if (plot.visible) draw(plot);
    else plot.stale = true;
  }
}
