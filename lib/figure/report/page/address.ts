/**
 * State of the page as the fragment of its address, such as `#T={"only":["64"]}&~x=tokens`, percent-encoded.
 *
 * @module
 */

/** Filter on an axis: only the listed values, or all values except the listed values. */
export type Filter = { readonly only: readonly string[] } | { readonly not: readonly string[] };

/** Filters by axis. */
export type Filters = ReadonlyMap<string, Filter>;

/** Column by which a table is sorted. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

/** State of the page. */
export interface PageState {
  readonly filters: Filters;
  /** Changed controls of the view, by name. */
  readonly view: ReadonlyMap<string, string>;
  /** Sorted tables, by label. */
  readonly sorts: ReadonlyMap<string, Sort>;
  /** Pinned runs in the order of pinning. */
  readonly pinned: readonly string[];
  /** Hidden runs. */
  readonly hidden: readonly string[];
  /** Run whose details are shown. */
  readonly opened: string | undefined;
}

/** Prefix of entries that are not filters. Names of fields do not begin with it. */
const OWN = "~";

/** Names of entries that are not filters or controls. */
const PINNED = "~pin", HIDDEN = "~hide", OPENED = "~run", SORTS = "~sort";

/** Encodes a state as a fragment. The initial state of a page is the empty string. */
export function encodeState({ filters, view, sorts, pinned, hidden, opened }: PageState): string {
  const list = (name: string, values: readonly unknown[]): string[][] =>
    values.length === 0 ? [] : [[name, JSON.stringify(values)]];
  return new URLSearchParams([
    ...[...filters].map(([axis, filter]) => [axis, JSON.stringify(filter)]),
    ...[...view].map(([name, value]) => [OWN + name, value]),
    ...list(SORTS, [...sorts].map(([table, { column, descending }]) => [table, column, descending])),
    ...list(PINNED, pinned),
    ...list(HIDDEN, hidden),
    ...list(OPENED, opened === undefined ? [] : [opened]),
  ]).toString();
}

/** Decodes a state from a fragment. Invalid entries are ignored. */
export function decodeState(fragment: string): PageState {
  const entries = new Map(new URLSearchParams(fragment));
  const filters = new Map<string, Filter>(), view = new Map<string, string>();
  for (const [name, text] of entries) {
    if ([PINNED, HIDDEN, OPENED, SORTS].includes(name)) continue;
    if (name.startsWith(OWN)) view.set(name.slice(OWN.length), text);
    else {
      const { only, not } = (parsed(text) ?? {}) as { only?: unknown; not?: unknown };
      if (isTexts(only)) filters.set(name, { only });
      else if (isTexts(not)) filters.set(name, { not });
    }
  }
  const texts = (name: string): readonly string[] => {
    const list = parsed(entries.get(name));
    return isTexts(list) ? list : [];
  };
  const sorts = parsed(entries.get(SORTS));
  return {
    ...{ filters, view },
    sorts: new Map(
      (Array.isArray(sorts) ? sorts : []).flatMap((one) => {
        const [table, column, descending] = Array.isArray(one) ? one : [];
        return isTexts([table, column]) ? [[table, { column, descending: descending === true }]] : [];
      }),
    ),
    pinned: texts(PINNED),
    hidden: texts(HIDDEN),
    opened: texts(OPENED)[0],
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
