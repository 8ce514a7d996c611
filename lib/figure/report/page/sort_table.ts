/**
 * Sorts tables by a column.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** Sorts the table of a header's button: ascending first, then descending. Missing numbers come last in both. */
export function sortBy(button: HTMLElement): void {
  const header = button.closest("th"), row = header?.parentElement as HTMLTableRowElement | null | undefined;
  const body = header?.closest("table")?.tBodies[0];
  if (!header || !row || !body) return;
  const column = [...row.cells].indexOf(header);
  const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of row.cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  const numeric = header.classList.contains("number");
  const keyed = [...body.rows].map((tr) => {
    const text = tr.cells[column]?.textContent ?? "";
    return { tr, text, value: numeric ? Number(text.replace("\u2013", "NaN")) : 0 };
  });
  keyed.sort((a, b) =>
    Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) ||
    sign * (numeric ? a.value - b.value : a.text.localeCompare(b.text, undefined, { numeric: true })) || 0
  );
  for (const { tr } of keyed) body.append(tr);
}
