/**
 * Text made inert: for HTML, for Plotly's labels, and for data inside a script.
 *
 * @module
 */
import { printableLines } from "../error/printable.ts";
import { plainText } from "../analysis/mod.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Returns text as HTML that shows it, in elements and in quoted attributes; `�` stands for what would turn it around. */
export function escapeHtml(text: string): string {
  return printableLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * Text as a label of Plotly that shows it: Plotly makes links, bold text and line breaks of tags in labels, and reads
 * entities. One line, cut to 60 characters. Not for templates, where `%{…}` is read too.
 */
export function plotlyText(text: string): string {
  return plainText(text).replace(/[&<>]/g, (character) => ENTITIES[character]!);
}

/**
 * A value as JSON that may stand inside a script element: nothing in it ends the script or begins a comment, and no
 * line separator ends a line.
 */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}
