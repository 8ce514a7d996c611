/**
 * What every tokenizer offers, and the JSON that keeps one. The tokenizers themselves are in
 * `character_tokenizer.ts` and `bpe_tokenizer.ts`.
 *
 * @module
 */

/** Turns text into token ids in [0, V) and back. */
export interface Tokenizer {
  /** `character`, or `bpe:V` with the vocabulary size, as in a sweep's spec. */
  readonly name: string;
  /** V, the number of token ids. */
  readonly vocabSize: number;
  /**
   * Bytes of UTF-8 that each token id stands for, shape [V]. With it a loss in nats per token becomes bits per byte:
   * the sum of losses / log 2 / the sum of the targets' byte lengths.
   */
  readonly byteLengths: Int32Array;
  /**
   * Token ids of a text, shape [number of tokens].
   *
   * @throws {RangeError} if the text cannot be written in this vocabulary; it says what and where.
   */
  encode(text: string): Int32Array;
  /**
   * Text of token ids. `decode(encode(text))` is the text.
   *
   * @throws {RangeError} if an id is not an integer in [0, V).
   */
  decode(ids: ArrayLike<number>): string;
  /** The tokenizer as plain JSON; {@linkcode tokenizerFromJSON} makes it again. */
  toJSON(): TokenizerJson;
}

/** A character tokenizer as JSON: its alphabet in one string, sorted by code point. */
export interface CharacterTokenizerJson {
  /** Tells the kinds apart. */
  readonly kind: "character";
  /** The characters; the id of each is its place. */
  readonly alphabet: string;
}

/** A byte-pair tokenizer as JSON: its merges in order of rank. */
export interface BpeTokenizerJson {
  /** Tells the kinds apart. */
  readonly kind: "bpe";
  /** Merge number k joins ids `[left, right]` into the id 256 + k. */
  readonly merges: readonly (readonly [number, number])[];
}

/** Any tokenizer as plain JSON. */
export type TokenizerJson = CharacterTokenizerJson | BpeTokenizerJson;

/**
 * Refuses ids that a vocabulary does not have.
 *
 * @throws {RangeError} naming the first such id and its place.
 */
export function requireIds(ids: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!Number.isInteger(id) || id! < 0 || id! >= vocabSize) {
      throw new RangeError(
        `Cannot decode tokens: every id must be an integer in [0, ${vocabSize}): ids[${i}] is ${id}`,
      );
    }
  }
}
