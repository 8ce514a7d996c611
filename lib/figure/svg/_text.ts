/**
 * Text in SVG: Plotly's labels made inert, numbers for ticks, and how wide a text is about.
 *
 * @module
 */
import { printableLines } from "../../error/printable.ts";

/** Plotly's tags in labels; a line break becomes a space, the others go. */
const TAGS = /<(\/?)(b|i|br|sup|sub|span|em|strong)\b[^>]*>/gi;

/** A label of Plotly's as text of XML. Its entities stay, tags go, and everything else is shown as it is. */
export function svgText(label: string): string {
  return printableLines(label)
    .replaceAll(TAGS, (_, __, tag) => tag.toLowerCase() === "br" ? " " : "")
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd") // XML has no way to write these
    .replaceAll(/&(?!(amp|lt|gt|quot|#\d+);)/g, "&amp;")
    .replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The width of a text in pixels, about: without a font there is no telling. Entities count as one character. */
export function widthOf(label: string, size: number): number {
  let width = 0;
  for (const character of svgText(label).replaceAll(/&[a-z#0-9]+;/g, "m")) {
    width += /[ijlt.,:;|'!()\[\] ]/.test(character) ? 0.32 : /[A-ZmwMW%@]/.test(character) ? 0.72 : 0.56;
  }
  return width * size;
}

/** A coordinate: a tenth of a pixel is finer than anyone sees. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10 || 0);
}
