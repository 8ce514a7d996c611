/**
 * Folding of tables that are wider than a terminal.
 *
 * @module
 */
import { columnsOf, padEnd, widthOf } from "./width.ts";

/** A line, split into one string per column of the terminal. */
type Line = readonly string[];

/** A contiguous range of a line's columns, from `begin` to before `end`. */
interface Span {
  readonly begin: number;
  readonly end: number;
}

/**
 * Folds a table of aligned columns into parts that fit a number of terminal columns. Each part repeats the leading columns
 * that tell the rows apart. Parts are separated by an empty line.
 *
 * @param texts Lines of the table, the header first. Two spaces or more separate columns.
 * @param columns Number of terminal columns.
 * @returns The lines of the parts. A table that fits, or that has colors, is returned unchanged.
 */
export function foldTable(texts: readonly string[], columns: number): string[] {
  const width = texts.reduce((most, text) => Math.max(most, widthOf(text)), 0);
  if (width <= columns || texts.length < 2 || texts.some((text) => text.includes("\x1b"))) return [...texts];
  const lines = texts.map((text) => columnsOf(padEnd(text, width)));
  const spans = spansOf(lines, width), keys = keySpans(lines, spans, columns);
  const sizeOf = (parts: readonly Span[]) => parts.reduce((sum, { begin, end }) => sum + end - begin + 2, -2);
  const parts: Span[][] = [];
  for (const span of spans.slice(keys.length)) {
    const last = parts.at(-1);
    if (last !== undefined && sizeOf([...last, span]) <= columns) last.push(span);
    else parts.push([...keys, span]);
  }
  return parts.flatMap((part, i) => [
    ...i > 0 ? [""] : [],
    ...lines.map((line) =>
      part.map(({ begin, end }) => line.slice(begin, end).join("")).join("  ").trimEnd()
    ),
  ]);
}

/** Returns the ranges of the columns: what is left between ranges of two spaces or more that all lines share. */
function spansOf(lines: readonly Line[], width: number): Span[] {
  const isBlank = Array.from({ length: width }, (_, i) => lines.every((line) => line[i] === " "));
  const spans: Span[] = [];
  let begin = 0;
  for (let i = 1; i < width; i++) {
    if (!isBlank[i] || !isBlank[i + 1] || isBlank.slice(begin, i).every(Boolean)) continue;
    spans.push({ begin, end: i });
    while (isBlank[i + 1]) i++;
    begin = i + 1;
  }
  return [...spans, { begin, end: width }];
}

/** Returns the fewest leading columns that differ between rows, within half of the terminal. At least one. */
function keySpans(lines: readonly Line[], spans: readonly Span[], columns: number): Span[] {
  const rows = lines.slice(1);
  for (let n = 1; n < spans.length; n++) {
    const { end } = spans[n - 1]!;
    if (end > columns / 2) return spans.slice(0, Math.max(1, n - 1));
    if (new Set(rows.map((row) => row.slice(0, end).join("").trimEnd())).size === rows.length) {
      return spans.slice(0, n);
    }
  }
  return spans.slice(0, 1);
}
