/**
 * Text from records, prepared for display: one line, shortened, and still distinguishable.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import { sha256Hex } from "../record/mod.ts";

/** Maximum length of displayed text, and length of the end that shortened text keeps, in characters. */
const LONGEST = 60, KEPT_END = 20;

/**
 * Returns text as one line without control and format characters. Long text is shortened to its beginning and end.
 * Changed text ends with digits of its SHA-256, such as `#3fa2c1`, so that different texts stay different. The function
 * is idempotent.
 *
 * @param most Maximum length in characters. Default: 60.
 */
export function plainText(text: string, most: number = LONGEST): string {
  const plain = printable(text), characters = [...plain];
  const isShort = characters.length <= most;
  if (isShort && plain === text) return text;
  // JSON keeps lone surrogates apart, UTF-8 does not.
  const mark = ` #${sha256Hex(JSON.stringify(text)).slice(0, 6)}`, room = most - mark.length - 1;
  if (isShort) return plain + mark;
  const end = Math.min(KEPT_END, Math.floor(room / 2));
  return `${characters.slice(0, room - end).join("")}…${characters.slice(-end).join("")}${mark}`;
}
