/**
 * A text to train on: one or more documents that are read in stretches, never as a whole, with a checksum. It does not
 * clean text: what the files say is what is trained on. Finding a user's files is `text_files.ts`; making tokens is
 * `prepare_corpus.ts`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { isUtf16, UTF16_REASON, UTF8_MARK } from "../file/text.ts";
import { describeDamage } from "./_utf8.ts";

/** A file's text, or one in memory. */
export interface TextDocument {
  /** The path, or what to call it, for errors. */
  readonly name: string;
  /** The file behind all its names, such as links; undefined: the text is in no file. */
  readonly file?: string | undefined;
  /** Bytes of well-formed UTF-8 without NUL, a byte order mark at the start apart. */
  readonly bytes: number;
  /**
   * Reads a stretch.
   *
   * @param start Byte to begin at, in [0, bytes].
   * @param into Where the bytes go, as many as it has; they end at `bytes` or before.
   * @returns The same array.
   * @throws {UserError} if they cannot be read any more.
   */
  read(start: number, into: Uint8Array): Uint8Array;
}

/** A text to train on. */
export interface Corpus {
  /** What to call it in tables: a file's own name, or a data set's. */
  readonly name: string;
  /** The text's parts, none of them empty. Line ends are as in the files. */
  readonly documents: readonly TextDocument[];
  /** SHA-256 in hex: of the bytes it was read from, or of several documents' checksums. */
  readonly sha256: string;
  /** Bytes of UTF-8, byte order marks apart. */
  readonly bytes: number;
}

/** Bytes that are read at a time. */
const BLOCK = 2 ** 20;

/** Where bytes come from, before they are known to be text. */
export interface ByteSource {
  /** The path, or what to call it, for errors. */
  readonly name: string;
  /** As {@linkcode TextDocument.file}. */
  readonly file?: string | undefined;
  /** Size of the file. */
  readonly bytes: number;
  /** As {@linkcode TextDocument.read}. */
  read(start: number, into: Uint8Array): Uint8Array;
}

/**
 * Reads bytes once, in blocks: takes their checksum, and requires them to be a text.
 *
 * @returns The checksum of all bytes, and the document without a byte order mark.
 * @throws {UserError} if they are not UTF-8, have a NUL byte (with the byte offset), or are no text at all.
 */
export function checkText(source: ByteSource): { sha256: string; document: TextDocument } {
  const hash = createHash("sha256");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const room = new Uint8Array(Math.min(BLOCK, source.bytes));
  for (let start = 0; start < source.bytes; start += BLOCK) {
    const block = source.read(start, room.subarray(0, source.bytes - start));
    hash.update(block);
    if (start === 0 && isUtf16(block)) throw unreadable(source.name, { reason: UTF16_REASON });
    const zero = block.indexOf(0);
    let reason = zero < 0
      ? undefined
      : `has a NUL byte at byte offset ${(start + zero).toLocaleString("en-US")}: it is not a text`;
    try {
      decoder.decode(block, { stream: start + block.length < source.bytes });
    } catch {
      // A character may have begun in the block before.
      const begin = Math.max(0, start - 3);
      reason = describeDamage(source.read(begin, new Uint8Array(start + block.length - begin)), begin);
    }
    if (reason !== undefined) throw unreadable(source.name, { reason });
  }
  const begin = source.read(0, room.subarray(0, UTF8_MARK.length));
  const marked = UTF8_MARK.every((byte, i) => begin[i] === byte);
  const skip = marked ? UTF8_MARK.length : 0;
  if (source.bytes === skip) throw unreadable(source.name, { reason: "has no text in it" });
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
 * Makes a corpus of the bytes of a UTF-8 text.
 *
 * @param bytes The whole text's bytes.
 * @param options The corpus's `name`.
 * @throws {UserError} if there is no text, or it is not UTF-8 or has a NUL byte (with the byte offset).
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
 * Puts corpora after each other: their documents stay apart.
 *
 * @param corpora At least one.
 * @param options What to call the whole.
 * @returns A corpus whose checksum is that of the single one, or of the list of the checksums.
 * @throws {UserError} if a file is among the documents twice, by one name or by a link.
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
 * Requires every file to be there once: a model would learn a second copy by heart, and it might be in both parts.
 *
 * @throws {UserError} naming both places of a file.
 */
export function requireDistinct(documents: readonly TextDocument[]): void {
  const seen = new Map<string, string>();
  for (const { name, file } of documents) {
    if (file === undefined) continue;
    const before = seen.get(file);
    if (before !== undefined) {
      throw new UserError(
        `Cannot use the corpus: every text must be named once: ${JSON.stringify(name)} is there twice` +
          (resolve(before) === resolve(name)
            ? ""
            : `, as ${JSON.stringify(before)} too: one is a link to the other`),
      );
    }
    seen.set(file, name);
  }
}

/** The checksum of several: their order counts, their names do not. */
export function sha256OfList(list: readonly string[]): string {
  return createHash("sha256").update(list.map((one) => `${one}\n`).join("")).digest("hex");
}

/** The whole text of a corpus as one string: for small ones, to look at. */
export function corpusText({ documents }: Corpus): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return documents.map((document) => decoder.decode(document.read(0, new Uint8Array(document.bytes)))).join(
    "",
  );
}

/** The error for what is no text. */
export function unreadable(path: string, options: { reason: string; cause?: unknown }): UserError {
  // Quoted as JSON, so that a hostile file name cannot steer the terminal.
  return new UserError(
    `Cannot read the corpus: it must be a text file in UTF-8: ${JSON.stringify(path)} ${options.reason}`,
    options.cause === undefined ? {} : { cause: options.cause },
  );
}
