/**
 * Widths of text on a terminal. Wide letters and emoji take two columns, combining marks none.
 *
 * @module
 */
import stringWidth from "string-width";
import { printable } from "../error/printable.ts";

/** Returns the width of a text in columns. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Returns the beginning of a text that fits into `columns`. A cut text ends with `…`. */
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

/** Name and metrics of a line. */
export interface NamedLine {
  /** Name of the work. */
  readonly name: string;
  /** Metrics, the most important first. The first three are kept at the cost of the name. */
  readonly metrics: readonly string[];
  /** Share of finished work, 0 to 1, for a bar at the end of the line. Default: no bar. */
  readonly share?: number;
}

/** Number of metrics that are kept at the cost of the name, and the columns that the name keeps. */
const KEPT = 3, SHORTEST_NAME = 8;

/** Smallest and largest width of a bar, in columns. */
const SHORTEST_BAR = 8, LONGEST_BAR = 20;

/**
 * Returns a line as `name: metric, metric`, within `columns`. If it does not fit, it loses further metrics, then the end of
 * the name, and then the kept metrics from the end. Control characters become `\ufffd`. A bar takes the columns that remain
 * of a finite width.
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
