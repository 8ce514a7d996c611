/**
 * Seeded texts for the tests of this folder.
 *
 * @module
 */

import type { Random } from "./random.ts";

/** Ranges of code points that are prone to errors. Each range is drawn equally often. */
const RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x1f], // NUL, line breaks and other controls
  [0x20, 0x7e], // ASCII
  [0x80, 0x24f], // Latin with accents, NEL, no-break space
  [0x300, 0x36f], // combining marks
  [0x5d0, 0x64a], // right to left
  [0xe01, 0xe5b], // Thai, without spaces
  [0x2000, 0x206f], // spaces, joiners, curly apostrophes
  [0x4e00, 0x9fff], // CJK
  [0xd7ff, 0xd7ff], // either side of the surrogates
  [0xe000, 0xe000],
  [0xfe00, 0xfe0f], // variation selectors
  [0xfeff, 0xfeff], // byte order mark
  [0xfffd, 0xffff], // replacement character, noncharacters
  [0x1f300, 0x1f6ff], // emoji
  [0x20000, 0x2a6df], // astral CJK
  [0x10ffff, 0x10ffff], // the last code point
];

/** Returns a well-formed text of `length` code points from all over Unicode. */
export function randomUnicode(random: Random, length: number): string {
  return Array.from({ length }, () => {
    const [from, to] = RANGES[random.integer(RANGES.length)]!;
    return String.fromCodePoint(from + random.integer(to - from + 1));
  }).join("");
}

/** Returns bytes of which some sequences are valid UTF-8 and some are not. */
export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new TextEncoder().encode(randomUnicode(random, length)).subarray(0, length);
  for (let damage = random.integer(8); damage > 0 && bytes.length > 0; damage--) {
    bytes[random.integer(bytes.length)] = random.integer(256);
  }
  return bytes;
}

/** Returns `length` words of a synthetic language in lines, with word frequencies similar to English. */
export function randomProse(random: Random, length: number): string {
  const letters = ["e", "t", "a", "o", "n", "i", "s", "h", "r", "é", "'", "th"];
  const word = (): string =>
    Array.from({ length: 1 + random.integer(8) }, () => letters[random.integer(letters.length)]).join("");
  const words = Array.from({ length: 600 }, word);
  return Array.from({ length }, () => {
    const chosen = words[Math.floor(words.length * random.uniform() ** 2)]!;
    return chosen + ([". ", ",\n", "'s "][random.integer(12)] ?? " ");
  }).join("");
}
