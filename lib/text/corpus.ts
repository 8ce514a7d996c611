/**
 * A corpus: a text to train on, which consists of documents. The text is read in ranges, never as a whole, and used
 * without any cleaning. `text_files.ts` finds a user's files, and `prepare_corpus.ts` encodes the text.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { otherUnicode, UTF8_MARK } from "../file/text.ts";
import { describeDamage } from "./_utf8.ts";

/** A document: the text of a file, or a text in memory. It is well-formed UTF-8 without NUL bytes. */
export interface TextDocument {
  /** Path of the file, or another name of the text, for errors. */
  readonly name: string;
  /** Identity of the file. It is equal for all paths and links to the file. Undefined if the text is not in a file. */
  readonly file?: string | undefined;
  /** Size of the text in bytes, without a byte order mark at the start. */
  readonly bytes: number;
  /**
   * Reads a range of bytes.
   *
   * @param start Offset of the first byte, in [0, bytes].
   * @param into Array to fill. Its length is the number of bytes to read. The range must not extend beyond `bytes`.
   * @returns The array `into`.
   * @throws {UserError} If the bytes can no longer be read.
   */
  read(start: number, into: Uint8Array): Uint8Array;
}

/** A text to train on. */
export interface Corpus {
  /** Name for tables, such as the name of the file or of the data set. */
  readonly name: string;
  /** The documents of the text. None is empty. */
  readonly documents: readonly TextDocument[];
  /** SHA-256 in hex: of the file's bytes, or of the list of the documents' checksums if there are several. */
  readonly sha256: string;
  /** Size of the text in bytes, without byte order marks. */
  readonly bytes: number;
}

/** Bytes read at a time. */
const BLOCK = 2 ** 20;

/** A file, or bytes in memory, before {@linkcode checkText} has checked that the bytes are text. */
export interface ByteSource {
  /** Path of the file, or another name, for errors. */
  readonly name: string;
  /** Identity of the file, as in {@linkcode TextDocument}. */
  readonly file?: string | undefined;
  /** Size in bytes. */
  readonly bytes: number;
  /** Reads a range of bytes, as in {@linkcode TextDocument}. */
  read(start: number, into: Uint8Array): Uint8Array;
}

/**
 * Reads bytes once, in blocks, to compute their checksum and to check that they are text.
 *
 * @returns `sha256`: SHA-256 of all bytes in hex. `document`: the text without a byte order mark.
 * @throws {UserError} If there are no bytes, or the bytes are not UTF-8 or contain a NUL byte. The message has the
 * byte's offset.
 */
export function checkText(source: ByteSource): { sha256: string; document: TextDocument } {
  const hash = createHash("sha256");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const room = new Uint8Array(Math.min(BLOCK, source.bytes));
  for (let start = 0; start < source.bytes; start += BLOCK) {
    const block = source.read(start, room.subarray(0, source.bytes - start));
    hash.update(block);
    const encoding = start === 0 ? otherUnicode(block) : undefined;
    if (encoding !== undefined) throw unreadable(source.name, { reason: encoding });
    const zero = block.indexOf(0);
    let reason = zero < 0
      ? undefined
      : `has a NUL byte at byte offset ${(start + zero).toLocaleString("en-US")}, as binary files do`;
    try {
      decoder.decode(block, { stream: start + block.length < source.bytes });
    } catch {
      // A character may have begun in the previous block.
      const begin = Math.max(0, start - 3);
      reason = describeDamage(source.read(begin, new Uint8Array(start + block.length - begin)), begin);
    }
    if (reason !== undefined) throw unreadable(source.name, { reason });
  }
  const begin = source.read(0, room.subarray(0, UTF8_MARK.length));
  const marked = UTF8_MARK.every((byte, i) => begin[i] === byte);
  const skip = marked ? UTF8_MARK.length : 0;
  if (source.bytes === skip) throw unreadable(source.name, { reason: "is empty" });
  return {
    sha256: hash.digest("hex"),
    document: {
      name: source.name,
      file: source.file,
      bytes: source.bytes - skip,
      read: (start, into) => source.read(start + skip, into),
    },
  };
}

/**
 * Creates a corpus from the bytes of a UTF-8 text.
 *
 * @param bytes The bytes of the whole text.
 * @param options `name`: name of the corpus.
 * @throws {UserError} If the text is empty, is not UTF-8, or contains a NUL byte. The message has the byte's offset.
 */
export function corpusFromBytes(bytes: Uint8Array, options: { name: string }): Corpus {
  const { name } = options;
  const read = (start: number, into: Uint8Array) => {
    into.set(bytes.subarray(start, start + into.length));
    return into;
  };
  const { sha256, document } = checkText({ name, bytes: bytes.length, read });
  return { name, documents: [document], sha256, bytes: document.bytes };
}

/**
 * Concatenates corpora. The documents of the result are those of all corpora.
 *
 * @param corpora At least one corpus.
 * @param options `name`: name of the result.
 * @returns A corpus. Its checksum is the SHA-256 of the list of the corpora's checksums, or the checksum of the only
 * corpus.
 * @throws {UserError} If a file occurs twice, by its path or by a link.
 */
export function joinCorpora(corpora: readonly Corpus[], options: { name: string }): Corpus {
  const [first] = corpora;
  const documents = corpora.flatMap(({ documents }) => documents);
  requireDistinct(documents);
  return {
    name: options.name,
    documents,
    sha256: corpora.length === 1 ? first!.sha256 : sha256OfList(corpora.map(({ sha256 }) => sha256)),
    bytes: corpora.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/**
 * Requires that no file occurs twice. The model would memorize a duplicate, and one copy could be in the training split
 * and the other in the validation split.
 *
 * @throws {UserError} If a file is named twice. The message has both names.
 */
export function requireDistinct(documents: readonly TextDocument[]): void {
  const seen = new Map<string, string>();
  for (const { name, file } of documents) {
    if (file === undefined) continue;
    const before = seen.get(file);
    if (before !== undefined) {
      throw new UserError(
        `Cannot use the corpus: expected each text once, got ${JSON.stringify(name)} twice` +
          (resolve(before) === resolve(name)
            ? ""
            : `, also as ${JSON.stringify(before)}: one is a link to the other`),
      );
    }
    seen.set(file, name);
  }
}

/** Returns the SHA-256 of a list of checksums in hex. It depends on the order of the list. */
export function sha256OfList(list: readonly string[]): string {
  return createHash("sha256").update(list.map((one) => `${one}\n`).join("")).digest("hex");
}

/** Returns the whole text of a small corpus as one string. */
export function corpusText({ documents }: Corpus): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return documents.map((document) => decoder.decode(document.read(0, new Uint8Array(document.bytes)))).join(
    "",
  );
}

/**
 * Returns the error for a file that is not a text.
 *
 * @param path Path of the file.
 * @param options `reason`: why the file is not a text. `cause`: the error that was thrown.
 */
export function unreadable(path: string, options: { reason: string; cause?: unknown }): UserError {
  // Quoted as JSON, so that a hostile file name cannot steer the terminal.
  return new UserError(
    `Cannot read the corpus: expected a text file in UTF-8, got ${
      JSON.stringify(path)
    }, which ${options.reason}`,
    options.cause === undefined ? {} : { cause: options.cause },
  );
}
