/**
 * Widths of text on a terminal. East Asian wide characters and emoji take two columns. Combining marks take none.
 *
 * @module
 */
import defer * as stringWidth from "string-width"; // its regular expressions take long to parse
import { printable } from "../error/printable.ts";

/** Returns the width of a text in columns. */
export function widthOf(text: string): number {
  return stringWidth.default(text);
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Cuts a text to at most `columns` columns. A cut text ends with `…`. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let clipped = "", width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    clipped += segment;
  }
  return columns < 1 ? "" : `${clipped}…`;
}

/** Fills a text with spaces at its end, up to a number of columns. */
export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

/** Fills a text with spaces at its start, up to a number of columns. */
export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - widthOf(text))) + text;
}

/**
 * Splits a text into one string per column. A wide character is followed by an empty string for each further column.
 * Marks without a width belong to the character before them.
 */
export function columnsOf(text: string): string[] {
  const columns: string[] = [];
  for (const { segment } of graphemes.segment(text)) {
    const width = widthOf(segment);
    if (width === 0 && columns.length > 0) columns[columns.length - 1] += segment;
    else columns.push(segment);
    for (let i = 1; i < width; i++) columns.push("");
  }
  return columns;
}

/** A line of a table with the name and the metrics of an item. */
export interface NamedLine {
  /** Name of the item, such as a run. */
  readonly name: string;
  /**
   * Formatted metrics, the most important first. If space is short, the name is cut before the first three metrics are
   * dropped.
   */
  readonly metrics: readonly string[];
  /** Finished share of the work, 0 to 1, for a progress bar at the end of the line. Default: no bar. */
  readonly share?: number;
}

/** Number of metrics that are kept at the cost of the name, and the columns that the name keeps. */
const KEPT = 3, SHORTEST_NAME = 8;

/** Smallest and largest width of a bar, in columns. */
const SHORTEST_BAR = 8, LONGEST_BAR = 20;

/**
 * Formats a line as `name: metric, metric` within a number of columns. If the line is too long, metrics after the third
 * are dropped from the end. If it is still too long, the name is cut to no fewer than 8 columns, and then further
 * metrics are dropped. Control characters become `\ufffd`.
 *
 * @param line The line. Its progress bar fills the remaining columns, 8 to 20, and is omitted if they are fewer.
 * @param columns Number of columns. Infinity: no limit, and no bar.
 */
export function fitLine(line: NamedLine, columns: number): string {
  const text = fitText(line, columns);
  const bar = Math.min(LONGEST_BAR, columns - widthOf(text) - 2);
  if (line.share === undefined || columns === Infinity || bar < SHORTEST_BAR) return text;
  const full = Math.floor(bar * Math.min(1, line.share || 0));
  return `${text}  ${"█".repeat(full)}${"░".repeat(bar - full)}`;
}

function fitText({ name, metrics }: NamedLine, columns: number): string {
  const plain = printable(name);
  for (let n = metrics.length; n > 0; n--) {
    const rest = `: ${metrics.slice(0, n).map(printable).join(", ")}`;
    const room = columns - widthOf(rest);
    if (room >= (n > KEPT ? widthOf(plain) : SHORTEST_NAME)) return clip(plain, room) + rest;
  }
  return clip(plain, columns);
}
