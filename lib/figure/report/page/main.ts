/**
 * The report's script. It draws figures when they come into view, filters figures and tables by axis, changes the view,
 * highlights pairs, shows runs in detail and side by side, sorts and saves tables, and updates a served page while its sweep
 * runs.
 *
 * `deno task build:page` bundles it into `_page_script.ts`; a test compares the two.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { showBeside, showOpened } from "./details.ts";
import { all } from "./dom.ts";
import { addRows, readData, runPlotly } from "./embedded.ts";
import { follow, rememberServed } from "./live.ts";
import { keepPlots, redrawPlots, showPinned, startPlots, watchAppearance, watchRows } from "./plots.ts";
import { selectRuns } from "./shown.ts";
import { keepState, restoreState, state } from "./state.ts";
import { sortByHeader, startTables } from "./tables.ts";

/** Applies a change of the filters, the hidden runs or the view. */
function apply(): void {
  selectRuns();
  keepState();
  redrawPlots();
}

function pin(id: string): void {
  state.pinned = state.pinned.includes(id)
    ? state.pinned.filter((other) => other !== id)
    : [...state.pinned, id];
  keepState();
  showPins();
  showPinned();
}

function hide(id: string): void {
  const row = rowOf(id), isFocused = row?.contains(document.activeElement) === true;
  if (!state.hidden.delete(id)) state.hidden.add(id);
  apply();
  if (!isFocused) return;
  const rows = all<HTMLTableRowElement>("tr[data-run]", row.parentElement!);
  const isLeft = (one: HTMLTableRowElement) => !one.hidden;
  const next = rows.slice(rows.indexOf(row)).find(isLeft) ?? rows.findLast(isLeft);
  next?.querySelector<HTMLElement>(".open")?.focus();
}

/** Shows a hidden run again. The focus moves to the next button of the list, or to the run. */
function show(id: string, button: Element): void {
  const next = button.nextElementSibling ?? button.previousElementSibling;
  const other = next instanceof HTMLElement ? next.dataset["show"] : undefined;
  state.hidden.delete(id);
  apply();
  const selector = `#hidden [data-show="${CSS.escape(other ?? "")}"]`;
  (document.querySelector<HTMLElement>(selector) ?? rowOf(id)?.querySelector<HTMLElement>(".open"))?.focus();
}

/** Run from which the reader went to details, and the scroll position. */
let left: { readonly id: string; readonly top: number } | undefined;

/** Opens the details of a run, or goes back to where the reader was. */
function open(id: string | undefined): void {
  if (state.opened === undefined && id !== undefined) left = { id, top: scrollY };
  state.opened = id;
  keepState();
  showOpened();
  if (id !== undefined) {
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("#run .back")?.focus();
    return;
  }
  redrawPlots();
  scrollTo(0, left?.top ?? 0);
  if (left !== undefined) rowOf(left.id)?.querySelector<HTMLElement>(".open")?.focus({ preventScroll: true });
}

function rowOf(id: string): HTMLTableRowElement | null {
  return document.querySelector(`table[data-of=runs] tr[data-run="${CSS.escape(id)}"]`);
}

function showPins(): void {
  for (const row of all<HTMLTableRowElement>("tr[data-run]")) {
    const isPinned = state.pinned.includes(row.dataset["run"]!);
    const button = row.querySelector<HTMLElement>(".pin");
    if (button === null || (button.getAttribute("aria-pressed") === "true") === isPinned) continue;
    button.setAttribute("aria-pressed", String(isPinned));
    button.textContent = isPinned ? "★" : "☆";
  }
  showBeside();
}

/** Runs the action of a button of a run, or of a column. */
function act(target: Element): void {
  const id = target.closest<HTMLElement>("tr[data-run]")?.dataset["run"];
  const hidden = target.closest<HTMLElement>("[data-show]")?.dataset["show"];
  if (hidden !== undefined) show(hidden, target);
  else if (target.matches("thead button")) sortByHeader(target);
  else if (target.matches(".back")) open(undefined);
  else if (target.matches(".open")) open(id ?? target.textContent?.slice(0, 12));
  else if (id !== undefined && target.matches(".pin")) pin(id);
  else if (id !== undefined && target.matches(".hide")) hide(id);
}

/** Keys on a run's ID in the table of runs. */
function actByKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && state.opened !== undefined) return open(undefined);
  const row = event.target instanceof Element && event.target.matches("td .open")
    ? event.target.closest("tr")
    : null;
  const id = row?.dataset["run"];
  if (id === undefined) return;
  if (event.key === "p") pin(id);
  if (event.key === "h") hide(id);
}

async function start(): Promise<void> {
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

const isIn = (target: EventTarget | null, form: string): boolean =>
  target instanceof Element && target.closest(form) !== null;

rememberServed();
const ready = runPlotly();
document.addEventListener("change", ({ target }) => {
  if (isIn(target, "#filters")) apply();
});
document.addEventListener("input", ({ target }) => {
  if (isIn(target, "#view")) apply();
});
document.addEventListener("reset", ({ target }) => {
  if (!isIn(target, "#filters")) return;
  state.hidden.clear();
  // The event fires before the inputs change.
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
