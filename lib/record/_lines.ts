/**
 * The lines of a file, read piece by piece: no file is held whole.
 *
 * @module
 */
import { requireRegular } from "../file/regular.ts";

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** What is left of a file after its lines. */
export interface Rest {
  /** Bytes of the whole lines. */
  readonly validBytes: number;
  /** The text after the last line end; empty: there is none. */
  readonly tail: string;
}

/**
 * Reads a file's lines, which end with `\n`; the text after the last one is no line.
 *
 * @param path The file.
 * @param take Takes a line without its end, and its number from 0.
 * @throws {Deno.errors.NotFound} when there is no such file.
 * @throws {UserError} when something else than a regular file is there.
 */
export function readLines(path: string, take: (line: string, index: number) => void): Rest {
  requireRegular(path);
  using file = Deno.openSync(path);
  let buffer = new Uint8Array(PIECE), held = 0, validBytes = 0, index = 0;
  const first = new TextDecoder(), others = new TextDecoder("utf-8", { ignoreBOM: true });
  const decode = (bytes: Uint8Array) => (validBytes === 0 ? first : others).decode(bytes);
  for (;;) {
    if (held === buffer.length) { // a line that is longer than the buffer
      const larger = new Uint8Array(2 * buffer.length);
      larger.set(buffer);
      buffer = larger;
    }
    const read = file.readSync(buffer.subarray(held));
    if (read === null) break;
    const end = buffer.subarray(held, held + read).lastIndexOf(10);
    held += read;
    if (end < 0) continue;
    const whole = held - read + end + 1;
    const text = decode(buffer.subarray(0, whole));
    for (let from = 0; from < text.length;) {
      const to = text.indexOf("\n", from);
      take(text.slice(from, to), index++);
      from = to + 1;
    }
    validBytes += whole;
    buffer.copyWithin(0, whole, held);
    held -= whole;
  }
  return { validBytes, tail: decode(buffer.subarray(0, held)) };
}
