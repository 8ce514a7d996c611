/**
 * Escapes text for HTML and for Plotly labels.
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

/** Maximum length of a label: a shortened precision with its seed fits. */
const LONGEST = 120;

/**
 * Escapes text for the content of HTML elements and for quoted attributes. Replaces control characters and
 * bidirectional formatting characters by `�`.
 */
export function escapeHtml(text: string): string {
  return printableLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * Escapes text for a Plotly label, because Plotly interprets tags and entities in labels. The result is one line,
 * shortened to 120 characters. Do not use the result in Plotly templates, which also interpret `%{…}`.
 */
export function plotlyText(text: string): string {
  return plainText(text, LONGEST).replace(/[&<>]/g, (character) => ENTITIES[character]!);
}
