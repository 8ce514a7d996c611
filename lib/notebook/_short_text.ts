/**
 * Values that a cell ends with, in few lines.
 *
 * @module
 */

/** Most characters of a value that was not asked for: 20 lines or so. */
const MOST = 800;

/** Returns a value as Deno prints it, less deep where that is long, and cut where nothing else helps. */
export function shortText(value: unknown): string {
  let text = Deno.inspect(value);
  for (let depth = 3; depth >= 0 && text.length > MOST; depth--) text = Deno.inspect(value, { depth });
  return text.length > MOST ? `${text.slice(0, MOST)} …` : text;
}
