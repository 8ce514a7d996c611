/**
 * Shortens labels of saved figures to the width of the figure. Images have no tooltips and do not wrap labels.
 *
 * @module
 */
/// <reference lib="dom" />

let context: CanvasRenderingContext2D | null | undefined;

/** Returns the width of a text in pixels, or 0 without a canvas. */
function widthOf(text: string, size: number): number {
  context ??= document.createElement("canvas").getContext("2d");
  if (!context) return 0;
  context.font = `${size}px system-ui, sans-serif`;
  return context.measureText(text).width;
}

/** Shortens a text that is wider than a width in pixels. The end of a shortened text is "…". */
export function fitted(text: string, size: number, width: number): string {
  if (widthOf(text, size) <= width) return text;
  const characters = [...text];
  let low = 0, high = characters.length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (widthOf(`${characters.slice(0, middle).join("")}…`, size) <= width) low = middle;
    else high = middle;
  }
  return `${characters.slice(0, low).join("").trimEnd()}…`;
}
