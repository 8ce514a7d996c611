/**
 * Tables of the report as HTML. The page's script filters, sorts and highlights rows. The first 300 rows of a
 * table are readable without the script.
 *
 * @module
 */
import { columnLabel, formatCell, splitColumns, type Table } from "../../analysis/mod.ts";
import { printable, printableJson } from "../../error/printable.ts";
import { escapeHtml } from "../escape.ts";
import { packed } from "./_packed.ts";

/**
 * Returns a section with a heading, a note and a body. Escapes the heading and the note. `body` is HTML. If `isOfAll`
 * is true, the section states that it shows all runs while a filter is active.
 */
export function section(heading: string, note: string, body: string, isOfAll = false): string {
  return `<section${isOfAll ? ' class="all"' : ""}><h2>${escapeHtml(heading)}</h2><p class="note">${
    escapeHtml(note)
  }</p>${body}</section>`;
}

/**
 * Returns a table of runs or pairs.
 *
 * @param table One row per run or pair.
 * @param named `label`: accessible name. `of`: kind of row.
 * @param ids Run ID of each row, in the order of the table. For a pair, this is the ID of the run in the lower
 * precision.
 */
export function runsTable(
  table: Table,
  { label, of }: { label: string; of: "runs" | "pairs" },
  ids: readonly string[],
): string {
  const { shown: names, alike } = splitColumns(table);
  const rows = table.objects() as Record<string, unknown>[];
  const numeric = new Set(names.filter((name) => rows.some((row) => typeof row[name] === "number")));
  const style = (name: string, text = "") => styleOf(numeric.has(name), text);
  const head = names.map((name) =>
    `<th scope="col"${style(name)} data-column="${escapeHtml(name)}" aria-sort="none"><button type="button">${
      escapeHtml(columnLabel(name))
    }</button></th>`
  );
  const body = rows.map((row, i) => {
    const cells = names.map((name) => {
      const cell = formatCell(row[name], name), text = escapeHtml(cell);
      const content = name === "run"
        ? `<button type="button" class="open" title="details of the run; p: pin, h: hide">${text}</button>`
        : text;
      return `<td${style(name, cell)}${fullText(row[name], name)}>${content}</td>`;
    });
    return `<tr data-run="${escapeHtml(ids[i]!)}"><td class="acts">${ACTS[of]}</td>${cells.join("")}</tr>`;
  });
  const same = alike.map(({ label, text }) => `${label} ${text}`).join(", ");
  const rest = body.slice(LONG).join("\n");
  const more = rest === "" ? "" : `<script type="text/plain" class="rows">${packed(rest)}</script>`;
  return scrolling(
    label,
    `<table data-of="${of}"${rows.length > LONG ? ' class="long"' : ""}><thead><tr><td></td>${
      head.join("")
    }</tr></thead><tbody>${body.slice(0, LONG).join("\n")}</tbody></table>${more}`,
  ) + (same === "" ? "" : `<p class="note">Equal in all rows: ${escapeHtml(same)}.</p>`);
}

/** Number of characters above which a cell's text wraps, so that a table fits its page. */
const WIDE = 24;

function styleOf(isNumber: boolean, text: string): string {
  return isNumber ? ' class="number"' : text.length > WIDE ? ' class="wide"' : "";
}

/**
 * Number of rows above which a browser lays out a table only while it is near the viewport. The page's script adds the rows
 * above this number, which are embedded compressed: they are a fourth of a page of 2,000 runs otherwise.
 */
export const LONG = 300;

/** Buttons of a row. In the table of runs, keys on the run's ID do the same. */
const ACTS = {
  pairs: '<button type="button" class="pin" aria-pressed="false" title="pin this pair">☆</button>',
  runs:
    '<button type="button" class="pin" aria-pressed="false" tabindex="-1" title="pin this run (p)">☆</button>' +
    '<button type="button" class="hide" aria-pressed="false" tabindex="-1" title="hide this run (h)">−</button>',
};

/** Returns a table of verdicts. The color of a row shows the kind of its verdict. */
export function verdictsTable(table: Table, kinds: readonly string[]): string {
  const { shown: names, alike } = splitColumns(table);
  const rows = table.objects() as Record<string, unknown>[];
  // Missing numbers are aligned as numbers.
  const numeric = new Set(names.filter((name) => rows.some((row) => typeof row[name] === "number")));
  const style = (name: string, text = "") => styleOf(numeric.has(name), text);
  const head = names.map((name) => `<th scope="col"${style(name)}>${escapeHtml(columnLabel(name))}</th>`);
  const body = rows.map((row, i) => {
    const cells = names.map((name) => {
      const text = formatCell(row[name], name);
      return `<td${style(name, text)}${fullText(row[name], name)}>${escapeHtml(text)}</td>`;
    });
    return `<tr class="${kinds[i]!.split(" ")[0]}">${cells.join("")}</tr>`;
  });
  const same = alike.map(({ label, text }) => `${label} ${text}`).join(", ");
  return scrolling(
    "Verdicts",
    `<table class="verdicts"><thead><tr>${head.join("")}</tr></thead><tbody>${
      body.join("\n")
    }</tbody></table>`,
  ) + (same === "" ? "" : `<p class="note">Equal in all rows: ${escapeHtml(same)}.</p>`);
}

/** Returns the attribute that holds the whole text of a shortened cell, for readers who point at it and for saved tables. */
function fullText(value: unknown, column: string): string {
  return typeof value === "string" ? fullTitle(value, formatCell(value, column)) : "";
}

/**
 * Returns an HTML attribute `title` with the complete text of a value. Text with invisible characters is written as
 * JSON. Returns an empty string if the label already is the complete text.
 */
export function fullTitle(value: string, label: string): string {
  return value === label
    ? ""
    : ` title="${escapeHtml(printable(value) === value ? value : printableJson(JSON.stringify(value)))}"`;
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
