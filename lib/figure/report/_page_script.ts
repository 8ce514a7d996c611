// deno-fmt-ignore-file
/**
 * The report's script. Generated from `page/` by `deno task build:page`: edit the sources there.
 *
 * @module
 */

/** A classic script that contains no data of a run. */
export const SCRIPT: string = `
(() => {
  // lib/figure/report/page/default_color.ts
  function defaultColor(facets) {
    const preferred = facets.find(({ key }) => key === "precision") ?? facets.find(({ key }) => key !== "seed" && key !== "status");
    return (preferred ?? facets[0])?.key;
  }

  // lib/figure/report/page/address.ts
  var OWN = "~";
  var PINNED = "~pin";
  var HIDDEN = "~hide";
  var OPENED = "~run";
  var SORTS = "~sort";
  function encodeState({ filters, view: view2, sorts, pinned, hidden, opened }) {
    const list = (name, values) => values.length === 0 ? [] : [[name, JSON.stringify(values)]];
    return new URLSearchParams([
      ...[...filters].map(([axis, filter]) => [axis, JSON.stringify(filter)]),
      ...[...view2].map(([name, value]) => [OWN + name, value]),
      ...list(SORTS, [...sorts].map(([table, { column, descending }]) => [table, column, descending])),
      ...list(PINNED, pinned),
      ...list(HIDDEN, hidden),
      ...list(OPENED, opened === void 0 ? [] : [opened])
    ]).toString();
  }
  function decodeState(fragment) {
    const entries = new Map(new URLSearchParams(fragment));
    const filters = /* @__PURE__ */ new Map(), view2 = /* @__PURE__ */ new Map();
    for (const [name, text] of entries) {
      if ([PINNED, HIDDEN, OPENED, SORTS].includes(name)) continue;
      if (name.startsWith(OWN)) view2.set(name.slice(OWN.length), text);
      else {
        const { only, not } = parsed(text) ?? {};
        if (isTexts(only)) filters.set(name, { only });
        else if (isTexts(not)) filters.set(name, { not });
      }
    }
    const texts = (name) => {
      const list = parsed(entries.get(name));
      return isTexts(list) ? list : [];
    };
    const sorts = parsed(entries.get(SORTS));
    return {
      ...{ filters, view: view2 },
      sorts: new Map(
        (Array.isArray(sorts) ? sorts : []).flatMap((one) => {
          const [table, column, descending] = Array.isArray(one) ? one : [];
          return isTexts([table, column]) ? [[table, { column, descending: descending === true }]] : [];
        })
      ),
      pinned: texts(PINNED),
      hidden: texts(HIDDEN),
      opened: texts(OPENED)[0]
    };
  }
  function parsed(text) {
    try {
      return text === void 0 ? void 0 : JSON.parse(text);
    } catch {
      return void 0;
    }
  }
  function isTexts(value) {
    return Array.isArray(value) && value.every((one) => typeof one === "string");
  }

  // lib/figure/report/page/dom.ts
  function all(selector, root = document) {
    return [...root.querySelectorAll(selector)];
  }
  function textOf(id, root = document) {
    return root.getElementById(id)?.textContent ?? "";
  }
  function appendAll(parent, children) {
    const fragment = document.createDocumentFragment();
    for (const child of children) fragment.append(child);
    parent.appendChild(fragment);
  }
  function make(tag, content = [], attributes = {}) {
    const element = document.createElement(tag);
    appendAll(element, typeof content === "string" ? [content] : content);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }
  function tableOf(header, rows) {
    const head = make("tr", header.map((text) => make("th", text, { scope: "col" })));
    const body = rows.map(
      ([name = "", ...cells]) => make("tr", [make("th", name, { scope: "row" }), ...cells.map((text) => make("td", text))])
    );
    return make("table", [...header.length === 0 ? [] : [make("thead", [head])], make("tbody", body)], {
      class: "machine"
    });
  }

  // lib/figure/report/page/filters.ts
  var groups = () => all("#filters [data-axis]");
  var inputsOf = (group) => all("input, option", group);
  var isOn = (input) => "checked" in input ? input.checked : input.selected;
  var axisOf = (group) => group.dataset["axis"] ?? "";
  function choices() {
    const chosen = /* @__PURE__ */ new Map();
    for (const group of groups()) {
      const inputs = inputsOf(group), on = inputs.filter(isOn);
      if (on.length < inputs.length) chosen.set(axisOf(group), new Set(on.map(({ value }) => Number(value))));
    }
    return chosen;
  }
  function fits(facets, chosen) {
    return [...chosen].every(([axis, selected]) => facets[axis]?.some((value) => selected.has(value)) ?? true);
  }
  function filtersOf(facets) {
    const chosen = choices();
    return new Map(facets.flatMap(({ key, values }) => {
      const selected = chosen.get(key);
      if (selected === void 0) return [];
      const named = (on) => values.filter((_, i) => selected.has(i) === on).map(({ value }) => value);
      const included = named(true), excluded = named(false);
      return [[key, excluded.length <= included.length ? { not: excluded } : { only: included }]];
    }));
  }
  function restoreFilters(filters, facets) {
    for (const group of groups()) {
      const filter = filters.get(axisOf(group)), facet = facets.find(({ key }) => key === axisOf(group));
      if (filter === void 0 || facet === void 0) continue;
      const isOnly = "only" in filter, named = new Set(isOnly ? filter.only : filter.not);
      for (const input of inputsOf(group)) {
        const on = named.has(facet.values[Number(input.value)]?.value ?? "") === isOnly;
        if ("checked" in input) input.checked = on;
        else input.selected = on;
      }
    }
  }

  // lib/figure/report/page/state.ts
  var state = {
    data: { figures: [], facets: [], common: {}, quantiles: [], runs: {} },
    pinned: [],
    hidden: /* @__PURE__ */ new Set(),
    opened: void 0,
    sorts: /* @__PURE__ */ new Map()
  };
  function runOf(id) {
    return id !== void 0 && Object.hasOwn(state.data.runs, id) ? state.data.runs[id] : void 0;
  }
  var form = () => document.querySelector("#view");
  var controls = () => [
    ...form()?.querySelectorAll("[name]") ?? []
  ];
  var valueOf = (control) => control.type === "checkbox" ? control.checked ? "1" : "" : control.value;
  function view() {
    const values = Object.fromEntries(controls().map((control) => [control.name, valueOf(control)]));
    return {
      x: values["x"] ?? "step",
      smooth: Number(values["smooth"] ?? 0),
      logX: values["logX"] === "1",
      logY: values["logY"] === "1",
      color: values["color"] ?? "",
      band: values["band"] === "1"
    };
  }
  function keepState() {
    const changed = controls().filter((control) => valueOf(control) !== initialOf(control));
    const hash = encodeState({
      filters: filtersOf(state.data.facets),
      view: new Map(changed.map((control) => [control.name, valueOf(control)])),
      sorts: state.sorts,
      pinned: state.pinned,
      hidden: [...state.hidden],
      opened: state.opened
    });
    if (hash === location.hash.slice(1)) return;
    try {
      history.replaceState(null, "", hash === "" ? location.pathname + location.search : \`#\${hash}\`);
    } catch {
    }
  }
  function initialOf(control) {
    if (control instanceof HTMLSelectElement) return control.options[0]?.value ?? "";
    return control.type === "checkbox" ? control.defaultChecked ? "1" : "" : control.defaultValue;
  }
  function restoreState() {
    const shown2 = form();
    if (shown2 !== null) shown2.hidden = state.data.figures.every(({ isSteps }) => !isSteps);
    const { filters, view: view2, sorts, pinned, hidden, opened } = decodeState(location.hash.slice(1));
    const isKnown = (id) => runOf(id) !== void 0;
    state.pinned = pinned.filter(isKnown);
    state.hidden = new Set(hidden.filter(isKnown));
    state.opened = opened !== void 0 && isKnown(opened) ? opened : void 0;
    state.sorts = new Map(sorts);
    restoreFilters(filters, state.data.facets);
    for (const control of controls()) {
      const value = view2.get(control.name);
      if (value === void 0) continue;
      if (control.type === "checkbox") control.checked = value === "1";
      else control.value = value;
      if (control.tagName === "SELECT" && control.value !== value) control.value = initialOf(control);
    }
  }

  // lib/figure/report/page/colors.ts
  var COLORS = ["#2B8CCB", "#D55E00", "#009E73", "#CC79A7", "#8C6BB1", "#B8860B", "#7F7F7F", "#C0392B"];
  var DASHES = ["solid", "dot", "dash", "dashdot"];
  function colorAxis({ color }) {
    const { facets } = state.data;
    const find = (key) => facets.find((facet) => facet.key === key)?.key;
    return (color === "" ? void 0 : find(color)) ?? defaultColor(facets);
  }
  function groupOf(run, axis) {
    return run?.facets[axis ?? ""]?.join() ?? "";
  }
  var known;
  function groupsOf(axis) {
    const { data } = state;
    if (known?.data !== data) known = { data, groups: /* @__PURE__ */ new Map() };
    const found = known.groups.get(axis ?? "");
    if (found !== void 0) return found;
    const values = data.facets.find(({ key }) => key === axis)?.values ?? [];
    const groups2 = /* @__PURE__ */ new Map();
    for (const run of Object.values(data.runs)) {
      const own = run.facets[axis ?? ""], key = groupOf(run, axis);
      if (own === void 0 || groups2.has(key)) continue;
      const text = own.map((i) => values[i]?.text).join(", ");
      groups2.set(key, { key, text, isBase: axis === "precision" && run.isBase });
    }
    const inOrder = [...groups2.values()].sort(
      (a, b) => Number(b.isBase) - Number(a.isBase) || a.key.split(",").length - b.key.split(",").length || parseInt(a.key) - parseInt(b.key)
    );
    known.groups.set(axis ?? "", inOrder);
    return inOrder;
  }
  var indexOf = (axis, key) => Math.max(0, groupsOf(axis).findIndex((group) => group.key === key));
  function colorOf(axis, key) {
    const shift = axis === "precision" && groupsOf(axis)[0]?.isBase !== true ? 1 : 0;
    return COLORS[(indexOf(axis, key) + shift) % COLORS.length];
  }
  var colorAt = (i) => COLORS[i % COLORS.length];
  function areDistinct(runs, axis) {
    const looks = runs.map((run) => \`\${colorOf(axis, groupOf(run, axis))} \${dashOf(run, axis)}\`);
    return new Set(looks).size === runs.length;
  }
  function dashOf(run, axis) {
    return hasDashes(axis) ? DASHES[indexOf("seed", groupOf(run, "seed"))] ?? "solid" : "solid";
  }
  function hasDashes(axis) {
    return axis !== "seed" && groupsOf("seed").length <= DASHES.length;
  }
  function translucent(color) {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
    return \`rgba(\${r},\${g},\${b},0.2)\`;
  }
  var SAMPLES = ["\\u2014\\u2014\\u2014", "\\xB7\\xB7\\xB7\\xB7\\xB7", "\\u2013 \\u2013 \\u2013", "\\u2013 \\xB7 \\u2013"];
  function legendOf(axis, shown2) {
    const present = (key) => {
      const keys = new Set(shown2.map((run) => groupOf(run, key)));
      return groupsOf(key).filter((group) => keys.has(group.key));
    };
    const facet = state.data.facets.find(({ key }) => key === axis);
    const areNumbers = facet?.values.every(({ text }) => text !== "" && Number.isFinite(Number(text)));
    const seeds = hasDashes(axis) && present("seed").length > 1 ? present("seed") : [];
    return [
      ...present(axis).map(({ key, text, isBase }) => ({
        label: facet !== void 0 && areNumbers ? \`\${facet.label} \${text}\` : text,
        color: colorOf(axis, key),
        width: isBase ? 6 : 3
      })),
      ...seeds.map(({ key, text }) => ({ label: \`seed \${text}\`, sample: SAMPLES[indexOf("seed", key)] ?? "" }))
    ];
  }
  function colored(layout, dark) {
    const [ink, grid, paper] = dark ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
    const axis = { gridcolor: grid, linecolor: grid, exponentformat: "power", minexponent: 6 };
    const title = { ...layout.yaxis?.["title"], standoff: 8 };
    const own = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, family: "system-ui, sans-serif" },
      hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } }
    };
    return {
      ...layout,
      ...own,
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis, title }
    };
  }

  // lib/figure/report/page/plot_place.ts
  function plotAttributes(id, figure) {
    return {
      class: "plot",
      id,
      tabindex: "0",
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": \`\${figure.title}. \${describe(figure)} Arrow keys read its values. Keys s, p and c save it as SVG, PNG and CSV.\`
    };
  }
  function describe({ data }) {
    const lines = data.filter(({ mode }) => mode === "lines").length;
    const [low, high] = data.flatMap(({ y }) => y ?? []).reduce(
      ([low2, high2], y) => y === null || !Number.isFinite(y) ? [low2, high2] : [Math.min(low2, y), Math.max(high2, y)],
      [Infinity, -Infinity]
    );
    const what = data.some(({ type }) => type === "heatmap") ? "Heat map" : lines > 0 ? \`\${lines} \${lines === 1 ? "curve" : "curves"}\` : \`\${data.length} series\`;
    return low > high ? \`\${what}.\` : \`\${what}, values from \${low.toPrecision(4)} to \${high.toPrecision(4)}.\`;
  }

  // lib/figure/report/page/fitted.ts
  var context;
  function widthOf(text, size) {
    context ??= document.createElement("canvas").getContext("2d");
    if (!context) return 0;
    context.font = \`\${size}px system-ui, sans-serif\`;
    return context.measureText(text).width;
  }
  function fitted(text, size, width) {
    if (widthOf(text, size) <= width) return text;
    const characters = [...text];
    let low = 0, high = characters.length;
    while (low + 1 < high) {
      const middle = low + high >> 1;
      if (widthOf(\`\${characters.slice(0, middle).join("")}\\u2026\`, size) <= width) low = middle;
      else high = middle;
    }
    return \`\${characters.slice(0, low).join("").trimEnd()}\\u2026\`;
  }

  // lib/figure/report/page/scales.ts
  var X_TITLES = {
    step: "step",
    tokens: "training tokens",
    FLOPs: "training FLOPs",
    time: "training time (s)"
  };
  function xOf(step, run, unit) {
    if (run === void 0 || unit === "step") return step;
    if (unit === "tokens") return step * run.tokens;
    if (unit === "FLOPs") return step * (run.flops ?? NaN);
    const { step: steps, seconds } = run.clock;
    const after = steps.findIndex((one) => one >= step);
    if (after <= 0) return after === 0 ? seconds[0] : seconds.at(-1) ?? NaN;
    const share = (step - steps[after - 1]) / (steps[after] - steps[after - 1]);
    return seconds[after - 1] + share * (seconds[after] - seconds[after - 1]);
  }
  var PARTS = 200;
  function smoothed({ x, y }, weight) {
    const width = Number(x.at(-1)) - Number(x[0]) || 1;
    let sum = 0, total = 0, before = Number(x[0]);
    return y.map((value, i) => {
      if (value === null) return null;
      const kept2 = weight ** (Math.abs(Number(x[i]) - before) / width * PARTS);
      before = Number(x[i]);
      sum = sum * kept2 + value;
      total = total * kept2 + 1;
      return sum / total;
    });
  }

  // lib/figure/report/page/readout.ts
  var LEAP = 1 / 40;
  var BEYOND = 1 / 40;
  var AT_MARK = 10;
  var plain = (name = "") => name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  var number = (y) => y === null || y === void 0 ? "not finite" : String(Number(y.toPrecision(6)));
  var pairOf = ({ meta }, at) => runOf(meta?.points?.[at] ?? meta?.run)?.pair;
  function pointAt(plot, trace, { x, at }) {
    const pair = pairOf(trace, at);
    const alike = plot.readable.filter(
      (other) => other.mode === trace.mode && other.hoverinfo !== "skip" && other.meta?.run !== void 0
    );
    const own = pair === void 0 ? [trace] : alike.filter((other) => pairOf(other, at) === pair);
    const say = (line) => {
      const nearest = line === trace ? at : nearestPoint(line, x);
      return \`\${plain(line.name)} \${number(line.y[nearest])}\`;
    };
    const others = alike.filter((other) => !own.includes(other) && reaches(other, x));
    const rest = others.length === 0 ? "" : \`; others: \${others.map(say).join(", ")}\`;
    const where = typeof x === "number" ? \`\${plot.figure.isSteps ? X_TITLES[view().x] : "x"} \${number(x)}\` : x;
    plot.readout.textContent = \`\${where}: \${(own.length === 0 ? [trace] : own).map(say).join(", ")}\${rest}\`;
    return pair;
  }
  function nearestPoint(line, x) {
    const wanted = Number(x);
    let best = 0, least = Infinity;
    for (let at = 0; at < line.x.length; at++) {
      const distance = Math.abs(Number(line.x[at]) - wanted);
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }
  function reaches({ x: places }, x) {
    if (typeof x !== "number") return true;
    const first = Number(places[0]), last = Number(places.at(-1)), margin = (last - first) * BEYOND;
    return x >= first - margin && x <= last + margin;
  }
  function pointNear(plot, pointer) {
    const axes = plot.element._fullLayout;
    if (axes === void 0) return void 0;
    const { xaxis, yaxis } = axes, { left: left2, top } = plot.element.getBoundingClientRect();
    const right = pointer.clientX - left2 - xaxis._offset, down = pointer.clientY - top - yaxis._offset;
    if (right < 0 || right > xaxis._length || down < 0 || down > yaxis._length) return void 0;
    const x = xaxis.p2d(right);
    let found, least = Infinity;
    for (const trace of curvesOf(plot)) {
      const at = nearestPoint(trace, x), y = trace.y[at];
      if (y === null || y === void 0) continue;
      const distance = Math.hypot(xaxis.d2p(Number(trace.x[at])) - right, yaxis.d2p(y) - down);
      if (trace.mode !== "lines" && distance > AT_MARK) continue;
      if (distance < least) [found, least] = [{ trace, at }, distance];
    }
    return found && pointAt(plot, found.trace, { x: found.trace.x[found.at] ?? null, at: found.at });
  }
  function curvesOf({ readable }) {
    return readable.filter(({ x, hoverinfo }) => x !== void 0 && x.length > 0 && hoverinfo !== "skip");
  }
  function walk(plot, key) {
    const curves = curvesOf(plot);
    if (curves.length === 0) return void 0;
    plot.curve = Math.min(plot.curve, curves.length - 1);
    if (key === "ArrowUp") plot.curve = (plot.curve + curves.length - 1) % curves.length;
    if (key === "ArrowDown") plot.curve = (plot.curve + 1) % curves.length;
    const trace = curves[plot.curve];
    const leap = Math.max(1, Math.round(trace.x.length * LEAP));
    const from = plot.place ?? trace.x.length - 1;
    const to = from + (key === "ArrowRight" ? leap : key === "ArrowLeft" ? -leap : 0);
    plot.place = Math.max(0, Math.min(trace.x.length - 1, to));
    return pointAt(plot, trace, { x: trace.x[plot.place] ?? null, at: plot.place });
  }

  // lib/figure/report/page/downloads.ts
  var SIZE = { width: 900, height: 480 };
  var TITLE = { size: 15, beside: 40 };
  var LABEL = { size: 12, beside: 60 };
  function label(text, { size, beside }) {
    return fitted(text, size, SIZE.width - beside).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }
  function csvOf(rows) {
    const cell = (value) => {
      const text = value === null || value === void 0 ? "" : String(value);
      return /[",\\r\\n]/.test(text) ? \`"\${text.replaceAll('"', '""')}"\` : text;
    };
    return rows.map((row) => \`\${row.map(cell).join()}\\r
\`).join("");
  }
  function save(name, extension, url) {
    const file = name.toLowerCase().replaceAll(/[^\\p{L}\\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "").slice(0, 80);
    Object.assign(document.createElement("a"), { href: url, download: \`\${file || "table"}.\${extension}\` }).click();
  }
  function saveText(name, extension, text) {
    const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    save(name, extension, url);
    setTimeout(() => URL.revokeObjectURL(url), 1e4);
  }
  async function saveFigure(title, format, { traces, layout, xTitle }) {
    if (format === "csv") {
      const rows = traces.filter(({ x }) => x !== void 0).flatMap(({ name, x, y, meta }) => x.map((at, i) => [meta?.run ?? meta?.points?.[i], name, at, y[i]]));
      saveText(title, "csv", csvOf([["run", "name", xTitle, "y"], ...rows]));
      return;
    }
    const figure = {
      data: traces.map((trace) => ({
        ...trace,
        ...trace.name !== void 0 && { name: label(plain(trace.name), LABEL) }
      })),
      layout: {
        ...layout,
        title: { text: label(title, TITLE), font: { size: TITLE.size } },
        margin: { ...layout.margin, t: 44 },
        showlegend: traces.length > 1,
        paper_bgcolor: "#ffffff"
      },
      config: {}
    };
    save(title, format, await Plotly.toImage(figure, { format, ...SIZE, ...format === "png" && { scale: 2 } }));
  }
  function saveTable(name, table) {
    const rows = [...table.rows].filter((row) => !row.hidden).map(
      (row) => [...row.cells].filter((cell) => !cell.matches(".acts, thead td")).map((cell) => cell.title === "" ? cell.textContent : cell.title)
    );
    saveText(name, "csv", csvOf(rows));
  }

  // lib/figure/report/page/legend.ts
  var BORDERS = { dot: "dotted", dash: "dashed", dashdot: "dashed" };
  function entryOf({ label: label2, color, width, sample }) {
    const mark = sample === void 0 ? make("i", "", { style: \`border-top: \${width}px solid \${color}\` }) : make("b", sample);
    return make("span", [mark, label2]);
  }
  function entriesOf(traces) {
    const named = new Map(
      traces.filter(({ type, name, showlegend }) => type !== "heatmap" && name && showlegend !== false).map((trace) => [trace.name, trace])
    );
    return named.size < 2 ? [] : [...named.values()].map((trace) => make("span", [sampleOf(trace), plain(trace.name)]));
  }
  function sampleOf({ mode, line, marker }) {
    const color = line?.color ?? marker?.color;
    const isLine = mode?.includes("lines") === true || marker?.symbol === "line-ew-open";
    return isLine ? make("i", "", { style: \`border-top: 3px \${BORDERS[line?.dash ?? ""] ?? "solid"} \${color}\` }) : make("i", "", { class: "mark", style: \`background: \${color}; opacity: \${marker?.opacity ?? 1}\` });
  }

  // lib/figure/report/page/hidden_runs.ts
  function listHidden() {
    const place = document.getElementById("hidden");
    if (place === null) return;
    const ids = [...state.hidden], shown2 = ids.join();
    place.hidden = ids.length === 0;
    if (place.dataset["runs"] === shown2) return;
    place.dataset["runs"] = shown2;
    place.replaceChildren("Hidden runs:");
    const buttons = ids.map(
      (id) => make("button", nameOf(id, runOf(id)), {
        ...{ type: "button", class: "show", title: "show this run again" },
        "data-show": id
      })
    );
    appendAll(place, buttons);
  }
  function nameOf(id, run) {
    const values = state.data.facets.flatMap(({ key, label: label2 }) => {
      const group = groupsOf(key).find((group2) => group2.key === groupOf(run, key));
      if (group === void 0 || group.text === "") return [];
      return [Number.isFinite(Number(group.text)) ? \`\${label2} \${group.text}\` : group.text];
    });
    return [id, ...values].join(", ");
  }

  // lib/figure/report/page/shown.ts
  var shown = /* @__PURE__ */ new Set();
  function isShown(run) {
    return run === void 0 || shown.has(run);
  }
  function selectRuns() {
    const chosen = choices(), runs = Object.entries(state.data.runs);
    shown = new Set(
      runs.filter(([id, { facets }]) => !state.hidden.has(id) && fits(facets, chosen)).map(([id]) => id)
    );
    for (const row of all("tr[data-run]")) {
      const id = row.dataset["run"], isHidden = !shown.has(id);
      if (row.hidden !== isHidden) row.hidden = isHidden;
    }
    const output = document.querySelector("#filters output");
    const hidden = state.hidden.size === 0 ? "" : \`, \${state.hidden.size} hidden\`;
    if (output !== null) output.textContent = \`\${shown.size} of \${runs.length} runs shown\${hidden}\`;
    listHidden();
    const isPart = shown.size < runs.length;
    document.body.classList.toggle("part", isPart);
    const scope = document.getElementById("scope");
    if (scope !== null) scope.hidden = !isPart;
  }

  // lib/figure/report/page/statistics.ts
  function meanOf(values, quantiles) {
    const n = values.length, mean = values.reduce((sum, value) => sum + value, 0) / n;
    if (n < 2) return { mean, half: void 0, n };
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
    const t = quantiles[Math.min(n, quantiles.length - 1)] ?? NaN;
    return { mean, half: t * Math.sqrt(variance / n), n };
  }
  function blockMeans(members, quantiles) {
    const length = members.reduce((most, { y }) => Math.max(most, y.length), 0);
    return Array.from({ length }, (_, i) => {
      const values = members.map(({ y }) => y[i]).filter((value) => typeof value === "number");
      return values.length === 0 ? void 0 : meanOf(values, quantiles);
    });
  }
  function categoryTrace(trace, members, quantiles) {
    const means2 = [...Map.groupBy(members, ({ x }) => x ?? "")].map(([x, own]) => ({
      x,
      ...meanOf(own.map(({ y }) => Number(y)), quantiles)
    }));
    if (means2.length === 0) return void 0;
    return {
      ...trace,
      x: means2.map(({ x }) => x),
      y: means2.map(({ mean }) => mean),
      text: means2.map(
        ({ half, n }) => half === void 0 ? "mean of 1" : \`mean of \${n}, \\xB1 \${half.toPrecision(3)}\`
      ),
      error_y: { ...trace.error_y, array: means2.map(({ half }) => half ?? 0) }
    };
  }

  // lib/figure/report/page/traces.ts
  function tracesOf({ data, isSteps, beside = [] }, view2) {
    const parts = data.flatMap((trace, i) => part({ ...trace, uid: \`t\${i}\` }));
    if (!isSteps) return parts;
    const axis = colorAxis(view2);
    const first = runOf(data.find(({ meta }) => meta?.run !== void 0)?.meta?.run);
    const own = areDistinct(beside.flatMap((id) => runOf(id) ?? []), axis) ? [] : beside;
    const drawn = parts.map((trace) => placed(recolored(trace, axis, own), first, view2.x));
    const ofPairs = means(pairsOf(data), view2, axis);
    return [
      ...drawn.flatMap((trace) => isSmooth(trace, view2) ? [behind(trace), smooth(trace, view2)] : [trace]),
      // A figure of pairs has means in any view: by precision if each pair has a color of its own.
      ...ofPairs.length > 0 ? ofPairs : means(pairsOf(data), view2, "precision"),
      ...view2.band && own.length === 0 ? means(blocksOf(drawn), view2, axis) : []
    ];
  }
  function part(trace) {
    const { run, points, mean, role } = trace.meta ?? {};
    if (points !== void 0) return pointsOf(trace, points.map(isShown));
    if (mean === void 0) return isShown(run) ? [trace] : [];
    if (role === "floor") return [trace];
    if (role !== "category") return [];
    const members = trace.meta?.members?.filter(({ run: run2 }) => isShown(run2)) ?? [];
    const drawn = categoryTrace(trace, members, state.data.quantiles);
    return drawn === void 0 ? [] : [drawn];
  }
  function pointsOf(trace, keep) {
    if (!keep.includes(true)) return [];
    const of = (list) => Array.isArray(list) && list.length === keep.length ? list.filter((_, i) => keep[i]) : list;
    return [{
      ...trace,
      x: of(trace.x),
      y: of(trace.y),
      text: of(trace.text),
      meta: { ...trace.meta, points: of(trace.meta?.points ?? []) },
      marker: { ...trace.marker, symbol: of(trace.marker?.symbol) }
    }];
  }
  function edgeOf(mean, role) {
    if (mean === void 0) return null;
    if (role === "mean") return mean.mean;
    return mean.half === void 0 ? null : mean.mean + (role === "low" ? -1 : 1) * mean.half;
  }
  function recolored(trace, axis, own) {
    const id = trace.meta?.run, run = runOf(id);
    if (id === void 0 || run === void 0) return trace;
    const isOwn = own.includes(id);
    const color = isOwn ? colorAt(own.indexOf(id)) : colorOf(axis, groupOf(run, axis));
    const dash = isOwn ? "solid" : dashOf(run, axis);
    const line = trace.line === void 0 ? {} : { line: { ...trace.line, color, dash } };
    const marker = trace.marker === void 0 ? {} : { marker: { ...trace.marker, color } };
    return { ...trace, ...line, ...marker };
  }
  function placed(trace, first, unit) {
    if (unit === "step") return trace;
    const of = runOf(trace.meta?.run) ?? first;
    const x = trace.x.map((step) => typeof step === "number" ? finite(xOf(step, of, unit)) : step);
    return { ...trace, x };
  }
  var finite = (x) => Number.isFinite(x) ? x : null;
  function isSmooth({ mode, meta }, { smooth: smooth2 }) {
    return smooth2 > 0 && mode === "lines" && meta?.run !== void 0;
  }
  function behind(trace) {
    const { uid: _, ...rest } = trace;
    return {
      ...rest,
      opacity: 0.2,
      hoverinfo: "skip",
      showlegend: false,
      line: { ...trace.line, dash: "solid", width: 1 }
    };
  }
  function smooth(trace, { smooth: smooth2 }) {
    return { ...trace, y: smoothed(trace, smooth2) };
  }
  function pairsOf(data) {
    return data.flatMap(
      ({ meta, x }) => meta?.role !== "mean" ? [] : (meta.members ?? []).filter(({ run }) => isShown(run)).map(({ run, y }) => ({ run, x, y }))
    );
  }
  function blocksOf(traces) {
    return traces.flatMap(
      ({ meta }) => meta?.run === void 0 || meta.blocks === void 0 ? [] : [{ run: meta.run, ...meta.blocks }]
    );
  }
  function means(curves, { x: unit }, axis) {
    const members = Map.groupBy(curves, ({ run }) => groupOf(runOf(run), axis));
    const groups2 = axis === void 0 ? [{ key: "", text: "all runs" }] : groupsOf(axis);
    return groups2.flatMap(({ key, text }) => {
      const own = members.get(key) ?? [];
      if (own.length < 2) return [];
      const color = colorOf(axis, key);
      const placed2 = own.map(({ run, x: x2, y }) => ({ run, x: x2.map((step) => xOf(step, runOf(run), unit)), y }));
      const x = placed2.map(({ x: x2 }) => x2).reduce((a, b) => b.at(-1) > a.at(-1) ? b : a);
      const values = placed2.map((one) => ({ run: one.run, y: x.map((at) => valueAt(one, at)) }));
      const found = blockMeans(values, state.data.quantiles).map(
        (one) => one === void 0 || one.n < 2 ? void 0 : one
      );
      const line = (role, style) => ({
        type: "scatter",
        mode: "lines",
        x: x.map(finite),
        y: found.map((one) => edgeOf(one, role)),
        hoverinfo: "skip",
        showlegend: false,
        meta: { mean: key, role, members: values },
        line: { width: 0 },
        ...style
      });
      return [
        line("low", {}),
        line("high", { fill: "tonexty", fillcolor: translucent(color) }),
        line("mean", { name: \`\${text}, mean of \${own.length}, 95 % interval\`, line: { color, width: 3 } })
      ];
    });
  }
  function valueAt({ x, y }, at) {
    const after = x.findIndex((one) => one >= at);
    if (after < 0) return null;
    const [right, end] = [x[after], y[after] ?? null];
    if (right === at) return end;
    const start2 = y[after - 1] ?? null;
    if (start2 === null || end === null) return null;
    const left2 = x[after - 1];
    return start2 + (end - start2) * (at - left2) / (right - left2);
  }
  function merged(traces, apart) {
    const looks = /* @__PURE__ */ new Map();
    const rest = [];
    for (const trace of traces) {
      if (trace.meta?.run === void 0 || trace.text || apart(trace)) {
        rest.push(trace);
        continue;
      }
      const { mode, line, marker, opacity } = trace;
      const look = JSON.stringify([mode, line?.color, line?.width, marker?.color, marker?.symbol, opacity]);
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

  // lib/figure/report/page/plots.ts
  var MANY = 24;
  var HEIGHT = 320;
  var NARROW = 480;
  var PRINT_WIDTH = 640;
  var LOG = { type: "log", nticks: 3, tickformat: "~g" };
  var CONFIG = {
    displayModeBar: false,
    displaylogo: false,
    showSendToCloud: false,
    plotlyServerURL: "",
    responsive: true
  };
  var REPORT = "report";
  var REPORT_PLOTS = '.plot[id^="figure-"]';
  var darkQuery = matchMedia("(prefers-color-scheme: dark)");
  var printing = false;
  var plotsByPart = /* @__PURE__ */ new Map();
  var plots = [];
  var highlighted = [];
  var isScheduled = false;
  var withKeys = /* @__PURE__ */ new WeakSet();
  var withPointer = /* @__PURE__ */ new WeakSet();
  var watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const plot = plotOf(target);
      if (plot === void 0) continue;
      plot.visible = isIntersecting;
      if (isIntersecting && (!plot.drawn || plot.stale)) draw(plot);
    }
  }, { rootMargin: "200px" });
  function startPlots() {
    const elements = all(REPORT_PLOTS);
    setPlots(REPORT, elements.map((element, i) => newPlot(element, state.data.figures[i], false)));
    drawLegends();
  }
  function startDetailPlots(part2, figures) {
    setPlots(part2, figures.map(({ element, figure }) => newPlot(element, figure, true)));
  }
  function setPlots(part2, own) {
    for (const { element } of plotsByPart.get(part2) ?? []) {
      watcher.unobserve(element);
      if (!element.isConnected) Plotly.purge(element);
    }
    plotsByPart.set(part2, own);
    plots = [...plotsByPart.values()].flat();
    for (const { element } of own) {
      watcher.observe(element);
      if (element.nextElementSibling?.matches(".save") !== true) element.after(saveButtons(element));
      if (withKeys.has(element)) continue;
      withKeys.add(element);
      element.addEventListener("keydown", (event) => {
        const now = plotOf(element);
        if (now === void 0 || event.ctrlKey || event.metaKey || event.altKey) return;
        const format = { s: "svg", p: "png", c: "csv" }[event.key];
        if (format !== void 0) void save2(now, format);
        if (!event.key.startsWith("Arrow")) return;
        event.preventDefault();
        highlight(listed(walk(now, event.key)));
      });
      element.addEventListener("blur", () => highlight(pinnedPairs()));
    }
  }
  function plotOf(element) {
    return plots.find((plot) => plot.element === element);
  }
  function keepPlots(parts) {
    const places = new Map(
      parts.flatMap((part2) => all(REPORT_PLOTS, part2)).map((place) => [captionOf(place), place])
    );
    for (const { element } of plotsByPart.get(REPORT) ?? []) {
      if (!withPointer.has(element)) continue;
      const place = places.get(captionOf(element));
      if (place === void 0) continue;
      for (const { name, value } of place.attributes) if (name !== "class") element.setAttribute(name, value);
      place.replaceWith(element);
    }
  }
  function watchAppearance() {
    const opened = [];
    const redraw = () => {
      for (const plot of plots) {
        if (plot.element.clientWidth === 0) plot.stale = true;
        else if (plot.drawn || printing) draw(plot);
      }
    };
    darkQuery.addEventListener("change", redraw);
    for (const [event, isPrinting] of [["beforeprint", true], ["afterprint", false]]) {
      addEventListener(event, () => {
        printing = isPrinting;
        for (const details of isPrinting ? all("details:not([open])") : opened) {
          details.open = isPrinting;
          if (isPrinting) opened.push(details);
        }
        if (!isPrinting) opened.length = 0;
        redraw();
      });
    }
  }
  function watchRows() {
    let under = null;
    document.addEventListener("mouseover", ({ target }) => {
      const row = target instanceof Element ? target.closest("tr[data-run]") : null;
      if (row === under) return;
      under = row;
      highlight(row === null ? pinnedPairs() : listed(runOf(row.dataset["run"])?.pair));
    });
  }
  function redrawPlots() {
    drawLegends();
    for (const plot of plots) {
      hideIfEmpty(plot, plot.figure.data.some((trace) => hasShown(trace)));
      plot.stale = true;
    }
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      for (const plot of plots) if (plot.visible && plot.stale) draw(plot);
    });
  }
  function saveButtons(element) {
    const buttons = ["svg", "png", "csv"].map((format) => {
      const button = make("button", format.toUpperCase(), {
        type: "button",
        tabindex: "-1",
        title: \`save the figure as \${format.toUpperCase()} (\${format[0]})\`
      });
      button.addEventListener("click", () => {
        const plot = plotOf(element);
        if (plot !== void 0) void save2(plot, format);
      });
      return button;
    });
    return make("div", buttons, { class: "save" });
  }
  async function save2(plot, format) {
    const now = view();
    await saveFigure(plot.figure.title, format, {
      traces: tracesOf(plot.figure, now),
      layout: layoutOf(plot, now, false),
      xTitle: plot.figure.isSteps ? X_TITLES[now.x] : "x"
    });
  }
  var captionOf = (element) => element.closest("figure")?.querySelector("figcaption")?.textContent ?? "";
  function newPlot(element, figure, isDetail) {
    return {
      ...{ element, figure, isDetail },
      readout: element.parentElement?.querySelector(".readout") ?? document.createElement("p"),
      traces: [],
      readable: [],
      visible: false,
      drawn: false,
      stale: false,
      empty: false,
      printed: false,
      many: false,
      curve: 0,
      place: void 0
    };
  }
  function hasShown({ meta }) {
    if (meta?.points !== void 0) return meta.points.some(isShown);
    return meta?.mean === void 0 && isShown(meta?.run);
  }
  function hideIfEmpty(plot, isFull) {
    plot.empty = !isFull;
    const figure = plot.element.closest("figure");
    if (figure !== null) figure.hidden = !isFull && plot.figure.data.length > 0;
  }
  function drawLegends() {
    const axis = colorAxis(view());
    for (const place of all(".legend")) {
      const own = all(REPORT_PLOTS, place.parentElement ?? place).flatMap((element) => plotOf(element)?.figure ?? []).filter(({ isSteps }) => isSteps);
      const ids = new Set(own.flatMap(({ data }) => data.map(({ meta }) => meta?.run)));
      const runs = [...ids].flatMap((id) => id !== void 0 && isShown(id) ? runOf(id) ?? [] : []);
      place.replaceChildren();
      appendAll(place, legendOf(axis, runs).map(entryOf));
    }
  }
  function showOwnLegend({ readout, traces }) {
    const before = readout.previousElementSibling, isThere = before?.matches(".keys") === true;
    const place = isThere ? before : make("div", [], { class: "keys" });
    if (!isThere) readout.before(place);
    place.replaceChildren();
    appendAll(place, entriesOf(traces));
  }
  function layoutOf(plot, { x, logX, logY }, dark) {
    const { layout, isSteps, data } = plot.figure, colors = colored(layout, dark);
    const base = {
      ...colors,
      showlegend: false,
      margin: { ...colors.margin, t: 12 },
      hoverlabel: { ...colors.hoverlabel, ...plot.element.clientWidth < NARROW && { namelength: 0 } },
      ...data.some(({ type }) => type === "scatter") && { height: HEIGHT }
    };
    if (!isSteps) {
      if (!data.some(({ type }) => type === "heatmap")) return base;
      const xaxis = spaced(base.xaxis ?? {}, printing ? PRINT_WIDTH : plot.element.clientWidth);
      return { ...base, xaxis };
    }
    const { range, ...y } = base.yaxis ?? {};
    return {
      ...base,
      xaxis: { ...base.xaxis, title: { text: X_TITLES[x] }, ...logX && LOG },
      yaxis: { ...y, ...logY || y["type"] === "log" ? LOG : range !== void 0 && { range } }
    };
  }
  var OUTSIDE = 170;
  var CHARACTER = 7;
  var BETWEEN = 8;
  function spaced(axis, width) {
    const { tickvals = [], ticktext = [] } = axis;
    const widest = ticktext.reduce((most, text) => Math.max(most, text.length), 0) * CHARACTER + BETWEEN;
    const every = Math.max(1, Math.ceil(ticktext.length * widest / Math.max(1, width - OUTSIDE)));
    const isKept = (_, i) => i % every === 0;
    return { ...axis, tickvals: tickvals.filter(isKept), ticktext: ticktext.filter(isKept) };
  }
  function draw(plot) {
    const now = view(), left2 = tracesOf(plot.figure, now);
    hideIfEmpty(plot, plot.figure.data.some((trace) => hasShown(trace)));
    plot.drawn = true;
    plot.stale = false;
    if (plot.empty) return;
    plot.many = left2.filter(({ mode, meta }) => mode === "lines" && meta?.run !== void 0).length > MANY;
    const apart = [...state.pinned, state.opened];
    plot.readable = left2;
    plot.traces = plot.many ? merged(left2, ({ meta }) => apart.includes(meta?.run)) : left2;
    const size = printing ? { width: PRINT_WIDTH } : {};
    const layout = { ...layoutOf(plot, now, darkQuery.matches && !printing), ...size };
    const { element, printed } = plot;
    element.style.minHeight = layout.height === void 0 ? "" : \`\${layout.height}px\`;
    const drawing = Plotly.react(element, plot.traces, layout, CONFIG);
    plot.printed = printing;
    if (printed && !printing) void drawing.then(() => Plotly.Plots.resize(element));
    if (!plot.figure.isSteps || plot.isDetail) showOwnLegend(plot);
    watchPointer(element);
    dim(plot, highlighted);
  }
  function watchPointer(element) {
    if (withPointer.has(element)) return;
    withPointer.add(element);
    element.on("plotly_hover", ({ points: [point] }) => {
      const now = plotOf(element);
      if (point === void 0 || now === void 0 || now.many) return;
      highlight(listed(pointAt(now, point.data, { x: point.x, at: point.pointNumber })));
    });
    element.on("plotly_unhover", () => {
      if (plotOf(element)?.many !== true) highlight(pinnedPairs());
    });
    let last;
    const read = (event) => {
      const isWaiting = last !== void 0;
      last = event;
      if (isWaiting) return;
      requestAnimationFrame(() => {
        const now = plotOf(element);
        if (now?.many === true && !now.empty && last !== void 0) highlight(listed(pointNear(now, last)));
        last = void 0;
      });
    };
    for (const event of ["pointermove", "pointerdown"]) element.addEventListener(event, read);
    element.addEventListener("pointerleave", () => {
      if (plotOf(element)?.many === true) highlight(pinnedPairs());
    });
  }
  var listed = (pair) => pair === void 0 ? [] : [pair];
  var pinnedPairs = () => state.pinned.flatMap((id) => listed(runOf(id)?.pair));
  function dim(plot, pairs) {
    if (plot.isDetail) return;
    const pairOf2 = ({ meta }) => runOf(meta?.run)?.pair;
    const isHere = plot.traces.some((trace) => pairs.includes(pairOf2(trace) ?? ""));
    for (const trace of plot.traces) {
      const own = pairOf2(trace);
      const node = trace.uid && plot.element.querySelector(\`.scatterlayer .trace\${trace.uid}\`);
      if (node) node.classList.toggle("dim", isHere && own !== void 0 && !pairs.includes(own));
    }
  }
  function highlight(pairs) {
    if (pairs.join() === highlighted.join()) return;
    highlighted = pairs;
    for (const plot of plots) if (plot.drawn && !plot.empty && !plot.many) dim(plot, pairs);
    for (const row of all("tr[data-run]")) {
      row.classList.toggle("pair", pairs.includes(runOf(row.dataset["run"])?.pair ?? ""));
    }
  }
  function showPinned() {
    highlight(pinnedPairs());
    for (const plot of plots) {
      if (!plot.many) continue;
      if (plot.visible) draw(plot);
      else plot.stale = true;
    }
  }

  // lib/figure/report/page/tables.ts
  function startTables() {
    for (const [table, { column, descending }] of state.sorts) {
      const header = all("th[data-column]").find((one) => one.dataset["column"] === column && labelOf(one) === table);
      if (header !== void 0) sortBy(header, descending);
    }
    for (const region2 of all(".scroll")) {
      if (region2.nextElementSibling?.matches(".csv") !== true) addSaveButton(region2);
    }
  }
  function addSaveButton(region2) {
    const table = region2.querySelector("table");
    if (table === null) return;
    const name = labelOf(region2);
    const button = make("button", "CSV", { type: "button", class: "csv", title: \`save \${name} as CSV\` });
    button.addEventListener("click", () => saveTable(name, table));
    region2.after(button);
  }
  var labelOf = (element) => element.closest(".scroll")?.getAttribute("aria-label") ?? "table";
  function sortByHeader(button) {
    const header = button.closest("th");
    if (header === null) return;
    const descending = header.getAttribute("aria-sort") === "ascending";
    sortBy(header, descending);
    state.sorts.set(labelOf(header), { column: header.dataset["column"] ?? "", descending });
    keepState();
  }
  function sortBy(header, descending) {
    const row = header.parentElement;
    const body = header.closest("table")?.tBodies[0];
    if (!row || !body) return;
    const column = [...row.cells].indexOf(header);
    const sign = descending ? -1 : 1;
    for (const other of all("th", row)) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    const numeric = header.classList.contains("number");
    const keyed = [...body.rows].map((tr) => {
      const text = tr.cells[column]?.textContent ?? "";
      return { tr, text, value: numeric ? Number(text.replace("\\u2013", "NaN")) : 0 };
    });
    const collator = new Intl.Collator(void 0, { numeric: true });
    keyed.sort(
      (a, b) => Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) || sign * (numeric ? a.value - b.value : collator.compare(a.text, b.text)) || 0
    );
    appendAll(body, keyed.map(({ tr }) => tr));
  }

  // lib/figure/report/page/details.ts
  var FREE = ["policy", "overrides", "seed", "threads"];
  function showOpened() {
    const place = document.getElementById("run"), run = runOf(state.opened), id = state.opened ?? "";
    if (place === null) return;
    document.body.classList.toggle("one", run !== void 0);
    place.hidden = run === void 0;
    if (run === void 0) return empty(place);
    const kept2 = plotsOf(place);
    const back = make("button", "\\u2190 all runs", { type: "button", class: "back" });
    const pair = Object.entries(state.data.runs).filter(
      ([other, { pair: pair2 }]) => pair2 === run.pair && other !== id
    );
    const fields = { ...state.data.common, ...run.fields };
    place.replaceChildren();
    appendAll(place, [
      make("p", [back]),
      make("h2", \`Run \${id}\`),
      ...run.note === void 0 ? [] : [make("p", run.note, { class: "headline" })],
      ...run.problem === void 0 ? [] : [make("p", \`Failed: \${run.problem}\`, { class: "warning" })],
      make(
        "p",
        pair.length === 0 ? "No other run differs from it in precision alone." : [
          "Differs in precision alone: ",
          ...pair.map(
            ([other, run2]) => make("button", \`\${other} (\${precisionOf(run2)})\`, { type: "button", class: "open" })
          )
        ]
      ),
      region("Results", tableOf([], Object.entries(run.results)))
    ]);
    addFigures(place, [id, ...pair.map(([other]) => other)], id, kept2);
    place.append(region("Configuration", tableOf([], Object.entries(fields))));
  }
  function empty(place) {
    place.replaceChildren();
    startDetailPlots(place.id, []);
  }
  function precisionOf(run) {
    const key = groupOf(run, "precision");
    return groupsOf("precision").find((group) => group.key === key)?.text ?? "";
  }
  function showBeside() {
    const place = document.getElementById("beside");
    if (place === null) return;
    const runs = state.pinned.map((id) => [id, runOf(id)]);
    place.hidden = runs.length < 2;
    if (runs.length < 2) return empty(place);
    const names = [...new Set(runs.flatMap(([, { fields }]) => Object.keys(fields)))].filter((name) => new Set(runs.map(([, { fields }]) => fields[name])).size > 1);
    const results = [...new Set(runs.flatMap(([, { results: results2 }]) => Object.keys(results2)))];
    const wrong = names.filter((name) => !FREE.includes(name));
    const warning = wrong.length === 0 ? "The runs differ in precision or seed alone." : \`Not a comparison of precisions: the runs also differ in \${wrong.join(", ")}.\`;
    const kept2 = plotsOf(place);
    place.replaceChildren();
    appendAll(place, [
      make("h2", "Side by side"),
      make("p", warning, { class: wrong.length === 0 ? "note" : "warning" }),
      region(
        "Side by side",
        tableOf(["", ...runs.map(([id]) => id)], [
          ...names.map((name) => [name, ...runs.map(([, { fields }]) => fields[name] ?? "\\u2013")]),
          ...results.map((name) => [name, ...runs.map(([, { results: results2 }]) => results2[name] ?? "\\u2013")])
        ])
      )
    ]);
    addFigures(place, runs.map(([id]) => id), void 0, kept2);
  }
  function region(label2, table) {
    const scroll = make("div", [table], {
      class: "scroll",
      tabindex: "0",
      role: "region",
      "aria-label": label2
    });
    const whole = make("div", label2 === "Side by side" ? [scroll] : [make("h3", label2), scroll]);
    addSaveButton(scroll);
    return whole;
  }
  function plotsOf(place) {
    return new Map(
      all("figure", place).map((figure) => [
        figure.querySelector("figcaption")?.textContent ?? "",
        figure.querySelector(".plot")
      ])
    );
  }
  function addFigures(place, ids, alone, kept2) {
    const shown2 = alone === void 0 ? ids : [alone];
    const figures = state.data.figures.filter(
      ({ isSteps, data }) => isSteps && data.some(({ meta }) => meta?.run !== void 0 && shown2.includes(meta.run))
    );
    const groups2 = Map.groupBy(figures, ({ layout }) => JSON.stringify(layout.yaxis?.["title"]));
    const drawn = [...groups2.values()].map((members, i) => {
      const [first] = members, caption = first.title.split(":")[0];
      const data = members.flatMap(({ data: data2 }) => data2).filter(({ meta }) => meta?.run !== void 0 && ids.includes(meta.run)).map((trace) => ({ ...trace, name: \`\${trace.meta.run}: \${trace.name ?? ""}\` }));
      const { range: _, ...yaxis } = first.layout.yaxis ?? {};
      const title = \`\${caption}: \${shown2.length === 1 ? "run" : "runs"} \${shown2.join(", ")}\`;
      const figure = { ...first, title, data, layout: { ...first.layout, yaxis }, beside: ids };
      const element = kept2.get(caption) ?? make("div");
      for (const [name, value] of Object.entries(plotAttributes(\`\${place.id}-figure-\${i}\`, figure))) {
        if (name === "class") element.classList.add(value);
        else element.setAttribute(name, value);
      }
      const whole = make("figure", [
        make("figcaption", caption),
        element,
        make("p", "", { class: "readout", role: "status" }),
        ...figure.how === void 0 ? [] : [make("p", figure.how, { class: "how" })]
      ]);
      return { element, figure, whole };
    });
    if (drawn.length > 0) place.append(make("div", drawn.map(({ whole }) => whole), { class: "figures" }));
    startDetailPlots(place.id, drawn);
  }

  // lib/figure/report/page/embedded.ts
  async function unpacked(base64) {
    const binary = atob(base64), bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return await new Response(stream).text();
  }
  async function readData(root = document) {
    const data = JSON.parse(await unpacked(textOf("data", root)));
    return { ...data, figures: data.figures.map((figure) => figure.isSteps ? withPlaces(figure) : figure) };
  }
  function withPlaces(figure) {
    const data = figure.data.map((trace) => {
      let place = 0;
      return { ...trace, x: trace.x.map((distance) => place += Number(distance)) };
    });
    return { ...figure, data };
  }
  async function addRows() {
    await Promise.all(
      all("script.rows").map(async (script) => {
        const html = await unpacked(script.textContent ?? "");
        const body = script.parentElement?.querySelector("tbody");
        if (script.isConnected) body?.insertAdjacentHTML("beforeend", html);
        script.remove();
      })
    );
  }
  async function runPlotly() {
    document.head.append(Object.assign(document.createElement("script"), {
      textContent: await unpacked(textOf("plotly"))
    }));
  }

  // lib/figure/report/page/live.ts
  var served = /* @__PURE__ */ new Map();
  function follow(hooks) {
    if (!document.body.dataset["version"]) return;
    const status = document.getElementById("live");
    const say = (text) => {
      if (status !== null) status.textContent = text;
    };
    const events = new EventSource("events");
    let announced, isUpdating = false;
    events.onopen = () => say("live");
    events.onerror = () => say("connection lost, reconnecting");
    events.addEventListener("end", () => {
      events.close();
      say("the sweep has ended");
    });
    events.onmessage = async ({ data: version }) => {
      announced = version;
      if (isUpdating) return;
      isUpdating = true;
      while (announced !== void 0 && announced !== document.body.dataset["version"]) {
        announced = void 0;
        await update(hooks);
      }
      isUpdating = false;
    };
  }
  function rememberServed(main = document.querySelector("main")) {
    served = new Map([...main?.children ?? []].map((part2, i) => [keyOf(part2, i), part2.outerHTML]));
  }
  async function update({ before, after }) {
    const response = await fetch("./").catch(() => void 0);
    if (response?.ok !== true) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const content = page.querySelector("main"), main = document.querySelector("main");
    const data = page.getElementById("data");
    if (content === null || main === null || data === null) return;
    const restore = kept(main), focused = finderOf(document.activeElement), { hash } = location;
    const parts = [...content.children].map((part2) => document.adoptNode(part2));
    const old = new Map([...main.children].map((part2, i) => [keyOf(part2, i), part2]));
    const html = new Map(parts.map((part2, i) => [keyOf(part2, i), part2.outerHTML]));
    const next = parts.map((part2, i) => {
      const key = keyOf(part2, i), before2 = old.get(key);
      return before2 !== void 0 && served.get(key) === html.get(key) ? before2 : part2;
    });
    before(next.filter((part2) => parts.includes(part2)));
    for (const part2 of old.values()) if (!next.includes(part2)) part2.remove();
    let place = main.firstElementChild;
    for (const part2 of next) {
      if (part2 === place) place = place.nextElementSibling;
      else main.insertBefore(part2, place);
    }
    served = html;
    document.getElementById("data")?.replaceWith(document.adoptNode(data));
    document.body.dataset["version"] = page.body.dataset["version"] ?? "";
    if (location.hash !== hash) history.replaceState(null, "", hash);
    restore();
    await after();
    if (document.activeElement === document.body) focused()?.focus({ preventScroll: true });
  }
  function keyOf(part2, index) {
    return part2.id || part2.querySelector("h2")?.textContent || \`\${part2.tagName} \${index}\`;
  }
  function kept(main) {
    const focused = document.activeElement, find = finderOf(focused);
    const opened = all("details[open]", main).map(headingOf);
    const scrolled = all(".scroll", main).map(
      ({ ariaLabel, scrollLeft, scrollTop }) => [ariaLabel, scrollLeft, scrollTop]
    );
    const anchor = [...main.children].findLast((part2) => part2.getBoundingClientRect().top <= 0);
    const key = anchor && headingOf(anchor), top = anchor?.getBoundingClientRect().top ?? 0;
    return () => {
      for (const details of all("details", main)) {
        if (opened.includes(headingOf(details))) details.open = true;
      }
      for (const [label2, left2, top2] of scrolled) {
        const region2 = all(".scroll", main).find(({ ariaLabel }) => ariaLabel === label2);
        if (region2 !== void 0) Object.assign(region2, { scrollLeft: left2, scrollTop: top2 });
      }
      const same = anchor?.isConnected ? anchor : [...main.children].find((part2) => headingOf(part2) === key);
      if (same !== void 0 && key !== void 0) scrollBy(0, same.getBoundingClientRect().top - top);
      if (document.activeElement !== focused) find()?.focus({ preventScroll: true });
    };
  }
  var headingOf = (element) => (element.closest("section") ?? element).querySelector("h2")?.textContent ?? element.tagName;
  function finderOf(element) {
    if (!(element instanceof HTMLElement) || element.closest("main") === null) return () => void 0;
    const row = element.closest("tr[data-run]"), id = row?.dataset["run"];
    const selector = element.tagName + [...element.classList].map((name) => \`.\${CSS.escape(name)}\`).join("");
    const heading = headingOf(element), scope = (of) => all(selector, of);
    const index = scope(row ?? element.closest("section, form") ?? document).indexOf(element);
    const form2 = element.closest("form")?.id;
    return () => {
      if (element.isConnected) return element;
      const part2 = form2 === void 0 ? all("section").find((section) => headingOf(section) === heading) : document.getElementById(form2);
      const place = id === void 0 ? part2 : part2?.querySelector(\`tr[data-run="\${CSS.escape(id)}"]\`);
      return place ? scope(place)[index] : void 0;
    };
  }

  // lib/figure/report/page/main.ts
  function apply() {
    selectRuns();
    keepState();
    redrawPlots();
  }
  function pin(id) {
    state.pinned = state.pinned.includes(id) ? state.pinned.filter((other) => other !== id) : [...state.pinned, id];
    keepState();
    showPins();
    showPinned();
  }
  function hide(id) {
    const row = rowOf(id), isFocused = row?.contains(document.activeElement) === true;
    if (!state.hidden.delete(id)) state.hidden.add(id);
    apply();
    if (!isFocused) return;
    const rows = all("tr[data-run]", row.parentElement);
    const isLeft = (one) => !one.hidden;
    const next = rows.slice(rows.indexOf(row)).find(isLeft) ?? rows.findLast(isLeft);
    next?.querySelector(".open")?.focus();
  }
  function show(id, button) {
    const next = button.nextElementSibling ?? button.previousElementSibling;
    const other = next instanceof HTMLElement ? next.dataset["show"] : void 0;
    state.hidden.delete(id);
    apply();
    const selector = \`#hidden [data-show="\${CSS.escape(other ?? "")}"]\`;
    (document.querySelector(selector) ?? rowOf(id)?.querySelector(".open"))?.focus();
  }
  var left;
  function open(id) {
    if (state.opened === void 0 && id !== void 0) left = { id, top: scrollY };
    state.opened = id;
    keepState();
    showOpened();
    if (id !== void 0) {
      scrollTo(0, 0);
      document.querySelector("#run .back")?.focus();
      return;
    }
    redrawPlots();
    scrollTo(0, left?.top ?? 0);
    if (left !== void 0) rowOf(left.id)?.querySelector(".open")?.focus({ preventScroll: true });
  }
  function rowOf(id) {
    return document.querySelector(\`table[data-of=runs] tr[data-run="\${CSS.escape(id)}"]\`);
  }
  function showPins() {
    for (const row of all("tr[data-run]")) {
      const isPinned = state.pinned.includes(row.dataset["run"]);
      const button = row.querySelector(".pin");
      if (button === null || button.getAttribute("aria-pressed") === "true" === isPinned) continue;
      button.setAttribute("aria-pressed", String(isPinned));
      button.textContent = isPinned ? "\\u2605" : "\\u2606";
    }
    showBeside();
  }
  function act(target) {
    const id = target.closest("tr[data-run]")?.dataset["run"];
    const hidden = target.closest("[data-show]")?.dataset["show"];
    if (hidden !== void 0) show(hidden, target);
    else if (target.matches("thead button")) sortByHeader(target);
    else if (target.matches(".back")) open(void 0);
    else if (target.matches(".open")) open(id ?? target.textContent?.slice(0, 12));
    else if (id !== void 0 && target.matches(".pin")) pin(id);
    else if (id !== void 0 && target.matches(".hide")) hide(id);
  }
  function actByKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && state.opened !== void 0) return open(void 0);
    const row = event.target instanceof Element && event.target.matches("td .open") ? event.target.closest("tr") : null;
    const id = row?.dataset["run"];
    if (id === void 0) return;
    if (event.key === "p") pin(id);
    if (event.key === "h") hide(id);
  }
  async function start() {
    state.data = await readData();
    await addRows();
    restoreState();
    selectRuns();
    startTables();
    await ready;
    startPlots();
    if (document.body.classList.contains("part")) redrawPlots();
    showPins();
    showPinned();
    showOpened();
    document.body.dataset["ready"] = "";
  }
  var isIn = (target, form2) => target instanceof Element && target.closest(form2) !== null;
  rememberServed();
  var ready = runPlotly();
  document.addEventListener("change", ({ target }) => {
    if (isIn(target, "#filters")) apply();
  });
  document.addEventListener("input", ({ target }) => {
    if (isIn(target, "#view")) apply();
  });
  document.addEventListener("reset", ({ target }) => {
    if (!isIn(target, "#filters")) return;
    state.hidden.clear();
    setTimeout(apply);
  });
  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    if (button !== null) act(button);
  });
  document.addEventListener("keydown", actByKey);
  watchAppearance();
  watchRows();
  void start().then(() => follow({ before: keepPlots, after: start }));
})();
`;
