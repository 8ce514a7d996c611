/**
 * Details of one run, and runs side by side.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { colored, groupOf, groupsOf } from "./colors.ts";
import { all, appendAll, make, tableOf } from "./dom.ts";
import { entriesOf } from "./legend.ts";
import { CONFIG, HEIGHT } from "./plots.ts";
import { runOf, state, view } from "./state.ts";
import { tracesOf } from "./traces.ts";
import { addSaveButton } from "./tables.ts";
import type { PlotlyLibrary } from "./plot_types.ts";
import type { PageFigure, PageRun } from "./types.ts";

declare const Plotly: PlotlyLibrary;

/** Fields that may differ between runs whose losses are compared. */
const FREE = ["policy", "overrides", "seed", "threads"];

const dark = (): boolean => matchMedia("(prefers-color-scheme: dark)").matches;

/** Shows the details of the opened run instead of the report, or the report if no run is opened. */
export function showOpened(): void {
  const place = document.getElementById("run"), run = runOf(state.opened), id = state.opened ?? "";
  if (place === null) return;
  document.body.classList.toggle("one", run !== undefined);
  place.hidden = run === undefined;
  if (run === undefined) return place.replaceChildren();
  const kept = plotsOf(place);
  const back = make("button", "← all runs", { type: "button", class: "back" });
  const pair = Object.entries(state.data.runs).filter(([other, { pair }]) =>
    pair === run.pair && other !== id
  );
  const fields = { ...state.data.common, ...run.fields };
  place.replaceChildren();
  appendAll(place, [
    make("p", [back]),
    make("h2", `Run ${id}`),
    ...run.note === undefined ? [] : [make("p", run.note, { class: "headline" })],
    make(
      "p",
      pair.length === 0 ? "No other run differs from it in precision alone." : [
        "Differs in precision alone: ",
        ...pair.map(([other, run]) =>
          make("button", `${other} (${precisionOf(run)})`, { type: "button", class: "open" })
        ),
      ],
    ),
    region("Results", tableOf([], Object.entries(run.results))),
    ...figuresOf([id, ...pair.map(([other]) => other)], id, kept),
    region("Configuration", tableOf([], Object.entries(fields))),
  ]);
}

function precisionOf(run: PageRun): string {
  const key = groupOf(run, "precision");
  return groupsOf("precision").find((group) => group.key === key)?.text ?? "";
}

/** Shows pinned runs side by side, if there are at least two. */
export function showBeside(): void {
  const place = document.getElementById("beside");
  if (place === null) return;
  const runs = state.pinned.map((id): [string, PageRun] => [id, runOf(id)!]);
  place.hidden = runs.length < 2;
  if (runs.length < 2) return place.replaceChildren();
  const names = [...new Set(runs.flatMap(([, { fields }]) => Object.keys(fields)))]
    .filter((name) => new Set(runs.map(([, { fields }]) => fields[name])).size > 1);
  const results = [...new Set(runs.flatMap(([, { results }]) => Object.keys(results)))];
  const wrong = names.filter((name) => !FREE.includes(name));
  const warning = wrong.length === 0
    ? "The runs differ in precision or seed alone."
    : `Not a comparison of precisions: the runs also differ in ${wrong.join(", ")}.`;
  const kept = plotsOf(place);
  place.replaceChildren();
  appendAll(place, [
    make("h2", "Side by side"),
    make("p", warning, { class: wrong.length === 0 ? "note" : "warning" }),
    region(
      "Side by side",
      tableOf(["", ...runs.map(([id]) => id)], [
        ...names.map((name) => [name, ...runs.map(([, { fields }]) => fields[name] ?? "–")]),
        ...results.map((name) => [name, ...runs.map(([, { results }]) => results[name] ?? "–")]),
      ]),
    ),
    ...figuresOf(runs.map(([id]) => id), undefined, kept),
  ]);
}

function region(label: string, table: HTMLTableElement): HTMLElement {
  const scroll = make("div", [table], {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": label,
  });
  const whole = make("div", label === "Side by side" ? [scroll] : [make("h3", label), scroll]);
  addSaveButton(scroll);
  return whole;
}

/** Returns the elements of the drawn figures in a part of the page, by title. */
function plotsOf(place: HTMLElement): ReadonlyMap<string, HTMLElement> {
  return new Map(
    all("figure", place).map((figure) => [
      figure.querySelector("figcaption")?.textContent ?? "",
      figure.querySelector<HTMLElement>(".plot")!,
    ]),
  );
}

/**
 * Returns figures over steps of some runs: the figures of the report in which they appear, joined by vertical axis.
 *
 * @param ids The runs.
 * @param alone The run whose figures are shown. Undefined: figures with any of the runs.
 * @param kept Elements of drawn figures by title. They are redrawn in place.
 */
function figuresOf(
  ids: readonly string[],
  alone: string | undefined,
  kept: ReadonlyMap<string, HTMLElement>,
): HTMLElement[] {
  const figures = state.data.figures.filter(({ isSteps, data }) =>
    isSteps &&
    data.some(({ meta }) =>
      meta?.run !== undefined && (alone === undefined ? ids : [alone]).includes(meta.run)
    )
  );
  const groups = Map.groupBy(figures, ({ layout }) => JSON.stringify(layout.yaxis?.["title"]));
  const grid = make("div", [], { class: "figures" });
  for (const members of groups.values()) {
    const [first] = members as [PageFigure];
    const data = members.flatMap(({ data }) => data)
      .filter(({ meta }) => meta?.run !== undefined && ids.includes(meta.run));
    const title = first.title.split(":")[0]!;
    const plot = kept.get(title) ?? make("div", [], { class: "plot" });
    const { range: _, ...yaxis } = first.layout.yaxis ?? {};
    const traces = tracesOf({ ...first, data }, view()).map((trace) => ({
      ...trace,
      ...trace.meta?.run !== undefined && { name: `${trace.meta.run}: ${trace.name ?? ""}` },
    }));
    grid.append(
      make("figure", [make("figcaption", title), plot, make("div", entriesOf(traces), { class: "keys" })]),
    );
    const margin = { l: 56, r: 12, t: 12, b: 44 };
    const layout = {
      ...colored({ ...first.layout, yaxis }, dark()),
      margin,
      height: HEIGHT,
      showlegend: false,
    };
    // Plotly measures the element, so that it is drawn once it is part of the page.
    requestAnimationFrame(() => void Plotly.react(plot, traces, layout, CONFIG));
  }
  return figures.length === 0 ? [] : [grid];
}
