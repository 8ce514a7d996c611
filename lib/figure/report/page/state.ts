/**
 * State of the page: data, view, pinned and hidden runs, and the opened run. The state is part of the page's address.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { decodeState, encodeState, type Sort } from "./address.ts";
import { filtersOf, restoreFilters } from "./filters.ts";
import type { PageData, PageRun } from "./types.ts";

/** View of the figures over steps. */
export interface View {
  /** Unit of the horizontal axis. */
  readonly x: "step" | "tokens" | "FLOPs" | "time";
  /** Weight of the moving average, 0 to 0.99. */
  readonly smooth: number;
  readonly logX: boolean;
  readonly logY: boolean;
  /** Axis whose values have colors. Empty: precision. */
  readonly color: string;
  /** True to draw the mean of each color with its interval. */
  readonly band: boolean;
}

/** Mutable state. */
export const state: {
  data: PageData;
  /** Pinned runs in the order of pinning. */
  pinned: string[];
  hidden: Set<string>;
  /** Run whose details are shown. */
  opened: string | undefined;
  /** Sorted tables, by label. */
  sorts: Map<string, Sort>;
} = {
  data: { figures: [], facets: [], common: {}, quantiles: [], runs: {} },
  pinned: [],
  hidden: new Set(),
  opened: undefined,
  sorts: new Map(),
};

/** Returns a run by its ID. Runs of an old address may be missing. */
export function runOf(id: string | undefined): PageRun | undefined {
  return id !== undefined && Object.hasOwn(state.data.runs, id) ? state.data.runs[id] : undefined;
}

const form = (): HTMLFormElement | null => document.querySelector("#view");

const controls = (): (HTMLInputElement | HTMLSelectElement)[] => [
  ...form()?.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[name]") ?? [],
];

const valueOf = (control: HTMLInputElement | HTMLSelectElement): string =>
  control.type === "checkbox" ? ((control as HTMLInputElement).checked ? "1" : "") : control.value;

/** Returns the current view. */
export function view(): View {
  const values = Object.fromEntries(controls().map((control) => [control.name, valueOf(control)]));
  return {
    x: (values["x"] ?? "step") as View["x"],
    smooth: Number(values["smooth"] ?? 0),
    logX: values["logX"] === "1",
    logY: values["logY"] === "1",
    color: values["color"] ?? "",
    band: values["band"] === "1",
  };
}

/** Writes the state to the page's address. */
export function keepState(): void {
  const changed = controls().filter((control) => valueOf(control) !== initialOf(control));
  const hash = encodeState({
    filters: filtersOf(state.data.facets),
    view: new Map(changed.map((control) => [control.name, valueOf(control)])),
    sorts: state.sorts,
    pinned: state.pinned,
    hidden: [...state.hidden],
    opened: state.opened,
  });
  if (hash === location.hash.slice(1)) return;
  try {
    history.replaceState(null, "", hash === "" ? location.pathname + location.search : `#${hash}`);
  } catch {
    // Some browsers do not allow a page opened from a file to change its address.
  }
}

/** Returns the value of a control in a page as written. */
function initialOf(control: HTMLInputElement | HTMLSelectElement): string {
  if (control instanceof HTMLSelectElement) return control.options[0]?.value ?? "";
  return control.type === "checkbox" ? (control.defaultChecked ? "1" : "") : control.defaultValue;
}

/** Restores the state from the page's address. */
export function restoreState(): void {
  const shown = form();
  if (shown !== null) shown.hidden = state.data.figures.every(({ isSteps }) => !isSteps);
  const { filters, view, sorts, pinned, hidden, opened } = decodeState(location.hash.slice(1));
  const isKnown = (id: string) => runOf(id) !== undefined;
  state.pinned = pinned.filter(isKnown);
  state.hidden = new Set(hidden.filter(isKnown));
  state.opened = opened !== undefined && isKnown(opened) ? opened : undefined;
  state.sorts = new Map(sorts);
  restoreFilters(filters, state.data.facets);
  for (const control of controls()) {
    const value = view.get(control.name);
    if (value === undefined) continue;
    if (control.type === "checkbox") (control as HTMLInputElement).checked = value === "1";
    else control.value = value;
    if (control.tagName === "SELECT" && control.value !== value) control.value = initialOf(control);
  }
}
