/**
 * Filters by axis: the form, its entries in the page's address, and the runs that match.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all } from "./dom.ts";

/** Selected values by axis. Axes with all values selected are omitted. */
export type Choices = ReadonlyMap<string, ReadonlySet<string>>;

/** Separator of values in the address. Values never contain it: all text of runs has control characters replaced. */
const SEPARATOR = String.fromCharCode(0x1f);

type Input = HTMLInputElement | HTMLOptionElement;

const groups = (): HTMLElement[] => all("#filters [data-axis]");

const inputsOf = (group: HTMLElement): Input[] => all<Input>("input, option", group);

const isOn = (input: Input): boolean => "checked" in input ? input.checked : input.selected;

const axisOf = (group: HTMLElement): string => group.dataset["axis"] ?? "";

/** Returns the current selection. */
export function choices(): Choices {
  const chosen = new Map<string, ReadonlySet<string>>();
  for (const group of groups()) {
    const inputs = inputsOf(group), on = inputs.filter(isOn);
    if (on.length < inputs.length) chosen.set(axisOf(group), new Set(on.map(({ value }) => value)));
  }
  return chosen;
}

/** Returns true if the values of a run match the selection. */
export function fits(facets: Readonly<Record<string, string>>, chosen: Choices): boolean {
  return [...chosen].every(([axis, values]) => {
    const value = facets[axis];
    return value === undefined || values.has(value);
  });
}

/** Returns the selection as entries of a URL: per axis the excluded values after `!`, or the included values if fewer. */
export function filterEntries(): string[][] {
  return groups().flatMap((group) => {
    const inputs = inputsOf(group);
    const on = inputs.filter(isOn), off = inputs.filter((input) => !isOn(input));
    const text = (list: readonly Input[]): string => list.map(({ value }) => value).join(SEPARATOR);
    if (off.length === 0) return [];
    return [[axisOf(group), off.length <= on.length ? `!${text(off)}` : text(on)]];
  });
}

/** Restores the selection of an axis from an entry of a URL. */
export function restoreFilter(axis: string, text: string): void {
  const isOut = text.startsWith("!");
  const named = new Set(text.slice(isOut ? 1 : 0).split(SEPARATOR));
  const group = groups().find((one) => axisOf(one) === axis);
  for (const input of group === undefined ? [] : inputsOf(group)) {
    const on = named.has(input.value) !== isOut;
    if ("checked" in input) input.checked = on;
    else input.selected = on;
  }
}
