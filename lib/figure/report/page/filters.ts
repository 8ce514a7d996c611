/**
 * Filters by axis: reads the form, stores the selection in the page's address, and filters traces and table rows.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all } from "./dom.ts";
import type { Meta, Trace } from "./types.ts";

/** Selected values by axis. Axes with all values selected are omitted. */
export type Choices = ReadonlyMap<string, ReadonlySet<string>>;

/** Separator of values in the address. Values never contain it: all text of runs has control characters replaced. */
const SEPARATOR = String.fromCharCode(0x1f);

const groups = (): HTMLElement[] => all("#filters [data-axis]");

const inputsOf = (group: HTMLElement): (HTMLInputElement | HTMLOptionElement)[] =>
  all("input, option", group);

const isOn = (input: HTMLInputElement | HTMLOptionElement): boolean =>
  "checked" in input ? input.checked : input.selected;

/** Returns the current selection. */
export function choices(): Choices {
  const chosen = new Map<string, ReadonlySet<string>>();
  for (const group of groups()) {
    const inputs = inputsOf(group), on = inputs.filter(isOn);
    if (on.length < inputs.length) {
      chosen.set(
        group.dataset["axis"] ?? "",
        new Set(on.map(({ value }) => value)),
      );
    }
  }
  return chosen;
}

/** Returns true if facets match the selection. Axes missing from the facets always match. */
export function fits(facets: Meta["facets"] = {}, chosen: Choices): boolean {
  return [...chosen].every(([axis, values]) => {
    const value = facets[axis];
    return value === undefined || values.has(value);
  });
}

/** Returns the part of a trace that matches the selection, or undefined if nothing matches. */
export function filtered(trace: Trace, chosen: Choices): Trace | undefined {
  const points = trace.meta?.points;
  if (points === undefined) return fits(trace.meta?.facets, chosen) ? trace : undefined;
  const keep = points.map(({ facets }) => fits(facets, chosen));
  if (!keep.includes(true)) return undefined;
  const part = <T>(list: T): T =>
    Array.isArray(list) && list.length === keep.length ? list.filter((_, i) => keep[i]) as T : list;
  return {
    ...trace,
    x: part(trace.x),
    y: part(trace.y),
    text: part(trace.text),
    meta: { ...trace.meta, points: part(points) },
    marker: { ...trace.marker, symbol: part(trace.marker?.symbol) },
  };
}

/** Returns the selection as a URL fragment: per axis the excluded values after `!`, or the included values if fewer. */
export function addressOfChoices(): string {
  const entries = groups().flatMap((group) => {
    const inputs = inputsOf(group);
    const on = inputs.filter(isOn), off = inputs.filter((input) => !isOn(input));
    const text = (list: typeof inputs): string => list.map(({ value }) => value).join(SEPARATOR);
    return off.length === 0
      ? []
      : [[group.dataset["axis"] ?? "", off.length <= on.length ? `!${text(off)}` : text(on)]];
  });
  return new URLSearchParams(entries).toString();
}

/** Restores the form from the page's address. */
export function restoreFilters(): void {
  for (const [axis, text] of new URLSearchParams(location.hash.slice(1))) {
    const isOut = text.startsWith("!");
    const named = new Set(text.slice(isOut ? 1 : 0).split(SEPARATOR));
    const group = groups().find(({ dataset }) => dataset["axis"] === axis);
    for (const input of group === undefined ? [] : inputsOf(group)) {
      const on = named.has(input.value) !== isOut;
      if ("checked" in input) input.checked = on;
      else input.selected = on;
    }
  }
}

/** Hides table rows outside of the selection, and updates the count of runs. */
export function filterRows(chosen: Choices): void {
  let shown = 0, runs = 0;
  for (const row of all<HTMLTableRowElement>("tr[data-facets]")) {
    row.hidden = !fits(JSON.parse(row.dataset["facets"] ?? "{}") as Meta["facets"], chosen);
    if (row.closest("table")?.dataset["of"] !== "runs") continue;
    runs++;
    if (!row.hidden) shown++;
  }
  const output = document.querySelector("#filters output");
  if (output !== null) output.textContent = `${shown} of ${runs} runs shown`;
}
