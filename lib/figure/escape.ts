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

/** Escapes text for HTML elements and quoted attributes. Replaces control and bidirectional characters by `�`. */
export function escapeHtml(text: string): string {
  return printableLines(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * Escapes text for a Plotly label, where tags and entities have effects. The result is one line, shortened to 120 characters.
 * Not for Plotly templates, which also interpret `%{…}`.
 */
export function plotlyText(text: string): string {
  return plainText(text, LONGEST).replace(/[&<>]/g, (character) => ENTITIES[character]!);
}
