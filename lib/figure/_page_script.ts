/**
 * The report's script: constant text, in which nothing of a run stands. What it shows is data of the page, set as text.
 *
 * @module
 */

/**
 * Draws the figures when they come into sight, in the colours that the reader prefers; filters figures and tables by
 * axis; lights up the pair of the run under the pointer, by mouse and by keyboard; sorts tables; keeps up with a sweep that
 * runs, where the page is served.
 *
 * A figure with more lines than MANY has those of one style drawn as a single line without a label: a thousand of them are
 * a picture, and not to be pointed at. Filtering brings them back.
 */
export const SCRIPT = `
"use strict";
const MANY = 24;
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const darkQuery = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
let figures, plots, shownRuns, pinned;
const config = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d"] };

const colored = (layout, compact) => {
  const dark = darkQuery.matches && !printing;
  const [ink, grid, paper] = dark ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
  const axis = { gridcolor: grid, linecolor: grid };
  return { ...layout, ...(compact ? { height: 300, margin: { ...layout.margin, t: 28 } } : {}), paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif" },
    xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis },
    hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: dark ? "#8b949e" : "#6e7781", activecolor: ink } };
};

// Filters: an axis with every value chosen filters nothing, and is left out of the address.
const choices = () => {
  const chosen = new Map();
  for (const group of $$("#filters [data-axis]")) {
    const inputs = $$("input, option", group);
    const on = inputs.filter((input) => input.checked ?? input.selected);
    if (on.length < inputs.length) chosen.set(group.dataset.axis, new Set(on.map((input) => input.value)));
  }
  return chosen;
};
const fits = (facets, chosen) =>
  [...chosen].every(([axis, values]) => !(axis in facets) || values.has(facets[axis]));

/** The part of a trace that the filters leave; null: nothing. */
const filtered = (trace, chosen) => {
  const points = trace.meta?.points;
  if (!points) return fits(trace.meta?.facets ?? {}, chosen) ? trace : null;
  const keep = points.map(({ facets }) => fits(facets, chosen));
  if (!keep.includes(true)) return null;
  const part = (list) => Array.isArray(list) && list.length === keep.length ? list.filter((_, i) => keep[i]) : list;
  return { ...trace, x: part(trace.x), y: part(trace.y), text: part(trace.text), meta: { ...trace.meta, points: part(points) },
    marker: { ...trace.marker, symbol: part(trace.marker?.symbol) } };
};

/** Lines and marks of one look become one trace each, with gaps between what they are of. */
const merged = (traces, lit) => {
  const looks = new Map(), rest = [];
  for (const trace of traces) {
    const isRun = trace.meta?.pair && trace.type === "scatter" && !trace.text;
    if (!isRun || trace.meta.pair === lit) { rest.push(trace); continue; }
    const look = JSON.stringify([trace.mode, trace.line?.color, trace.marker?.color, trace.marker?.symbol]);
    if (!looks.has(look)) looks.set(look, { ...trace, meta: undefined, x: [], y: [], hoverinfo: "skip", showlegend: false,
      uid: undefined, opacity: 0.3, line: { ...trace.line, dash: "solid", width: 1 } });
    const one = looks.get(look);
    for (let i = 0; i < trace.x.length; i++) { one.x.push(trace.x[i]); one.y.push(trace.y[i]); }
    one.x.push(null); one.y.push(null);
  }
  return [...looks.values(), ...rest];
};

/** What the filters leave of a figure; one of which nothing is left is not shown. */
const remains = (plot) => {
  const { data } = figures[plot.index], chosen = choices();
  const left = data.map((trace, i) => filtered({ ...trace, uid: "t" + i }, chosen)).filter(Boolean);
  plot.empty = left.length === 0;
  plot.element.closest("figure").hidden = plot.empty && data.length > 0;
  return left;
};

const draw = (plot) => {
  const { layout } = figures[plot.index];
  const left = remains(plot);
  plot.many = left.filter(({ mode }) => mode === "lines").length > MANY;
  plot.traces = plot.many ? merged(left, pinned) : left;
  plot.drawn = true;
  plot.stale = false;
  if (plot.empty) return;
  const compact = plot.element.closest(".grid") !== null;
  const legend = compact || plot.many ? { showlegend: false } : {};
  Plotly.react(plot.element, plot.traces, { ...colored(layout, compact), ...legend }, config);
  if (!plot.bound) {
    plot.bound = true;
    plot.element.on("plotly_hover", ({ points: [point] }) => point && pointAt(plot, point.data, point.x, point.pointNumber));
    plot.element.on("plotly_unhover", () => light(pinned));
  }
  dim(plot, pinned);
};

const metaAt = (trace, i) => trace.meta?.points?.[i] ?? trace.meta;

/** A name without the entities that keep Plotly from reading tags in it. */
const plain = (name) => name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const number = (y) => y === null || y === undefined ? "not finite" : String(Number(y.toPrecision(6)));

/** Says what stands at a place of a curve and of its pair, and lights them up everywhere. */
const pointAt = (plot, trace, x, i) => {
  const pair = metaAt(trace, i)?.pair;
  const others = pair === undefined || pair === "" ? [] : plot.traces.filter((other) => other.meta?.pair === pair);
  const lines = others.length > 0 ? others.filter(({ mode }) => mode === trace.mode) : [trace];
  const parts = lines.map((line) => {
    let best = 0;
    if (line === trace && i !== undefined) best = i;
    else line.x.forEach((at, k) => { if (Math.abs(at - x) < Math.abs(line.x[best] - x)) best = k; });
    return plain(line.name) + " " + number(line.y[best]);
  });
  plot.readout.textContent = (typeof x === "number" ? "step " : "") + x + ": " + parts.join(", ");
  light(pair);
};

const dim = (plot, pair) => {
  for (const trace of plot.traces ?? []) {
    const node = trace.uid && plot.element.querySelector(".scatterlayer .trace" + trace.uid);
    if (node) node.classList.toggle("dim", Boolean(pair) && Boolean(trace.meta?.pair) && trace.meta.pair !== pair);
  }
};

let litPair;
const light = (pair) => {
  if (pair === litPair) return;
  litPair = pair;
  for (const plot of plots) if (plot.drawn && !plot.empty && !plot.many) dim(plot, pair);
  for (const row of $$("tr[data-pair]")) row.classList.toggle("pair", Boolean(pair) && row.dataset.pair === pair);
};

/** Keeps a run and its pair lit, until it is pressed again. */
const pin = (pair) => {
  pinned = pinned === pair ? undefined : pair;
  for (const button of $$("button[data-pin]")) button.setAttribute("aria-pressed", String(button.dataset.pin === pinned));
  litPair = null;
  light(pinned);
  for (const plot of plots) if (plot.many) { if (plot.visible) draw(plot); else plot.stale = true; }
};

/** Arrow keys walk along a curve, and from one to the next. */
const walk = (plot, key) => {
  const curves = (plot.traces ?? []).filter((trace) => trace.x?.length > 0 && trace.hoverinfo !== "skip");
  if (curves.length === 0) return;
  plot.curve = Math.min(plot.curve ?? 0, curves.length - 1);
  if (key === "ArrowUp") plot.curve = (plot.curve + curves.length - 1) % curves.length;
  if (key === "ArrowDown") plot.curve = (plot.curve + 1) % curves.length;
  const trace = curves[plot.curve];
  const leap = Math.max(1, Math.round(trace.x.length / 40));
  plot.place = plot.place === undefined ? trace.x.length - 1 : plot.place;
  if (key === "ArrowLeft") plot.place -= leap;
  if (key === "ArrowRight") plot.place += leap;
  plot.place = Math.max(0, Math.min(trace.x.length - 1, plot.place));
  pointAt(plot, trace, trace.x[plot.place], plot.place);
};

const sortBy = (button) => {
  const th = button.closest("th"), row = th.parentElement, body = th.closest("table").tBodies[0];
  const column = [...row.cells].indexOf(th);
  const ascending = th.getAttribute("aria-sort") !== "ascending";
  for (const other of row.cells) other.setAttribute("aria-sort", "none");
  th.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const numeric = th.classList.contains("number");
  const keyed = [...body.rows].map((tr) => {
    const text = tr.cells[column].textContent;
    return { tr, key: numeric ? Number(text.replace("\\u2013", "NaN")) : text };
  });
  const order = (a, b) => numeric ? a - b : a.localeCompare(b, undefined, { numeric: true });
  const missing = ({ key }) => numeric && Number.isNaN(key) ? 1 : 0;
  keyed.sort((a, b) => missing(a) - missing(b) || (ascending ? 1 : -1) * order(a.key, b.key) || 0);
  body.append(...keyed.map(({ tr }) => tr));
};

const applyFilters = () => {
  const chosen = choices();
  let shown = 0, all = 0;
  for (const row of $$("tr[data-facets]")) {
    row.hidden = !fits(JSON.parse(row.dataset.facets), chosen);
    if (row.closest("table").dataset.of === "runs") { all++; if (!row.hidden) shown++; }
  }
  const output = document.querySelector("#filters output");
  if (output) output.textContent = shown + " of " + all + " runs shown";
  const hash = new URLSearchParams(address()).toString();
  try { history.replaceState(null, "", hash === "" ? location.pathname + location.search : "#" + hash); } catch { /* a file's page may not */ }
  for (const plot of plots) {
    remains(plot);
    if (plot.visible) draw(plot); else plot.stale = true;
  }
};

/** The choice as an address has it: what is left out, after an exclamation mark, or what is left in, if that is less. */
const address = () => $$("#filters [data-axis]").flatMap((group) => {
  const inputs = $$("input, option", group);
  const [on, off] = [true, false].map((side) => inputs.filter((input) => (input.checked ?? input.selected) === side));
  const text = (list) => list.map(({ value }) => value).join("\\u001f");
  return off.length === 0 ? [] : [[group.dataset.axis, off.length <= on.length ? "!" + text(off) : text(on)]];
});

const restoreFilters = () => {
  for (const [axis, text] of new URLSearchParams(location.hash.slice(1))) {
    const isOut = text.startsWith("!"), named = new Set(text.slice(isOut ? 1 : 0).split("\\u001f"));
    const values = { has: (value) => named.has(value) !== isOut };
    const group = $$("#filters [data-axis]").find(({ dataset }) => dataset.axis === axis);
    for (const input of group ? $$("input, option", group) : []) {
      if (input.type === "checkbox") input.checked = values.has(input.value); else input.selected = values.has(input.value);
    }
  }
};

let watcher;
const start = () => {
  figures = JSON.parse(document.getElementById("figures").textContent);
  watcher?.disconnect();
  plots = $$(".plot[id]").map((element, index) => ({ element, index, readout: element.parentElement.querySelector(".readout") }));
  watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const plot = plots.find(({ element }) => element === target);
      if (!plot) continue;
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
    plot.element.addEventListener("blur", () => light(pinned));
  }
  restoreFilters();
  const form = document.getElementById("filters");
  form?.addEventListener("change", applyFilters);
  form?.addEventListener("reset", () => setTimeout(applyFilters));
  for (const button of $$("thead button")) button.addEventListener("click", () => sortBy(button));
  for (const button of $$("button[data-pin]")) button.addEventListener("click", () => pin(button.dataset.pin));
  for (const row of $$("tr[data-pair]")) {
    row.addEventListener("mouseenter", () => light(row.dataset.pair));
    row.addEventListener("mouseleave", () => light(pinned));
  }
  if (choices().size > 0) applyFilters();
};

start();
const redraw = () => { for (const plot of plots) if (plot.drawn || printing) draw(plot); };
darkQuery.addEventListener("change", redraw);
addEventListener("beforeprint", () => { printing = true; redraw(); });
addEventListener("afterprint", () => { printing = false; redraw(); });

// A served page is told of every change, and after a lost connection of the last one.
if (document.body.dataset.version) {
  const status = document.getElementById("live");
  const events = new EventSource("/events");
  events.onopen = () => { status.textContent = "live"; };
  events.onerror = () => { status.textContent = "connection lost: trying again"; };
  events.onmessage = async ({ data: version }) => {
    if (version === document.body.dataset.version) return;
    const text = await (await fetch("/")).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const plot of plots) Plotly.purge(plot.element);
    const hash = location.hash;
    document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
    document.getElementById("figures").textContent = page.getElementById("figures").textContent;
    document.body.dataset.version = page.body.dataset.version;
    if (location.hash !== hash) history.replaceState(null, "", hash);
    start();
  };
}
`;
