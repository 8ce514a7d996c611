/**
 * UTF-8 in bytes: where it ends, and where a character begins. It makes no strings of them.
 *
 * @module
 */
import { formatCount } from "./_checks.ts";

/** How far bytes are UTF-8. */
export interface Utf8Scan {
  /** The end of the last whole character. */
  readonly whole: number;
  /** The first byte that cannot follow those before it, or the end. */
  readonly wrong: number;
}

/**
 * Goes through bytes as long as they are UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
 *
 * @param bytes Any bytes.
 * @param start Where to begin, as if a character began there.
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
 * Where bytes stop being UTF-8, in words.
 *
 * @param bytes What holds the damage; they may begin inside a character.
 * @param offset The place of their first byte in the whole text.
 */
export function describeDamage(bytes: Uint8Array, offset: number): string {
  const { wrong } = scanUtf8(bytes, offset === 0 ? 0 : nextCharacter(bytes, 0));
  const place = `byte offset ${formatCount(offset + wrong)}`;
  if (wrong === bytes.length) return `ends inside a character, at ${place}`;
  const byte = bytes[wrong]!.toString(16).toUpperCase().padStart(2, "0");
  return `is not: ${place} (0x${byte}) cannot follow. Convert it to UTF-8`;
}

/** The first place from `start` on at which a character begins, or the end. */
export function nextCharacter(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && (bytes[at]! & 0xc0) === 0x80) at++;
  return at;
}

/** The length of bytes without a character at their end that goes on after them; the bytes are a stretch of UTF-8. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const wanted = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return wanted > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
