/**
 * A byte-level byte-pair tokenizer: 256 bytes, then joined pairs in the order they were learned. It writes any bytes and
 * gives them back exactly. Without pairs it is the byte tokenizer; with GPT-2's table it is GPT-2's. Learning the pairs
 * is `bpe_trainer.ts`.
 *
 * Texts are first cut into pieces by Unicode's classes of characters, as the running Deno knows them: characters that
 * a later Unicode version adds may then be cut differently. Any cut is reversible.
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

/** Ids joined by one merge: `[left, right]`. */
export type Merge = readonly [number, number];

/** A tokenizer made of merges. */
export interface BpeTokenizer extends Tokenizer {
  /** Merge number k joins two ids into the id 256 + k. */
  readonly merges: readonly Merge[];
}

/** What distinguishes a byte-pair vocabulary beside its merges. */
export interface BpeOptions {
  /** The byte that each id below 256 stands for, each once. Default: its own number. */
  readonly byteOrder?: Uint8Array;
  /** How text is cut into pieces: as `bpe_trainer.ts` cuts it, or as GPT-2 does. Default: own. */
  readonly cut?: CutName;
  /** Tokens after the last merge that stand for no text of a corpus; they are never made of text. Default: none. */
  readonly special?: readonly string[];
  /** What to call it. Default: `byte` without merges, or `bpe:V`. */
  readonly name?: string;
}

/** Longest token in bytes: the longest piece, of 4-byte characters. */
const MAX_TOKEN_BYTES = MAX_PIECE * 4;

/** Pieces remembered at a time; when there are more, all are forgotten, so memory stays bounded. */
const MAX_CACHED_PIECES = 200_000;

/** Longer pieces are seldom seen twice. */
const MAX_CACHED_LENGTH = 128;

/**
 * Makes a byte-pair tokenizer from its merges, in order of rank; V = 256 + the number of merges and special tokens.
 *
 * @throws {RangeError} if a merge joins ids that are not made before it, makes bytes that are a token already, or makes a
 * token of more than 256 bytes; or if bytes are missing from `byteOrder`.
 */
export function createBpeTokenizer(merges: readonly Merge[], options: BpeOptions = {}): BpeTokenizer {
  return new ByteLevelBpe(merges, options);
}

/**
 * The tokenizer of a smaller vocabulary: the first merges of a larger one, which are what training it on the same text
 * would learn.
 *
 * @throws {RangeError} if V is not an integer from 256 to that of the larger one, or that is not one of `trainBpe`.
 */
export function smallerVocabulary(tokenizer: BpeTokenizer, vocabSize: number): BpeTokenizer {
  const { merges, vocabSize: largest } = tokenizer;
  if (largest !== 256 + merges.length || tokenizer.name !== nameOf(merges.length)) {
    throw new RangeError(
      `Cannot make a smaller vocabulary: it must be of trainBpe's: it is ${tokenizer.name}`,
    );
  }
  if (Number.isInteger(vocabSize) && vocabSize >= 256 && vocabSize <= largest) {
    return createBpeTokenizer(merges.slice(0, vocabSize - 256));
  }
  throw new RangeError(
    `Cannot make a smaller vocabulary: V must be an integer from 256 to ${largest}: V is ${vocabSize}`,
  );
}

function nameOf(merges: number): string {
  return merges === 0 ? "byte" : `bpe:${256 + merges}`;
}

/** Pieces to ids by rank of merge, ids to bytes. */
class ByteLevelBpe implements BpeTokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly merges: readonly Merge[];
  readonly #cut: CutName;
  readonly #special: readonly string[];
  /** Id of each byte. */
  readonly #byteIds = new Int32Array(256);
  /** Id made by joining two ids, by `left * V + right`; a smaller id was learned earlier. */
  readonly #joined = new Map<number, number>();
  readonly #tokenBytes: readonly Uint8Array[];
  readonly #cache = new Map<string, Int32Array>();
  readonly #encoder = new TextEncoder();

  constructor(merges: readonly Merge[], options: BpeOptions) {
    const action = "make a byte-pair tokenizer";
    const { byteOrder = Uint8Array.from({ length: 256 }, (_, id) => id), special = [] } = options;
    if (byteOrder.length !== 256 || new Set(byteOrder).size !== 256) {
      throw new RangeError(`Cannot ${action}: byteOrder must have each of 256 bytes once`);
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
      const given = `merges[${rank}] is [${left}, ${right}]`;
      if (leftBytes === undefined || rightBytes === undefined) {
        throw new RangeError(`Cannot ${action}: a merge must join ids in [0, ${256 + rank}): ${given}`);
      }
      const length = leftBytes.length + rightBytes.length;
      if (length > MAX_TOKEN_BYTES) {
        throw new RangeError(
          `Cannot ${action}: a token must have at most ${MAX_TOKEN_BYTES} bytes: ${given} of ${length} bytes`,
        );
      }
      const bytes = new Uint8Array(length);
      bytes.set(leftBytes);
      bytes.set(rightBytes, leftBytes.length);
      const written = latin1(bytes);
      if (known.has(written)) {
        throw new RangeError(`Cannot ${action}: every token must have bytes of its own: ${given} again`);
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
      // What no character begins with stands for itself, byte by byte: text after it is cut as if it began there.
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
   * Joins the pair that was learned first, the leftmost of equals, until no pair is known. The scan is quadratic in
   * the piece, which is bounded.
   */
  #encodePiece(piece: string): Int32Array {
    const ids = Array.from(this.#encoder.encode(piece), (byte) => this.#byteIds[byte]!);
    const none = this.vocabSize;
    const joinAt = (i: number): number => this.#joined.get(ids[i]! * this.vocabSize + ids[i + 1]!) ?? none;
    const joins: number[] = []; // joins[i]: what ids[i] and ids[i + 1] make
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
    // A model may well write bytes that are no UTF-8: they become U+FFFD. ignoreBOM keeps a leading U+FEFF.
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
