/**
 * Line-by-line reading of files in bounded memory.
 *
 * @module
 */
import { requireRegular } from "../file/regular.ts";

/** Maximum number of bytes per read of lines of usual length. */
const PIECE = 1 << 20;

/** End of the complete lines of a file, and the text after them. */
export interface Rest {
  /** Size of the complete lines in bytes. */
  readonly validBytes: number;
  /** Text after the last line break. Empty if the file ends with a line break. */
  readonly tail: string;
}

/**
 * Reads the lines of a file. Lines end with `\n`; text after the last `\n` is not a line.
 *
 * @param path The file.
 * @param take Receives each line without its line break, and its index from 0.
 * @throws {Deno.errors.NotFound} If the file is missing.
 * @throws {UserError} If the path is not a regular file.
 */
export function readLines(path: string, take: (line: string, index: number) => void): Rest {
  const { size } = requireRegular(path);
  using file = Deno.openSync(path);
  let buffer = new Uint8Array(Math.min(PIECE, size + 1)), held = 0, validBytes = 0, index = 0;
  const first = new TextDecoder(), others = new TextDecoder("utf-8", { ignoreBOM: true });
  const decode = (bytes: Uint8Array) => (validBytes === 0 ? first : others).decode(bytes);
  for (;;) {
    if (held === buffer.length) { // the line is longer than the buffer
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
