/**
 * The only reader of text files, so that byte order marks and encodings are treated alike everywhere.
 *
 * Corpora are an exception: they may be larger than memory, and are read in pieces.
 *
 * @module
 */

/** Bytes of a UTF-8 byte order mark. */
export const UTF8_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** The reason given when UTF-16 is refused. */
export const UTF16_REASON = "is in UTF-16: convert it to UTF-8";

/**
 * Returns whether bytes are text in UTF-16 or UTF-32: they begin with a byte order mark of either encoding, or with an
 * ASCII character in it.
 *
 * @param bytes At least the first 4 bytes of the file, if it has as many.
 */
export function isUtf16(bytes: Uint8Array): boolean {
  const [a, b] = bytes;
  return a === 0xff && b === 0xfe || a === 0xfe && b === 0xff ||
    bytes.length >= 4 && (a !== 0 && b === 0 && bytes[3] === 0 || a === 0 && b !== 0 && bytes[2] === 0);
}

/**
 * Decodes text in UTF-8. A byte order mark at its start is dropped.
 *
 * @throws {TypeError} if the bytes are not UTF-8. The message is a reason to append to the file's name.
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
 * @throws {Error} an error of the system, if the file cannot be read.
 */
export function readText(path: string): string {
  return decodeText(Deno.readFileSync(path));
}
