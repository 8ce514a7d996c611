/**
 * Escapes text for HTML, for Plotly labels and for JSON inside a script element.
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

/** Escapes text for HTML elements and quoted attributes. Replaces control and bidirectional characters by `�`. */
export function escapeHtml(text: string): string {
  return printableLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * Escapes text for a Plotly label, where tags and entities have effects. The result is one line, cut to 60 characters. Not
 * for Plotly templates, which also interpret `%{…}`.
 */
export function plotlyText(text: string): string {
  return plainText(text).replace(/[&<>]/g, (character) => ENTITIES[character]!);
}

/**
 * Serializes a value as JSON for a script element. The result cannot end the script, begin a comment, or contain U+2028 or
 * U+2029.
 */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}
