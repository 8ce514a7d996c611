/**
 * A byte-level byte-pair tokenizer. The first 256 ids are bytes. The next ids are merged pairs in the order in which
 * they were learned. It encodes any bytes losslessly. Without merges it is the byte tokenizer, and with GPT-2's merges
 * it is GPT-2's tokenizer. `bpe_trainer.ts` learns merges.
 *
 * Text is first split into pieces, such as words. The split depends on Deno's Unicode version: a character that a later
 * version adds may be split differently by another Deno. Decoding gives the same text in any case.
 *
 * @module
 */

import { latin1 } from "./_latin1.ts";
import { requireWellFormed } from "./_checks.ts";
import { IdBuffer } from "./_id_buffer.ts";
import { copyPiece, type CutName, forEachPiece, MAX_PIECE, safeCut } from "./_pieces.ts";
import { scanUtf8 } from "./_utf8.ts";
import { requireIds, type Tokenizer } from "./tokenizer.ts";
import {
  BYTE_CHARACTERS,
  BYTE_LEVEL_CUTS,
  BYTE_LEVEL_DECODER,
  JSON_FRAME,
  type TokenizerJson,
} from "./tokenizer_json.ts";

/** A merge: the ids `[left, right]` of the two tokens that are joined into one. */
export type Merge = readonly [number, number];

/** A byte-pair tokenizer. */
export interface BpeTokenizer extends Tokenizer {
  /** Merges in the order in which they were learned. Merge k creates the token with the id 256 + k. */
  readonly merges: readonly Merge[];
}

/** Parameters of a byte-pair tokenizer other than its merges. */
export interface BpeOptions {
  /** The byte that each id below 256 stands for, [256]. Every byte occurs once. Default: id = byte. */
  readonly byteOrder?: Uint8Array;
  /** Pattern that splits text into pieces: losskit's (`own`) or GPT-2's (`gpt2`). Default: own. */
  readonly cut?: CutName;
  /** Special tokens, with the ids after the last merge. Encoding a text never gives these ids. Default: none. */
  readonly special?: readonly string[];
  /** Name of the tokenizer. Default: `byte` without merges, otherwise `bpe:V`, where V is the vocabulary size. */
  readonly name?: string;
}

/** Longest token in bytes: the longest piece, in 4-byte characters. */
const MAX_TOKEN_BYTES = MAX_PIECE * 4;

/** Maximum number of cached pieces. A full cache is cleared, so that memory stays bounded. */
const MAX_CACHED_PIECES = 200_000;

/** Longest piece that is cached. Longer pieces rarely recur. */
const MAX_CACHED_LENGTH = 128;

/**
 * Creates a byte-pair tokenizer. Its vocabulary size is 256 + the number of merges + the number of special tokens.
 *
 * @param merges Merges in the order in which they were learned.
 * @param options Other parameters.
 * @throws {RangeError} If a merge joins ids that do not exist before it, creates a token that already exists, or
 * creates a token of more than 256 bytes, or if `byteOrder` lacks a byte.
 */
export function createBpeTokenizer(merges: readonly Merge[], options: BpeOptions = {}): BpeTokenizer {
  return new ByteLevelBpe(merges, options);
}

/**
 * Returns the tokenizer with only the first merges of another tokenizer. Training a tokenizer of the smaller size on
 * the same text gives an equal tokenizer.
 *
 * @param tokenizer A tokenizer that `trainBpe` created.
 * @param vocabSize The smaller vocabulary size, from 256 to that of `tokenizer`.
 * @throws {RangeError} If the vocabulary size is not an integer in this range, or `trainBpe` did not create the
 * tokenizer.
 */
