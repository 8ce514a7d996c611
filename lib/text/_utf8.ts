/**
 * UTF-8 validation and character boundaries in bytes, without creating strings.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";

/** Result of {@linkcode scanUtf8}. */
export interface Utf8Scan {
  /** Offset after the last complete character before the first invalid byte. */
  readonly whole: number;
  /** Offset of the first invalid byte, or the length of the bytes. */
  readonly wrong: number;
}

/**
 * Scans bytes for invalid UTF-8 as Unicode 15, table 3-7 defines it. Overlong forms and surrogates are invalid.
 *
 * @param bytes Any bytes.
 * @param start Offset to begin at. It must be the start of a character.
 */
export function scanUtf8(bytes: Uint8Array, start: number): Utf8Scan {
  let at = start;
  while (at < bytes.length) {
    const first = bytes[at]!;
    if (first < 0x80) {
      at++;
      continue;
    }
    if (first < 0xc2 || first > 0xf4) return { whole: at, wrong: at };
    const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (let i = 1; i < length; i++) {
      if (at + i === bytes.length) return { whole: at, wrong: bytes.length };
      const byte = bytes[at + i]!;
      const least = i > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      const most = i > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      if (byte < least || byte > most) return { whole: at, wrong: at + i };
    }
    at += length;
  }
  return { whole: at, wrong: at };
}

/**
 * Describes the first invalid byte of a text, as a clause for an error.
 *
 * @param bytes A part of the text with invalid bytes. It may begin inside a character.
 * @param offset Offset of this part in the whole text, in bytes.
 */
export function describeDamage(bytes: Uint8Array, offset: number): string {
  const { wrong } = scanUtf8(bytes, offset === 0 ? 0 : nextCharacter(bytes, 0));
  const place = `byte offset ${formatCount(offset + wrong)}`;
  if (wrong === bytes.length) return `ends inside a character, at ${place}`;
  const byte = bytes[wrong]!.toString(16).toUpperCase().padStart(2, "0");
  return `has an invalid byte at ${place} (0x${byte}). Convert it to UTF-8`;
}

/** Returns the offset of the first character that begins at `start` or later. Returns the length if there is none. */
export function nextCharacter(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && (bytes[at]! & 0xc0) === 0x80) at++;
  return at;
}

/**
 * Returns the number of bytes that remain when an incomplete character at the end is removed. The bytes are valid
 * UTF-8.
 */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const wanted = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return wanted > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
