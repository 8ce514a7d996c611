/**
 * Filters by axis: the form, and the runs that match. The form's values are indices of an axis's values.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Filters } from "./address.ts";
import { all } from "./dom.ts";
import type { PageFacet } from "./types.ts";

/** Selected values by axis, as indices. Axes with all values selected are omitted. */
export type Choices = ReadonlyMap<string, ReadonlySet<number>>;

type Input = HTMLInputElement | HTMLOptionElement;

const groups = (): HTMLElement[] => all("#filters [data-axis]");

const inputsOf = (group: HTMLElement): Input[] => all<Input>("input, option", group);

const isOn = (input: Input): boolean => "checked" in input ? input.checked : input.selected;

const axisOf = (group: HTMLElement): string => group.dataset["axis"] ?? "";

/** Returns the current selection. */
export function choices(): Choices {
  const chosen = new Map<string, ReadonlySet<number>>();
  for (const group of groups()) {
    const inputs = inputsOf(group), on = inputs.filter(isOn);
    if (on.length < inputs.length) chosen.set(axisOf(group), new Set(on.map(({ value }) => Number(value))));
  }
  return chosen;
}

/** Returns true if a run has a selected value on each axis. */
export function fits(facets: Readonly<Record<string, readonly number[]>>, chosen: Choices): boolean {
  return [...chosen].every(([axis, selected]) => facets[axis]?.some((value) => selected.has(value)) ?? true);
}

/**
 * Returns the current selection as filters. A filter lists the excluded values, or the included values if these are
 * fewer.
 */
export function filtersOf(facets: readonly PageFacet[]): Filters {
  const chosen = choices();
  return new Map(facets.flatMap(({ key, values }) => {
    const selected = chosen.get(key);
    if (selected === undefined) return [];
    const named = (on: boolean) => values.filter((_, i) => selected.has(i) === on).map(({ value }) => value);
    const included = named(true), excluded = named(false);
    return [[key, excluded.length <= included.length ? { not: excluded } : { only: included }]] as const;
  }));
}

/** Restores a selection. Values that do not exist on the page are ignored. */
export function restoreFilters(filters: Filters, facets: readonly PageFacet[]): void {
  for (const group of groups()) {
    const filter = filters.get(axisOf(group)), facet = facets.find(({ key }) => key === axisOf(group));
    if (filter === undefined || facet === undefined) continue;
    const isOnly = "only" in filter, named = new Set(isOnly ? filter.only : filter.not);
    for (const input of inputsOf(group)) {
      const on = named.has(facet.values[Number(input.value)]?.value ?? "") === isOnly;
      if ("checked" in input) input.checked = on;
      else input.selected = on;
    }
  }
}
