/**
 * Text of SVG figures: escapes labels, formats coordinates and estimates text widths.
 *
 * @module
 */
import { printableLines } from "../../error/printable.ts";

/** Tags that Plotly interprets in labels. */
const TAGS = /<(\/?)(b|i|br|sup|sub|span|em|strong)\b[^>]*>/gi;

/**
 * Converts a Plotly label to XML text: keeps entities, removes tags, replaces `<br>` by a space, and escapes all other
 * characters.
 */
export function svgText(label: string): string {
  return printableLines(label)
    .replaceAll(TAGS, (_, __, tag) => tag.toLowerCase() === "br" ? " " : "")
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd") // not allowed in XML
    .replaceAll(/&(?!(amp|lt|gt|quot|#\d+);)/g, "&amp;")
    .replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Estimates the width of a text in pixels from average character widths. An entity counts as one character. */
export function widthOf(label: string, size: number): number {
  let width = 0;
  for (const character of svgText(label).replaceAll(/&[a-z#0-9]+;/g, "m")) {
    width += /[ijlt.,:;|'!()\[\] ]/.test(character) ? 0.32 : /[A-ZmwMW%@]/.test(character) ? 0.72 : 0.56;
  }
  return width * size;
}

/**
 * Converts a Plotly label to the content of a `text` element that fits a width. A longer label keeps its beginning, ends
 * with "…", and has the whole text as its tooltip.
 */
export function fittedText(label: string, size: number, width: number): string {
  const whole = svgText(label);
  if (widthOf(label, size) <= width) return whole;
  let kept = "";
  for (const character of whole.match(/&[a-z#0-9]+;|[^]/gu) ?? []) {
    if (widthOf(`${kept}${character}…`, size) > width) break;
    kept += character;
  }
  return `${kept.trimEnd()}…<title>${whole}</title>`;
}

/** Formats a coordinate, rounded to 0.1 pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10 || 0);
}
