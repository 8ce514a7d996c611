/**
 * What every tokenizer offers. The tokenizers themselves are in `character_tokenizer.ts` and `bpe_tokenizer.ts`; their
 * JSON is described in `tokenizer_json.ts`.
 *
 * @module
 */
import type { IdBuffer } from "./_id_buffer.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";

/** Turns text into token ids in [0, V) and back. */
export interface Tokenizer {
  /** `character`, `byte`, `gpt2`, or `bpe:V` with the vocabulary size, as in a sweep's spec. */
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
   * Appends the token ids of a text to a list, for texts of many pieces.
   *
   * @throws {RangeError} as {@linkcode Tokenizer.encode} does.
   */
  encodeInto(text: string, ids: IdBuffer): void;
  /**
   * Text of token ids. `decode(encode(text))` is the text.
   *
   * @throws {RangeError} if an id is not an integer in [0, V).
   */
  decode(ids: ArrayLike<number>): string;
  /**
   * Token ids of bytes, shape [number of tokens]: of UTF-8 those of its text.
   *
   * @throws {RangeError} if they cannot be written: a character tokenizer takes UTF-8 alone, others take all bytes.
   */
  encodeBytes(bytes: Uint8Array): Int32Array;
  /**
   * Bytes of token ids. `decodeBytes(encodeBytes(bytes))` are the bytes, also where they are no UTF-8.
   *
   * @throws {RangeError} if an id is not an integer in [0, V).
   */
  decodeBytes(ids: ArrayLike<number>): Uint8Array;
  /**
   * The length of a beginning of a text whose tokens are the same whatever follows it: where a long text may be cut into
   * texts that are encoded one by one. 0 where there is no such place.
   */
  safeCut(text: string): number;
  /** The tokenizer in the form of Hugging Face's `tokenizer.json`; `tokenizerFromJSON` makes it again. */
  toJSON(): TokenizerJson;
}

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
