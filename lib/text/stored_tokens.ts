/**
 * Token ids in memory or in a file, with 1, 2 or 4 bytes per id depending on the vocabulary size. Ranges of a file are
 * read as needed, so that a text of any size can be used in bounded memory.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { formatCount } from "./_checks.ts";
import type { Tokens } from "./tokens.ts";

/** An array of the narrowest integers that hold the ids of a vocabulary. */
type Packed = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Maximum size of a file that is read whole, in bytes: 64 MiB. */
const READ_WHOLE = 2 ** 26;

/** Bytes hashed at a time. */
const BLOCK = 2 ** 20;

/** Returns the number of bytes per id that a vocabulary size requires. */
export function idBytes(vocabSize: number): 1 | 2 | 4 {
  return vocabSize <= 2 ** 8 ? 1 : vocabSize <= 2 ** 16 ? 2 : 4;
}

function pack(bytes: Uint8Array<ArrayBuffer>, width: 1 | 2 | 4): Packed {
  const { buffer, byteOffset, length } = bytes;
  if (width === 1) return bytes;
  return width === 2
    ? new Uint16Array(buffer, byteOffset, length / 2)
    : new Int32Array(buffer, byteOffset, length / 4);
}

/** Size and checksum of a token file. */
export interface TokenFile {
  /** Number of ids. */
  readonly length: number;
  /** Number of bytes per id. Ids are little-endian. */
  readonly width: 1 | 2 | 4;
  /** SHA-256 of the file in hex. */
  readonly sha256: string;
}

/** A writer of token ids. It computes their checksum, and records the positions where documents begin. */
export class TokenWriter {
  readonly #width: 1 | 2 | 4;
  readonly #write: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #hash = createHash("sha256");
  readonly #starts: number[] = [];
  #scratch = new Uint8Array(0);
  #length = 0;
  #begins = true;

  /**
   * Creates a writer.
   *
   * @param vocabSize Vocabulary size, which determines the number of bytes per id.
   * @param write Receives the bytes of the ids in order. The array is overwritten after `write` returns.
   */
  constructor(vocabSize: number, write: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#width = idBytes(vocabSize);
    this.#write = write;
  }

  /** Appends token ids to the current document. */
  append(ids: Int32Array): void {
    if (ids.length === 0) return;
    if (this.#begins) this.#starts.push(this.#length);
    this.#begins = false;
    const bytes = this.#room(ids.length * this.#width);
    pack(bytes, this.#width).set(ids);
    this.#hash.update(bytes);
    this.#write(bytes);
    this.#length += ids.length;
  }

  /** Returns a reused buffer of the given size. */
  #room(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes);
    return this.#scratch.subarray(0, bytes);
  }

  /** Ends the current document. */
  endDocument(): void {
    this.#begins = true;
  }

  /** Positions where documents with tokens begin. */
  get documentStarts(): Float64Array<ArrayBuffer> {
    return Float64Array.from(this.#starts);
  }

  /** Returns the size and the checksum of the written tokens. */
  finish(): TokenFile {
    return { length: this.#length, width: this.#width, sha256: this.#hash.digest("hex") };
  }
}

/** The tokens of a training split or a validation split, in memory or in a file. `using` closes the file. */
export class StoredTokens implements Tokens, Disposable {
  readonly length: number;
  readonly documentStarts?: Float64Array;
  readonly #read: (start: number, end: number) => Packed;
  readonly #close: () => void;

  private constructor(
    given: { length: number; documentStarts: Float64Array | undefined },
    read: (start: number, end: number) => Packed,
    close: () => void = () => {},
  ) {
    this.length = given.length;
    if (given.documentStarts !== undefined) this.documentStarts = given.documentStarts;
    this.#read = read;
    this.#close = close;
  }

  /**
   * Creates tokens from bytes in memory.
   *
   * @param bytes Bytes that a {@linkcode TokenWriter} wrote.
   * @param given `width`: number of bytes per id. `documentStarts`: positions where documents begin, or undefined if
   * the split is one text.
   */
  static inMemory(
    bytes: Uint8Array<ArrayBuffer>,
    given: { width: 1 | 2 | 4; documentStarts: Float64Array | undefined },
  ): StoredTokens {
    const packed = pack(bytes, given.width);
    return new StoredTokens({ ...given, length: packed.length }, (start, end) => packed.subarray(start, end));
  }

  /**
   * Opens a token file and verifies its checksum. A file of at most 64 MiB is read into memory. Ranges of a larger file
   * are read as needed.
   *
   * @param path Path of the file.
   * @param wanted Recorded size and checksum of the file, and the positions where documents begin.
   * @returns The tokens. Undefined if the file is missing or damaged.
   */
  static open(
    path: string,
    wanted: TokenFile & { documentStarts: Float64Array | undefined },
  ): StoredTokens | undefined {
    const { length, width, sha256 } = wanted;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unreadable(path, error);
    }
    try {
      const size = length * width;
      if (file.statSync().size !== size) return close(file);
      const whole = size <= READ_WHOLE ? new Uint8Array(size) : undefined;
      const hash = createHash("sha256");
      const room = new Uint8Array(Math.min(BLOCK, size));
      for (let at = 0; at < size; at += BLOCK) {
        const block = whole?.subarray(at, at + BLOCK) ?? room.subarray(0, size - at);
        if (!fill(file, block)) return close(file);
        hash.update(block);
      }
      if (hash.digest("hex") !== sha256) return close(file);
      if (whole !== undefined) {
        close(file);
        return StoredTokens.inMemory(whole, wanted);
      }
    } catch (error) {
      close(file);
      throw unreadable(path, error);
    }
    const read = (start: number, end: number): Packed => {
      const bytes = new Uint8Array((end - start) * width);
      file.seekSync(start * width, Deno.SeekMode.Start);
      if (fill(file, bytes)) return pack(bytes, width);
      throw new UserError(
        `Cannot read ${path}: expected at least ${formatCount(end)} tokens, got fewer. Start again.`,
      );
    };
    return new StoredTokens(wanted, read, () => close(file));
  }

  subarray(start: number, end: number): Int32Array {
    const packed = this.#read(start, end);
    return packed instanceof Int32Array ? packed : new Int32Array(packed);
  }

  /** Closes the file. Has no effect for tokens in memory. */
  [Symbol.dispose](): void {
    this.#close();
  }
}

/** Fills an array from the current position of a file. Returns false if the file ends early. */
function fill(file: Deno.FsFile, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
    const read = file.readSync(bytes.subarray(at));
    if (read === null) return false;
    at += read;
  }
  return true;
}

function close(file: Deno.FsFile): undefined {
  file.close();
}

function unreadable(path: string, cause: unknown): UserError {
  return new UserError(
    `Cannot read the tokens in ${path}: ${clauseOf(cause)}. Delete the file, and start again.`,
    { cause },
  );
}
