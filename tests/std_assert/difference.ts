/**
 * Renders a line-by-line difference of two values, for failed equality.
 *
 * @module
 */
import { diffArrays } from "diff";
import { show } from "./assertion_error.ts";

/**
 * Maximum number of edits. With more edits, both values are shown completely, because the time of the search is proportional
 * to lines × edits.
 */
const MAX_EDITS = 2000;

/**
 * Renders both values, one part per line (strings: by line). `-` marks lines of the first value only, and `+` marks lines of
 * the second value only.
 *
 * @param actual The value found.
 * @param expected The value wanted.
 */
export function differenceOf(actual: unknown, expected: unknown): string {
  const [before, after] = typeof actual === "string" && typeof expected === "string"
    ? [textLines(actual), textLines(expected)]
    : [show(actual).split("\n"), show(expected).split("\n")];
  const changes = diffArrays(before, after, { maxEditLength: MAX_EDITS }) ?? [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ];
  const lines = changes.flatMap(({ value, removed, added }) =>
    value.map((line) => `${removed ? "-" : added ? "+" : " "}   ${line}`)
  );
  return `\n\n    [Diff] Actual / Expected\n\n\n${lines.join("\n")}\n`;
}

/** Splits a string into lines and writes out its invisible characters. */
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
