/**
 * Tables of the report as HTML. The page's script filters, sorts and highlights rows; tables are readable without it.
 *
 * @module
 */
import { columnLabel, formatCell, splitColumns, type Table } from "../../analysis/mod.ts";
import { escapeHtml } from "../escape.ts";
import type { RunMeta } from "../facets.ts";

/** Returns a section with a heading, a note and a body. Escapes heading and note; `body` is HTML. */
export function section(heading: string, note: string, body: string): string {
  return `<section><h2>${escapeHtml(heading)}</h2><p class="note">${escapeHtml(note)}</p>${body}</section>`;
}

/**
 * Returns a table of runs or pairs.
 *
 * @param table One row per run or pair.
 * @param named `label`: accessible name; `of`: kind of row.
 * @param metas Facets and pair key of each row, in the order of the table.
 */
export function runsTable(
  table: Table,
  { label, of }: { label: string; of: "runs" | "pairs" },
  metas: readonly RunMeta[],
): string {
  const { shown: names, alike } = splitColumns(table);
  const rows = table.objects() as Record<string, unknown>[];
  const numeric = new Set(names.filter((name) => rows.some((row) => typeof row[name] === "number")));
  const style = (name: string) => numeric.has(name) ? ' class="number"' : "";
  const head = names.map((name) =>
    `<th scope="col"${style(name)} aria-sort="none"><button type="button">${
      escapeHtml(columnLabel(name))
    }</button></th>`
  );
  const body = rows.map((row, i) => {
    const { facets, pair } = metas[i]!;
    const cells = names.map((name, column) => {
      const text = escapeHtml(formatCell(row[name], name));
      // The button in the first cell pins the highlight of the pair.
      const content = column === 0
        ? `<button type="button" data-pin="${escapeHtml(pair)}" aria-pressed="false" ` +
          `title="highlight this run and its pair in the figures">${text}</button>`
        : text;
      return `<td${style(name)}>${content}</td>`;
    });
    return `<tr data-facets="${escapeHtml(JSON.stringify(facets))}" data-pair="${escapeHtml(pair)}">${
      cells.join("")
    }</tr>`;
  });
  const same = alike.map(({ label, text }) => `${label} ${text}`).join(", ");
  return scrolling(
    label,
    `<table data-of="${of}"><thead><tr>${head.join("")}</tr></thead><tbody>${
      body.join("\n")
    }</tbody></table>`,
  ) + (same === "" ? "" : `<p class="note">Equal in all rows: ${escapeHtml(same)}.</p>`);
}

/** Returns a two-column table of names and values. */
export function facts(label: string, rows: readonly (readonly [string, string])[]): string {
  const body = rows.map(([name, value]) =>
    `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`
  );
  return scrolling(label, `<table class="machine"><tbody>${body.join("\n")}</tbody></table>`);
}

/** Wraps content in an element that scrolls horizontally and can be focused with the keyboard. */
function scrolling(label: string, content: string): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}">${content}</div>`;
}
