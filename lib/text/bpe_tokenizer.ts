/**
 * A byte-level byte-pair tokenizer: 256 bytes, then joined pairs in the order they were learned. It writes any
 * well-formed Unicode text and gives it back exactly. Learning the pairs is `bpe_trainer.ts`.
 *
 * Texts are first cut into pieces by Unicode's classes of characters, as the running Deno knows them: characters that
 * a later Unicode version adds may then be cut differently. Any cut is reversible.
 *
 * @module
 */

import { requireWellFormed } from "./_checks.ts";
import { forEachPiece, MAX_PIECE } from "./_pieces.ts";
import { type BpeTokenizerJson, requireIds, type Tokenizer } from "./tokenizer.ts";

/** Ids joined by one merge: `[left, right]`. */
export type Merge = readonly [number, number];

/** Longest token in bytes: the longest piece, of 4-byte characters. */
const MAX_TOKEN_BYTES = MAX_PIECE * 4;

/** Pieces remembered at a time; when there are more, all are forgotten, so memory stays bounded. */
const MAX_CACHED_PIECES = 200_000;

/**
 * Makes a byte-pair tokenizer from its merges, in order of rank; V = 256 + the number of merges.
 *
 * @throws {RangeError} if a merge joins ids that are not made before it, repeats one, or makes a token that is longer
 * than any piece of text (256 bytes).
 */
export function createBpeTokenizer(merges: readonly Merge[]): Tokenizer {
  return new BpeTokenizer(merges);
}

/** Pieces to ids by rank of merge, ids to bytes. */
class BpeTokenizer implements Tokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly #merges: readonly Merge[];
  /** Id made by joining two ids, by `left * V + right`; a smaller id was learned earlier. */
  readonly #joined = new Map<number, number>();
  readonly #tokenBytes: readonly Uint8Array[];
  readonly #cache = new Map<string, Int32Array>();
  readonly #encoder = new TextEncoder();

  constructor(merges: readonly Merge[]) {
    this.vocabSize = 256 + merges.length;
    this.name = `bpe:${this.vocabSize}`;
    this.#merges = merges.map(([left, right]) => [left, right]);
    const tokenBytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    for (const [rank, [left, right]] of merges.entries()) {
      const leftBytes = tokenBytes[left];
      const rightBytes = tokenBytes[right];
      const key = left * this.vocabSize + right;
      const given = `merges[${rank}] is [${left}, ${right}]`;
      if (leftBytes === undefined || rightBytes === undefined) {
        throw new RangeError(
          `Cannot make a byte-pair tokenizer: a merge must join ids in [0, ${256 + rank}): ${given}`,
        );
      }
      if (this.#joined.has(key)) {
        throw new RangeError(`Cannot make a byte-pair tokenizer: merges must be distinct: ${given} again`);
      }
      const length = leftBytes.length + rightBytes.length;
      if (length > MAX_TOKEN_BYTES) {
        throw new RangeError(
          `Cannot make a byte-pair tokenizer: a token must have at most ${MAX_TOKEN_BYTES} bytes: ` +
            `${given} of ${length} bytes`,
        );
      }
      this.#joined.set(key, 256 + rank);
      const bytes = new Uint8Array(length);
      bytes.set(leftBytes);
      bytes.set(rightBytes, leftBytes.length);
      tokenBytes.push(bytes);
    }
    this.#tokenBytes = tokenBytes;
    this.byteLengths = Int32Array.from(tokenBytes, (bytes) => bytes.length);
  }

  encode(text: string): Int32Array {
    requireWellFormed(text, "encode text");
    let ids = new Int32Array(Math.ceil(text.length / 2) + 16);
    let length = 0;
    forEachPiece(text, (piece) => {
      let pieceIds = this.#cache.get(piece);
      if (pieceIds === undefined) {
        pieceIds = this.#encodePiece(piece);
        if (this.#cache.size >= MAX_CACHED_PIECES) this.#cache.clear();
        this.#cache.set(piece, pieceIds);
      }
      if (length + pieceIds.length > ids.length) {
        const larger = new Int32Array(ids.length * 2 + pieceIds.length);
        larger.set(ids);
        ids = larger;
      }
      for (let i = 0; i < pieceIds.length; i++) ids[length++] = pieceIds[i]!;
    });
    return ids.slice(0, length);
  }

  /**
   * Joins the pair that was learned first, the leftmost of equals, until no pair is known. The scan is quadratic in
   * the piece, which has at most 256 bytes.
   */
  #encodePiece(piece: string): Int32Array {
    const ids = Array.from(this.#encoder.encode(piece));
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
    // A model may well write bytes that are no UTF-8: they become U+FFFD. ignoreBOM keeps a leading U+FEFF.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  toJSON(): BpeTokenizerJson {
    return { kind: "bpe", merges: this.#merges };
  }
}
