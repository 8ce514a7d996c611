/**
 * The report's tables as HTML: rows that a page can filter, sort and light up, and that stand without a script too.
 *
 * @module
 */
import { columnLabel, formatCell, splitColumns, type Table } from "../../analysis/mod.ts";
import { escapeHtml } from "../escape.ts";
import type { RunMeta } from "../facets.ts";

/** A section with a heading and a note. */
export function section(heading: string, note: string, body: string): string {
  return `<section><h2>${escapeHtml(heading)}</h2><p class="note">${escapeHtml(note)}</p>${body}</section>`;
}

/**
 * A table of runs or of pairs.
 *
 * @param table One row a run, or a pair.
 * @param named `label` for those who do not see it, and `of`, what a row is.
 * @param metas What each row is of, in the table's order.
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
      // The first cell keeps its run and its pair lit in every figure.
      const content = column === 0
        ? `<button type="button" data-pin="${escapeHtml(pair)}" aria-pressed="false" ` +
          `title="show this run and its pair in the figures">${text}</button>`
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
  ) + (same === "" ? "" : `<p class="note">In every row: ${escapeHtml(same)}.</p>`);
}

/** Names and values, a row each. */
export function facts(label: string, rows: readonly (readonly [string, string])[]): string {
  const body = rows.map(([name, value]) =>
    `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`
  );
  return scrolling(label, `<table class="machine"><tbody>${body.join("\n")}</tbody></table>`);
}

/** Wide content scrolls on its own, by keyboard too. */
function scrolling(label: string, content: string): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}">${content}</div>`;
}
