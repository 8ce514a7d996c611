/**
 * A text with its checksum, from a user's own file or from bytes that a loader fetched. It does not clean text: what
 * the file says is what is trained on. Making tokens of it is `prepare_corpus.ts`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import { UserError } from "../error/user_error.ts";
import { formatCount } from "./_checks.ts";

/** A text to train on. */
export interface Corpus {
  /** What to call it in tables: a file's own name, or a data set's. */
  readonly name: string;
  /** Well-formed Unicode, not empty, without a byte order mark at its start. Line ends are as in the file. */
  readonly text: string;
  /** SHA-256 of the bytes it was read from, in hex. */
  readonly sha256: string;
  /** Number of bytes it was read from, a byte order mark included. */
  readonly bytes: number;
}

/**
 * Reads a text file in UTF-8. A byte order mark at the start is dropped; line ends stay as they are (a file with CRLF
 * gives a corpus with CRLF).
 *
 * @throws {UserError} if the file is missing, a folder, unreadable, empty or not UTF-8 (with the byte offset).
 */
export async function loadTextFile(path: string): Promise<Corpus> {
  let bytes: Uint8Array;
  try {
    if ((await Deno.stat(path)).isDirectory) throw unreadable(path, { reason: "is a folder" });
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      throw unreadable(path, { reason: "does not exist", cause: error });
    }
    const detail = error instanceof Error ? error.message : String(error);
    throw unreadable(path, { reason: `cannot be opened (${detail})`, cause: error });
  }
  return corpusFromBytes(bytes, { name: basename(path), path });
}

/**
 * Makes a corpus of the bytes of a UTF-8 text, as {@linkcode loadTextFile} does.
 *
 * @param bytes The whole text's bytes.
 * @param options The corpus's `name`, and the `path` to name in errors (default: the name).
 * @throws {UserError} if there is no text, or it is not UTF-8 (with the byte offset).
 */
export function corpusFromBytes(bytes: Uint8Array, options: { name: string; path?: string }): Corpus {
  const { name, path = name } = options;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); // drops a byte order mark
  } catch (cause) {
    throw unreadable(path, { reason: describeDamage(bytes), cause });
  }
  if (text.length === 0) throw unreadable(path, { reason: "has no text in it" });
  return { name, text, sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
}

function unreadable(path: string, options: { reason: string; cause?: unknown }): UserError {
  // Quoted as JSON, so that a hostile file name cannot steer the terminal.
  return new UserError(
    `Cannot read the corpus: it must be a text file in UTF-8: ${JSON.stringify(path)} ${options.reason}`,
    options.cause === undefined ? {} : { cause: options.cause },
  );
}

/** Where bytes stop being UTF-8. */
function describeDamage(bytes: Uint8Array): string {
  // A streaming decoder accepts a prefix that ends inside a character, so it refuses exactly the prefixes that
  // contain the first wrong byte: look for the shortest of them.
  let accepted = 0;
  let refused = bytes.length + 1;
  while (refused - accepted > 1) {
    const middle = Math.floor((accepted + refused) / 2);
    if (isUtf8Prefix(bytes.subarray(0, middle))) accepted = middle;
    else refused = middle;
  }
  if (accepted === bytes.length) {
    return `ends inside a character, at byte offset ${formatCount(bytes.length)}`;
  }
  const byte = bytes[accepted]!.toString(16).toUpperCase().padStart(2, "0");
  return `is not: byte offset ${formatCount(accepted)} (0x${byte}) cannot follow. Convert it to UTF-8`;
}

function isUtf8Prefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
