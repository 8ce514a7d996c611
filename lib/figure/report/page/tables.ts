/**
 * Sorts tables by a column, and adds buttons that save them.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all, appendAll, make } from "./dom.ts";
import { saveTable } from "./downloads.ts";
import { keepState, state } from "./state.ts";

/** Sorts tables as the page's address says, and adds a button below each table that saves it as CSV. */
export function startTables(): void {
  for (const [table, { column, descending }] of state.sorts) {
    const header = all<HTMLTableCellElement>("th[data-column]")
      .find((one) => one.dataset["column"] === column && labelOf(one) === table);
    if (header !== undefined) sortBy(header, descending);
  }
  for (const region of all(".scroll")) {
    if (region.nextElementSibling?.matches(".csv") !== true) addSaveButton(region);
  }
}

/** Adds a button that saves the table of a region as CSV. */
export function addSaveButton(region: HTMLElement): void {
  const table = region.querySelector("table");
  if (table === null) return;
  const name = labelOf(region);
  const button = make("button", "CSV", { type: "button", class: "csv", title: `save ${name} as CSV` });
  button.addEventListener("click", () => saveTable(name, table));
  region.after(button);
}

const labelOf = (element: Element): string =>
  element.closest(".scroll")?.getAttribute("aria-label") ?? "table";

/** Sorts the table of a header's button: ascending first, then descending. */
export function sortByHeader(button: Element): void {
  const header = button.closest("th");
  if (header === null) return;
  const descending = header.getAttribute("aria-sort") === "ascending";
  sortBy(header, descending);
  state.sorts.set(labelOf(header), { column: header.dataset["column"] ?? "", descending });
  keepState();
}

/** Sorts the table of a header. Missing numbers come last in both orders. */
function sortBy(header: HTMLTableCellElement, descending: boolean): void {
  const row = header.parentElement as HTMLTableRowElement | null;
  const body = header.closest("table")?.tBodies[0];
  if (!row || !body) return;
  const column = [...row.cells].indexOf(header);
  const sign = descending ? -1 : 1;
  for (const other of all("th", row)) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  const numeric = header.classList.contains("number");
  const keyed = [...body.rows].map((tr) => {
    const text = tr.cells[column]?.textContent ?? "";
    return { tr, text, value: numeric ? Number(text.replace("\u2013", "NaN")) : 0 };
  });
  const collator = new Intl.Collator(undefined, { numeric: true });
  keyed.sort((a, b) =>
    Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) ||
    sign * (numeric ? a.value - b.value : collator.compare(a.text, b.text)) || 0
  );
  appendAll(body, keyed.map(({ tr }) => tr));
}
