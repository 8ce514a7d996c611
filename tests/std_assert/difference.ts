/**
 * A line by line difference of two values, for failed equality.
 *
 * @module
 */
import { show } from "./assertion_error.ts";

/** Most pairs of differing lines that are aligned: beyond it both blocks are shown whole. */
const MAX_PAIRS = 4_000_000;

/**
 * Both values a part a line (texts: a line a line): `-` before what only the first has, `+` before what only the
 * second has.
 *
 * @param actual What was found.
 * @param expected What was wanted.
 */
export function differenceOf(actual: unknown, expected: unknown): string {
  const lines = typeof actual === "string" && typeof expected === "string"
    ? difference(textLines(actual), textLines(expected))
    : difference(show(actual).split("\n"), show(expected).split("\n"));
  return `\n\n    [Diff] Actual / Expected\n\n\n${lines.join("\n")}\n`;
}

/** Lines with what the eye does not see written out. */
function textLines(text: string): string[] {
  const escapes: Record<string, string> = {
    "\b": "\\b",
    "\f": "\\f",
    "\t": "\\t",
    "\v": "\\v",
    "\r": "\\r",
    "\n": "\\n",
  };
  return text.split(/(?<=\n)/).map((line) => line.replaceAll(/[\b\f\t\v\r\n]/g, (c) => escapes[c] ?? c));
}

function difference(a: string[], b: string[]): string[] {
  let start = 0, end = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  const rest = Math.min(a.length, b.length) - start;
  while (end < rest && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const both = (line: string) => `    ${line}`;
  return [
    ...a.slice(0, start).map(both),
    ...align(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(both),
  ];
}

/** By the longest common subsequence: the table holds its length from each pair of places on. */
function align(a: string[], b: string[]): string[] {
  const removed = (line: string) => `-   ${line}`,
    added = (line: string) => `+   ${line}`;
  if (a.length * b.length > MAX_PAIRS) {
    return [...a.map(removed), ...b.map(added)];
  }
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      length[at] = a[i] === b[j]
        ? length[at + width + 1]! + 1
        : Math.max(length[at + width]!, length[at + 1]!);
    }
  }
  const lines: string[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i++]}`);
      j++;
    } else if (
      j >= b.length ||
      (i < a.length &&
        length[(i + 1) * width + j]! >= length[i * width + j + 1]!)
    ) {
      lines.push(removed(a[i++]!));
    } else lines.push(added(b[j++]!));
  }
  return lines;
}
