/**
 * A text to train on: one or more documents with a checksum, read in ranges and never as a whole. The text is used
 * unchanged, without any cleaning. `text_files.ts` finds a user's files; `prepare_corpus.ts` encodes the text.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { otherUnicode, UTF8_MARK } from "../file/text.ts";
import { describeDamage } from "./_utf8.ts";

/** The text of a file, or a text in memory. */
export interface TextDocument {
  /** Path, or another name, for errors. */
  readonly name: string;
  /** Identity of the file, equal for all links to it; undefined if the text is not in a file. */
  readonly file?: string | undefined;
  /** Size in bytes of well-formed UTF-8 without NUL, excluding a byte order mark at the start. */
  readonly bytes: number;
  /**
   * Reads a range.
   *
   * @param start Offset of the first byte, in [0, bytes].
   * @param into Destination; its length is the number of bytes to read. The range must not extend beyond `bytes`.
   * @returns The same array.
   * @throws {UserError} If the bytes can no longer be read.
   */
  read(start: number, into: Uint8Array): Uint8Array;
}

/** A text to train on. */
export interface Corpus {
  /** Name for tables: a file's name, or a data set's. */
  readonly name: string;
  /** The text's parts, none of them empty. Line ends are unchanged. */
  readonly documents: readonly TextDocument[];
  /** SHA-256 in hex: of the file's bytes, or of several documents' checksums. */
  readonly sha256: string;
  /** Size in bytes of UTF-8, excluding byte order marks. */
  readonly bytes: number;
}

/** Bytes read at a time. */
const BLOCK = 2 ** 20;

/** A source of bytes that are not yet known to be text. */
export interface ByteSource {
  /** Path, or another name, for errors. */
  readonly name: string;
  /** Identity of the file, as in {@linkcode TextDocument}. */
  readonly file?: string | undefined;
  /** Size of the file in bytes. */
  readonly bytes: number;
  /** Reads a range, as in {@linkcode TextDocument}. */
  read(start: number, into: Uint8Array): Uint8Array;
}

/**
 * Reads bytes once, in blocks, to compute their checksum and to check that they are text.
 *
 * @returns The checksum of all bytes, and the document without a byte order mark.
 * @throws {UserError} If the bytes are empty or not UTF-8, or have a NUL byte (with the byte offset).
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
 * @param options The corpus's `name`.
 * @throws {UserError} If the text is empty or not UTF-8, or has a NUL byte (with the byte offset).
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
 * Concatenates corpora. Their documents stay separate.
 *
 * @param corpora At least one corpus.
 * @param options The `name` of the result.
 * @returns A corpus whose checksum is that of the only corpus, or of the list of checksums.
 * @throws {UserError} If a file occurs twice, under one name or by a link.
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
 * Checks that no file occurs twice. A duplicate would be memorized, and could be in both the training and validation
 * part.
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

/** Returns the checksum of several checksums. It depends on their order, and not on names. */
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

/** Returns the error for a file that is not a text. */
export function unreadable(path: string, options: { reason: string; cause?: unknown }): UserError {
  // Quoted as JSON, so that a hostile file name cannot steer the terminal.
  return new UserError(
    `Cannot read the corpus: expected a text file in UTF-8, got ${
      JSON.stringify(path)
    }, which ${options.reason}`,
    options.cause === undefined ? {} : { cause: options.cause },
  );
}
