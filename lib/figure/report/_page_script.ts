// deno-fmt-ignore-file
/**
 * The report's script. Generated from `page/` by `deno task build:page`: edit the sources there.
 *
 * @module
 */

/** A classic script that contains no data of a run. */
export const SCRIPT: string = `
(() => {
  // lib/figure/report/page/dom.ts
  function all(selector, root = document) {
    return [...root.querySelectorAll(selector)];
  }
  function textOf(id, root = document) {
    return root.getElementById(id)?.textContent ?? "";
  }

  // lib/figure/report/page/filters.ts
  var SEPARATOR = String.fromCharCode(31);
  var groups = () => all("#filters [data-axis]");
  var inputsOf = (group) => all("input, option", group);
  var isOn = (input) => "checked" in input ? input.checked : input.selected;
  function choices() {
    const chosen = /* @__PURE__ */ new Map();
    for (const group of groups()) {
      const inputs = inputsOf(group), on = inputs.filter(isOn);
      if (on.length < inputs.length) {
        chosen.set(
          group.dataset["axis"] ?? "",
          new Set(on.map(({ value }) => value))
        );
      }
    }
    return chosen;
  }
  function fits(facets = {}, chosen) {
    return [...chosen].every(([axis, values]) => {
      const value = facets[axis];
      return value === void 0 || values.has(value);
    });
  }
  function filtered(trace, chosen) {
    const points = trace.meta?.points;
    if (points === void 0) return fits(trace.meta?.facets, chosen) ? trace : void 0;
    const keep = points.map(({ facets }) => fits(facets, chosen));
    if (!keep.includes(true)) return void 0;
    const part = (list) => Array.isArray(list) && list.length === keep.length ? list.filter((_, i) => keep[i]) : list;
    return {
      ...trace,
      x: part(trace.x),
      y: part(trace.y),
      text: part(trace.text),
      meta: { ...trace.meta, points: part(points) },
      marker: { ...trace.marker, symbol: part(trace.marker?.symbol) }
    };
  }
  function addressOfChoices() {
    const entries = groups().flatMap((group) => {
      const inputs = inputsOf(group);
      const on = inputs.filter(isOn), off = inputs.filter((input) => !isOn(input));
      const text = (list) => list.map(({ value }) => value).join(SEPARATOR);
      return off.length === 0 ? [] : [[group.dataset["axis"] ?? "", off.length <= on.length ? \`!\${text(off)}\` : text(on)]];
    });
    return new URLSearchParams(entries).toString();
  }
  function restoreFilters() {
    for (const [axis, text] of new URLSearchParams(location.hash.slice(1))) {
      const isOut = text.startsWith("!");
      const named = new Set(text.slice(isOut ? 1 : 0).split(SEPARATOR));
      const group = groups().find(({ dataset }) => dataset["axis"] === axis);
      for (const input of group === void 0 ? [] : inputsOf(group)) {
        const on = named.has(input.value) !== isOut;
        if ("checked" in input) input.checked = on;
        else input.selected = on;
      }
    }
  }
  function filterRows(chosen) {
    let shown = 0, runs = 0;
    for (const row of all("tr[data-facets]")) {
      row.hidden = !fits(JSON.parse(row.dataset["facets"] ?? "{}"), chosen);
      if (row.closest("table")?.dataset["of"] !== "runs") continue;
      runs++;
      if (!row.hidden) shown++;
    }
    const output = document.querySelector("#filters output");
    if (output !== null) output.textContent = \`\${shown} of \${runs} runs shown\`;
  }

  // lib/figure/report/page/live.ts
  function follow({ before, after }) {
    if (!document.body.dataset["version"]) return;
    const status = document.getElementById("live");
    const say = (text) => {
      if (status !== null) status.textContent = text;
    };
    const events = new EventSource("events");
    events.onopen = () => say("live");
    events.onerror = () => say("connection lost, reconnecting");
    events.onmessage = async ({ data: version }) => {
      if (version === document.body.dataset["version"]) return;
      const text = await (await fetch("./")).text();
      const page = new DOMParser().parseFromString(text, "text/html");
      const content = page.querySelector("main"), figures2 = document.getElementById("figures");
      if (content === null || figures2 === null) return;
      before();
      const { hash } = location;
      document.querySelector("main")?.replaceWith(document.adoptNode(content));
      figures2.textContent = textOf("figures", page);
      document.body.dataset["version"] = page.body.dataset["version"] ?? version;
      if (location.hash !== hash) history.replaceState(null, "", hash);
      after();
    };
  }

  // lib/figure/report/page/merge_traces.ts
  function merged(traces, highlighted2) {
    const looks = /* @__PURE__ */ new Map();
    const rest = [];
    for (const trace of traces) {
      const pair = trace.meta?.pair;
      if (!pair || trace.type !== "scatter" || trace.text || pair === highlighted2) {
        rest.push(trace);
        continue;
      }
      const look = JSON.stringify([trace.mode, trace.line?.color, trace.marker?.color, trace.marker?.symbol]);
      const one = looks.get(look) ?? { trace, x: [], y: [] };
      looks.set(look, one);
      for (let i = 0; i < trace.x.length; i++) {
        one.x.push(trace.x[i] ?? null);
        one.y.push(trace.y[i] ?? null);
      }
      one.x.push(null);
      one.y.push(null);
    }
    const drawn = [...looks.values()].map(({ trace, x, y }) => ({
      ...trace,
      x,
      y,
      meta: void 0,
      uid: void 0,
      hoverinfo: "skip",
      showlegend: false,
      opacity: 0.3,
      line: { ...trace.line, dash: "solid", width: 1 }
    }));
    return [...drawn, ...rest];
  }

  // lib/figure/report/page/style.ts
  var CONFIG = {
    displaylogo: false,
    showSendToCloud: false,
    plotlyServerURL: "",
    responsive: true,
    modeBarButtonsToRemove: ["select2d", "lasso2d"]
  };
  function colored(layout, { compact, dark }) {
    const [ink, grid, paper] = dark ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
    const axis = { gridcolor: grid, linecolor: grid };
    return {
      ...layout,
      ...compact ? { height: 300, margin: { ...layout.margin, t: 28 } } : {},
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, family: "system-ui, sans-serif" },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
      hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: dark ? "#8b949e" : "#6e7781", activecolor: ink }
    };
  }

  // lib/figure/report/page/plots.ts
  var MANY = 24;
  var LEAP = 1 / 40;
  var darkQuery = matchMedia("(prefers-color-scheme: dark)");
  var printing = false;
  var figures = [];
  var plots = [];
  var pinned;
  var highlighted;
  var watcher;
  function startPlots() {
    figures = JSON.parse(textOf("figures"));
    watcher?.disconnect();
    plots = all(".plot[id]").map(newPlot);
    watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const plot = plots.find(({ element }) => element === target);
        if (plot === void 0) continue;
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
    for (const button of all("button[data-pin]")) {
      button.addEventListener("click", () => pin(button.dataset["pin"]));
    }
    for (const row of all("tr[data-pair]")) {
      row.addEventListener("mouseenter", () => highlight(row.dataset["pair"]));
      row.addEventListener("mouseleave", () => highlight(pinned));
    }
  }
  function watchAppearance() {
    const redraw = () => {
      for (const plot of plots) if (plot.drawn || printing) draw(plot);
    };
    darkQuery.addEventListener("change", redraw);
    for (const [event, isPrinting] of [["beforeprint", true], ["afterprint", false]]) {
      addEventListener(event, () => {
        printing = isPrinting;
        redraw();
      });
    }
  }
  function refilterPlots() {
    for (const plot of plots) {
      remaining(plot);
      drawIfVisible(plot);
    }
  }
  function purgePlots() {
    for (const { element } of plots) Plotly.purge(element);
  }
  function newPlot(element, index) {
    return {
      element,
      index,
      readout: element.parentElement?.querySelector(".readout") ?? document.createElement("p"),
      traces: [],
      visible: false,
      drawn: false,
      stale: false,
      empty: false,
      many: false,
      bound: false,
      curve: 0,
      place: void 0
    };
  }
  function remaining(plot) {
    const data = figures[plot.index]?.data ?? [], chosen = choices();
    const left = data.map((trace, i) => filtered({ ...trace, uid: \`t\${i}\` }, chosen)).filter((trace) => trace !== void 0);
    plot.empty = left.length === 0;
    const figure = plot.element.closest("figure");
    if (figure !== null) figure.hidden = plot.empty && data.length > 0;
    return left;
  }
  function draw(plot) {
    const left = remaining(plot);
    plot.many = left.filter(({ mode }) => mode === "lines").length > MANY;
    plot.traces = plot.many ? merged(left, pinned) : left;
    plot.drawn = true;
    plot.stale = false;
    if (plot.empty) return;
    const compact = plot.element.closest(".grid") !== null;
    const layout = colored(figures[plot.index]?.layout ?? {}, {
      compact,
      dark: darkQuery.matches && !printing
    });
    const legend = compact || plot.many ? { showlegend: false } : {};
    Plotly.react(plot.element, plot.traces, { ...layout, ...legend }, CONFIG);
    if (!plot.bound) {
      plot.bound = true;
      plot.element.on("plotly_hover", ({ points: [point] }) => {
        if (point !== void 0) pointAt(plot, point.data, { x: point.x, at: point.pointNumber });
      });
      plot.element.on("plotly_unhover", () => highlight(pinned));
    }
    dim(plot, pinned);
  }
  function drawIfVisible(plot) {
    if (plot.visible) draw(plot);
    else plot.stale = true;
  }
  var metaAt = ({ meta }, at) => meta?.points?.[at] ?? meta;
  var plain = (name = "") => name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  var number = (y) => y === null || y === void 0 ? "not finite" : String(Number(y.toPrecision(6)));
  function pointAt(plot, trace, { x, at }) {
    const pair = metaAt(trace, at)?.pair;
    const others = pair ? plot.traces.filter((other) => other.meta?.pair === pair) : [];
    const lines = others.length > 0 ? others.filter(({ mode }) => mode === trace.mode) : [trace];
    const parts = lines.map((line) => {
      const nearest = line === trace ? at : nearestPoint(line, x);
      return \`\${plain(line.name)} \${number(line.y[nearest])}\`;
    });
    plot.readout.textContent = \`\${typeof x === "number" ? "step " : ""}\${x}: \${parts.join(", ")}\`;
    highlight(pair);
  }
  function nearestPoint(line, x) {
    const distance = (at) => Math.abs(Number(line.x[at]) - Number(x));
    let best = 0;
    for (let at = 1; at < line.x.length; at++) if (distance(at) < distance(best)) best = at;
    return best;
  }
  function dim(plot, pair) {
    for (const { uid, meta } of plot.traces) {
      const node = uid && plot.element.querySelector(\`.scatterlayer .trace\${uid}\`);
      if (node) node.classList.toggle("dim", Boolean(pair && meta?.pair && meta.pair !== pair));
    }
  }
  function highlight(pair) {
    if (pair === highlighted) return;
    highlighted = pair;
    for (const plot of plots) if (plot.drawn && !plot.empty && !plot.many) dim(plot, pair);
    for (const row of all("tr[data-pair]")) {
      row.classList.toggle("pair", Boolean(pair) && row.dataset["pair"] === pair);
    }
  }
  function pin(pair) {
    pinned = pinned === pair ? void 0 : pair;
    for (const button of all("button[data-pin]")) {
      button.setAttribute("aria-pressed", String(button.dataset["pin"] === pinned));
    }
    highlighted = "";
    highlight(pinned);
    for (const plot of plots) if (plot.many) drawIfVisible(plot);
  }
  function walk(plot, key) {
    const curves = plot.traces.filter(({ x, hoverinfo }) => x.length > 0 && hoverinfo !== "skip");
    if (curves.length === 0) return;
    plot.curve = Math.min(plot.curve, curves.length - 1);
    if (key === "ArrowUp") plot.curve = (plot.curve + curves.length - 1) % curves.length;
    if (key === "ArrowDown") plot.curve = (plot.curve + 1) % curves.length;
    const trace = curves[plot.curve];
    const leap = Math.max(1, Math.round(trace.x.length * LEAP));
    const from = plot.place ?? trace.x.length - 1;
    const to = from + (key === "ArrowRight" ? leap : key === "ArrowLeft" ? -leap : 0);
    plot.place = Math.max(0, Math.min(trace.x.length - 1, to));
    pointAt(plot, trace, { x: trace.x[plot.place] ?? null, at: plot.place });
  }

  // lib/figure/report/page/sort_table.ts
  function sortBy(button) {
    const header = button.closest("th"), row = header?.parentElement;
    const body = header?.closest("table")?.tBodies[0];
    if (!header || !row || !body) return;
    const column = [...row.cells].indexOf(header);
    const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of row.cells) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    const numeric = header.classList.contains("number");
    const keyed = [...body.rows].map((tr) => {
      const text = tr.cells[column]?.textContent ?? "";
      return { tr, text, value: numeric ? Number(text.replace("\\u2013", "NaN")) : 0 };
    });
    keyed.sort(
      (a, b) => Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || sign * (numeric ? a.value - b.value : a.text.localeCompare(b.text, void 0, { numeric: true })) || 0
    );
    for (const { tr } of keyed) body.append(tr);
  }

  // lib/figure/report/page/main.ts
  function applyFilters() {
    filterRows(choices());
    const hash = addressOfChoices();
    try {
      history.replaceState(null, "", hash === "" ? location.pathname + location.search : \`#\${hash}\`);
    } catch {
    }
    refilterPlots();
  }
  function start() {
    startPlots();
    restoreFilters();
    const form = document.getElementById("filters");
    form?.addEventListener("change", applyFilters);
    form?.addEventListener("reset", () => setTimeout(applyFilters));
    for (const button of all("thead button")) button.addEventListener("click", () => sortBy(button));
    if (choices().size > 0) applyFilters();
  }
  start();
  watchAppearance();
  follow({ before: purgePlots, after: start });
})();
`;
