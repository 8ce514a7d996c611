/**
 * The reader of all text files except corpora. Byte order marks and encodings are thus treated alike everywhere.
 *
 * A corpus may be larger than memory, so that `lib/text` reads it in blocks.
 *
 * @module
 */
import { readRegular } from "./regular.ts";

/** Bytes of a UTF-8 byte order mark. */
export const UTF8_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/**
 * Detects text in UTF-16 or UTF-32, which losskit does not read. Such a text begins with a byte order mark of the
 * encoding, or with an ASCII character in the encoding.
 *
 * @param bytes At least the first 8 bytes of the file, or all bytes of a shorter file.
 * @returns The reason for an error, without the file's name. Undefined if the bytes are in neither encoding.
 */
export function otherUnicode(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  const hasPair = bytes.length >= 4; // two units of UTF-16, or one of UTF-32
  const isUtf32 = hasPair &&
    (a === 0 && b === 0 && (c === 0xfe && d === 0xff || c === 0 && d !== 0 && !bytes[4]) ||
      c === 0 && d === 0 && (a === 0xff && b === 0xfe || a !== 0 && b === 0));
  const isUtf16 = a === 0xff && b === 0xfe || a === 0xfe && b === 0xff ||
    hasPair && (a !== 0 && b === 0 && d === 0 || a === 0 && b !== 0 && c === 0);
  const name = isUtf32 ? "UTF-32" : isUtf16 ? "UTF-16" : undefined;
  return name && `is in ${name}: convert it to UTF-8`;
}

/**
 * Decodes text in UTF-8. A byte order mark at its start is dropped.
 *
 * @throws {TypeError} If the bytes are not UTF-8. The message states the reason, and the caller adds the file's name.
 */
export function decodeText(bytes: Uint8Array): string {
  const reason = otherUnicode(bytes);
  if (reason !== undefined) throw new TypeError(`it ${reason}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TypeError("it is not in UTF-8: convert it", { cause });
  }
}

/**
 * Reads a text file in UTF-8. A byte order mark at its start is dropped.
 *
 * @throws {TypeError} If the file is not in UTF-8.
 * @throws {UserError} If the path is a folder, a pipe or a device.
 * @throws {Error} An error of the system, if the file cannot be read.
 */
export function readText(path: string): string {
  return decodeText(readRegular(path));
}