export function smallerVocabulary(tokenizer: BpeTokenizer, vocabSize: number): BpeTokenizer {
  const { merges, vocabSize: largest } = tokenizer;
  if (largest !== 256 + merges.length || tokenizer.name !== nameOf(merges.length)) {
    throw new RangeError(
      `Cannot make a smaller vocabulary: expected a tokenizer made by trainBpe, got ${tokenizer.name}`,
    );
  }
  if (Number.isInteger(vocabSize) && vocabSize >= 256 && vocabSize <= largest) {
    return createBpeTokenizer(merges.slice(0, vocabSize - 256));
  }
  throw new RangeError(
    `Cannot make a smaller vocabulary: expected an integer V from 256 to ${largest}, got ${vocabSize}`,
  );
}

function nameOf(merges: number): string {
  return merges === 0 ? "byte" : `bpe:${256 + merges}`;
}

/** Encodes pieces by rank of merge, and decodes ids to bytes. */
class ByteLevelBpe implements BpeTokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly merges: readonly Merge[];
  readonly #cut: CutName;
  readonly #special: readonly string[];
  /** Id of each byte. */
  readonly #byteIds = new Int32Array(256);
  /** Id that results from merging two ids, keyed by `left * V + right`. Smaller ids were learned earlier. */
  readonly #joined = new Map<number, number>();
  readonly #tokenBytes: readonly Uint8Array[];
  readonly #cache = new Map<string, Int32Array>();
  readonly #encoder = new TextEncoder();

  constructor(merges: readonly Merge[], options: BpeOptions) {
    const action = "make a byte-pair tokenizer";
    const { byteOrder = Uint8Array.from({ length: 256 }, (_, id) => id), special = [] } = options;
    if (byteOrder.length !== 256 || new Set(byteOrder).size !== 256) {
      throw new RangeError(`Cannot ${action}: expected each of 256 bytes once in byteOrder`);
    }
    this.vocabSize = 256 + merges.length + special.length;
    this.name = options.name ?? nameOf(merges.length);
    this.merges = merges.map(([left, right]) => [left, right]);
    this.#cut = options.cut ?? "own";
    this.#special = [...special];
    byteOrder.forEach((byte, id) => this.#byteIds[byte] = id);
    const tokenBytes = Array.from(byteOrder, (byte) => Uint8Array.of(byte));
    const known = new Set(tokenBytes.map(latin1));
    for (const [rank, [left, right]] of merges.entries()) {
      const leftBytes = tokenBytes[left];
      const rightBytes = tokenBytes[right];
      const given = `merges[${rank}] = [${left}, ${right}]`;
      if (leftBytes === undefined || rightBytes === undefined) {
        throw new RangeError(`Cannot ${action}: expected a merge of ids in [0, ${256 + rank}), got ${given}`);
      }
      const length = leftBytes.length + rightBytes.length;
      if (length > MAX_TOKEN_BYTES) {
        throw new RangeError(
          `Cannot ${action}: expected a token of at most ${MAX_TOKEN_BYTES} bytes, got ${given} of ${length} bytes`,
        );
      }
      const bytes = new Uint8Array(length);
      bytes.set(leftBytes);
      bytes.set(rightBytes, leftBytes.length);
      const written = latin1(bytes);
      if (known.has(written)) {
        throw new RangeError(
          `Cannot ${action}: expected distinct tokens, got ${given}, which repeats a token`,
        );
      }
      known.add(written);
      this.#joined.set(left * this.vocabSize + right, 256 + rank);
      tokenBytes.push(bytes);
    }
    for (const token of special) tokenBytes.push(this.#encoder.encode(token));
    this.#tokenBytes = tokenBytes;
    this.byteLengths = Int32Array.from(tokenBytes, (bytes) => bytes.length);
  }

  encode(text: string): Int32Array {
    const ids = new IdBuffer(Math.ceil(text.length / 2) + 16);
    this.encodeInto(text, ids);
    return ids.take();
  }

  encodeInto(text: string, ids: IdBuffer): void {
    requireWellFormed(text, "encode text");
    this.#encodeText(text, ids);
  }

  encodeBytes(bytes: Uint8Array): Int32Array {
    const ids = new IdBuffer(Math.ceil(bytes.length / 2) + 16);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    for (let start = 0; start < bytes.length;) {
      const { whole } = scanUtf8(bytes, start);
      if (whole > start) this.#encodeText(decoder.decode(bytes.subarray(start, whole)), ids);
      start = whole;
      // Bytes that begin no character are encoded one by one. Text after them is split as if it began there.
      if (start < bytes.length) ids.push(this.#byteIds[bytes[start++]!]!);
    }
    return ids.take();
  }

  #encodeText(text: string, into: IdBuffer): void {
    if (this.merges.length === 0) {
      for (const byte of this.#encoder.encode(text)) into.push(this.#byteIds[byte]!);
      return;
    }
    forEachPiece(text, (piece) => {
      let ids = this.#cache.get(piece);
      if (ids === undefined) {
        ids = this.#encodePiece(piece);
        if (this.#cache.size >= MAX_CACHED_PIECES) this.#cache.clear();
        if (piece.length <= MAX_CACHED_LENGTH) this.#cache.set(copyPiece(piece), ids);
      }
      into.append(ids);
    }, this.#cut);
  }

  /**
   * Merges pairs of tokens until no known pair is left. Each step merges the pair that was learned first. Of several
   * equal pairs, it merges the leftmost. The time is quadratic in the length of the piece, which is bounded.
   */
  #encodePiece(piece: string): Int32Array {
    const ids = Array.from(this.#encoder.encode(piece), (byte) => this.#byteIds[byte]!);
    const none = this.vocabSize;
    const joinAt = (i: number): number => this.#joined.get(ids[i]! * this.vocabSize + ids[i + 1]!) ?? none;
    const joins: number[] = []; // joins[i]: id of merging ids[i] and ids[i + 1]
    for (let i = 0; i + 1 < ids.length; i++) joins.push(joinAt(i));
    while (joins.length > 0) {
      let best = 0;
      for (let i = 1; i < joins.length; i++) if (joins[i]! < joins[best]!) best = i;
      if (joins[best] === none) break;
      ids[best] = joins[best]!;
      ids.splice(best + 1, 1);
      joins.splice(best, 1);
      if (best > 0) joins[best - 1] = joinAt(best - 1);
      if (best < joins.length) joins[best] = joinAt(best);
    }
    return Int32Array.from(ids);
  }

  decode(ids: ArrayLike<number>): string {
    // A model may generate bytes that are not UTF-8: they become U+FFFD. ignoreBOM keeps a leading U+FEFF.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.decodeBytes(ids));
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    requireIds(ids, this.vocabSize);
    let size = 0;
    for (let i = 0; i < ids.length; i++) size += this.byteLengths[ids[i]!]!;
    const bytes = new Uint8Array(size);
    let offset = 0;
    for (let i = 0; i < ids.length; i++) {
      const token = this.#tokenBytes[ids[i]!]!;
      bytes.set(token, offset);
      offset += token.length;
    }
    return bytes;
  }

  safeCut(text: string): number {
    return this.merges.length === 0 ? text.length : safeCut(text, this.#cut);
  }

  toJSON(): TokenizerJson {
    const tokens = this.#tokenBytes.map((bytes) =>
      Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]!).join("")
    );
    const model = tokens.slice(0, 256 + this.merges.length);
    return {
      ...JSON_FRAME,
      added_tokens: this.#special.map((content, i) => ({
        ...{ id: model.length + i, content, single_word: false, lstrip: false, rstrip: false },
        ...{ normalized: false, special: true },
      })),
      pre_tokenizer: BYTE_LEVEL_CUTS[this.#cut],
      decoder: BYTE_LEVEL_DECODER,
      model: {
        ...{ type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null },
        ...{ end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false },
        vocab: Object.fromEntries(model.map((token, id) => [token, id])),
        merges: this.merges.map(([left, right]) => [tokens[left]!, tokens[right]!]),
      },
    };
  }
}
