/**
 * Details of one run, and runs side by side.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { groupOf, groupsOf } from "./colors.ts";
import { all, appendAll, make, tableOf } from "./dom.ts";
import { plotAttributes } from "./plot_place.ts";
import { startDetailPlots } from "./plots.ts";
import { runOf, state } from "./state.ts";
import { addSaveButton } from "./tables.ts";
import type { PageFigure, PageRun } from "./types.ts";

/** Fields that may differ between runs whose losses are compared. */
const FREE = ["policy", "overrides", "seed", "threads"];

/** Shows the details of the opened run instead of the report, or the report if no run is opened. */
export function showOpened(): void {
  const place = document.getElementById("run"), run = runOf(state.opened), id = state.opened ?? "";
  if (place === null) return;
  document.body.classList.toggle("one", run !== undefined);
  place.hidden = run === undefined;
  if (run === undefined) return empty(place);
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
    ...run.problem === undefined ? [] : [make("p", `Failed: ${run.problem}`, { class: "warning" })],
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
  ]);
  addFigures(place, [id, ...pair.map(([other]) => other)], id, kept);
  place.append(region("Configuration", tableOf([], Object.entries(fields))));
}

/** Removes the content of a part of the page, and its figures. */
function empty(place: HTMLElement): void {
  place.replaceChildren();
  startDetailPlots(place.id, []);
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
  if (runs.length < 2) return empty(place);
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
  ]);
  addFigures(place, runs.map(([id]) => id), undefined, kept);
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
 * Adds figures over steps of some runs: the figures of the report in which they appear, joined by vertical axis.
 *
 * @param place Part of the page.
 * @param ids The runs.
 * @param alone The run whose figures are shown. Undefined: figures with any of the runs.
 * @param kept Elements of drawn figures by title. They are redrawn in place.
 */
function addFigures(
  place: HTMLElement,
  ids: readonly string[],
  alone: string | undefined,
  kept: ReadonlyMap<string, HTMLElement>,
): void {
  const shown = alone === undefined ? ids : [alone];
  const figures = state.data.figures.filter(({ isSteps, data }) =>
    isSteps && data.some(({ meta }) => meta?.run !== undefined && shown.includes(meta.run))
  );
  const groups = Map.groupBy(figures, ({ layout }) => JSON.stringify(layout.yaxis?.["title"]));
  const drawn = [...groups.values()].map((members, i) => {
    const [first] = members as [PageFigure], caption = first.title.split(":")[0]!;
    const data = members.flatMap(({ data }) => data)
      .filter(({ meta }) => meta?.run !== undefined && ids.includes(meta.run))
      .map((trace) => ({ ...trace, name: `${trace.meta!.run}: ${trace.name ?? ""}` }));
    const { range: _, ...yaxis } = first.layout.yaxis ?? {};
    const title = `${caption}: ${shown.length === 1 ? "run" : "runs"} ${shown.join(", ")}`;
    const figure = { ...first, title, data, layout: { ...first.layout, yaxis }, beside: ids };
    const element = kept.get(caption) ?? make("div");
    for (const [name, value] of Object.entries(plotAttributes(`${place.id}-figure-${i}`, figure))) {
      // Plotly has added classes to a drawn element.
      if (name === "class") element.classList.add(value);
      else element.setAttribute(name, value);
    }
    const whole = make("figure", [
      make("figcaption", caption),
      element,
      make("p", "", { class: "readout", role: "status" }),
      ...figure.how === undefined ? [] : [make("p", figure.how, { class: "how" })],
    ]);
    return { element, figure, whole };
  });
  if (drawn.length > 0) place.append(make("div", drawn.map(({ whole }) => whole), { class: "figures" }));
  startDetailPlots(place.id, drawn);
}
