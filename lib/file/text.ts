/**
 * Text files as strings: the one way to read them, so that every reader treats byte order marks and encodings alike.
 *
 * A corpus is not read here: it may be larger than memory, and is read in stretches.
 *
 * @module
 */

/** Bytes of a UTF-8 byte order mark. */
export const UTF8_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** The reason why bytes in UTF-16 are refused. */
export const UTF16_REASON = "is in UTF-16: convert it to UTF-8";

/**
 * Returns whether bytes are a text in UTF-16 or UTF-32: they begin with its byte order mark, or with an ASCII character
 * in it.
 *
 * @param bytes At least the first 4 bytes of the file, where it has as many.
 */
export function isUtf16(bytes: Uint8Array): boolean {
  const [a, b] = bytes;
  return a === 0xff && b === 0xfe || a === 0xfe && b === 0xff ||
    bytes.length >= 4 && (a !== 0 && b === 0 && bytes[3] === 0 || a === 0 && b !== 0 && bytes[2] === 0);
}

/**
 * Decodes a text in UTF-8. A byte order mark at its start is dropped.
 *
 * @throws {TypeError} if the bytes are not UTF-8. The message is a reason to put behind the file's name.
 */
export function decodeText(bytes: Uint8Array): string {
  if (isUtf16(bytes)) throw new TypeError(`it ${UTF16_REASON}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TypeError("it is not in UTF-8: convert it", { cause });
  }
}

/**
 * Reads a text file in UTF-8. A byte order mark at its start is dropped.
 *
 * @throws {TypeError} if the file is not in UTF-8.
 * @throws {Error} what the system says, if the file cannot be read.
 */
export function readText(path: string): string {
  return decodeText(Deno.readFileSync(path));
}
