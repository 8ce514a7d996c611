/**
 * State of the page: data, view, pinned and hidden runs, and the opened run. The state is part of the page's address.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { filterEntries, restoreFilter } from "./filters.ts";
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
} = {
  data: { figures: [], facets: [], common: {}, quantiles: [], runs: {} },
  pinned: [],
  hidden: new Set(),
  opened: undefined,
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

/** Prefix of entries of the address that are not filters. Names of fields do not begin with it. */
const OWN = "~";

/** Writes the state to the page's address. */
export function keepState(): void {
  const changed = controls().filter((control) => valueOf(control) !== initial.get(control.name));
  const entries = [
    ...filterEntries(),
    ...changed.map((control) => [OWN + control.name, valueOf(control)]),
    ...state.pinned.length > 0 ? [[`${OWN}pin`, state.pinned.join()]] : [],
    ...state.hidden.size > 0 ? [[`${OWN}hide`, [...state.hidden].join()]] : [],
    ...state.opened === undefined ? [] : [[`${OWN}run`, state.opened]],
  ];
  const hash = new URLSearchParams(entries).toString();
  if (hash === location.hash.slice(1)) return;
  try {
    history.replaceState(null, "", hash === "" ? location.pathname + location.search : `#${hash}`);
  } catch {
    // Some browsers do not allow a page opened from a file to change its address.
  }
}

/** Values of the view's controls in a page as written. */
const initial = new Map<string, string>();

/** Restores the state from the page's address. */
export function restoreState(): void {
  const view = form();
  if (view !== null) view.hidden = state.data.figures.every(({ isSteps }) => !isSteps);
  for (const control of controls()) initial.set(control.name, valueOf(control));
  const entries = new URLSearchParams(location.hash.slice(1));
  const list = (name: string): string[] =>
    (entries.get(OWN + name) ?? "").split(",").filter((id) => runOf(id) !== undefined);
  state.pinned = list("pin");
  state.hidden = new Set(list("hide"));
  [state.opened] = list("run");
  for (const [name, value] of entries) {
    if (!name.startsWith(OWN)) restoreFilter(name, value);
    const control = controls().find((one) => OWN + one.name === name);
    if (control === undefined) continue;
    if (control.type === "checkbox") (control as HTMLInputElement).checked = value === "1";
    else control.value = value;
    if (control.tagName === "SELECT" && control.value !== value) control.value = initial.get(control.name)!;
  }
}
