/**
 * Short text of values.
 *
 * @module
 */

/** Maximum number of characters of a cell's value, about 20 lines. */
const MOST = 800;

/**
 * Returns a value as text, as Deno prints it. If the text is longer than 800 characters, reduces the printed depth,
 * then truncates the text.
 */
export function shortText(value: unknown): string {
  let text = Deno.inspect(value);
  for (let depth = 3; depth >= 0 && text.length > MOST; depth--) text = Deno.inspect(value, { depth });
  return text.length > MOST ? `${text.slice(0, MOST)} …` : text;
}
