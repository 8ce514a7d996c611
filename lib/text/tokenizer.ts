/**
 * The interface of all tokenizers. `character_tokenizer.ts` and `bpe_tokenizer.ts` implement it; `tokenizer_json.ts`
 * describes its JSON.
 *
 * @module
 */
import type { IdBuffer } from "./_id_buffer.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";

/** A reversible mapping of text to token ids in [0, V). */
export interface Tokenizer {
  /** `character`, `byte`, `gpt2`, or `bpe:V` with the vocabulary size, as in a sweep's spec. */
  readonly name: string;
  /** V, the number of token ids. */
  readonly vocabSize: number;
  /**
   * Bytes of UTF-8 that each token id stands for, shape [V]. They convert a loss in nats per token to bits per byte:
   * the sum of losses / log 2 / the sum of the targets' byte lengths.
   */
  readonly byteLengths: Int32Array;
  /**
   * Returns the token ids of a text, shape [number of tokens].
   *
   * @throws {RangeError} If the vocabulary cannot encode the text, with the character and its position.
   */
  encode(text: string): Int32Array;
  /**
   * Appends the token ids of a text to a list. Encodes a long text piece by piece.
   *
   * @throws {RangeError} As {@linkcode Tokenizer.encode} does.
   */
  encodeInto(text: string, ids: IdBuffer): void;
  /**
   * Returns the text of token ids. `decode(encode(text))` equals the text.
   *
   * @throws {RangeError} If an id is not an integer in [0, V).
   */
  decode(ids: ArrayLike<number>): string;
  /**
   * Returns the token ids of bytes, shape [number of tokens]. For UTF-8 they are those of the text.
   *
   * @throws {RangeError} If the bytes cannot be encoded. A character tokenizer requires UTF-8; others accept all bytes.
   */
  encodeBytes(bytes: Uint8Array): Int32Array;
  /**
   * Returns the bytes of token ids. `decodeBytes(encodeBytes(bytes))` equals the bytes, also if they are not UTF-8.
   *
   * @throws {RangeError} If an id is not an integer in [0, V).
   */
  decodeBytes(ids: ArrayLike<number>): Uint8Array;
  /**
   * Returns the length of a prefix of a text whose tokens do not depend on the text that follows. A long text may be
   * split there, and its parts encoded separately. Returns 0 if there is no such prefix.
   */
  safeCut(text: string): number;
  /** Returns the tokenizer as a Hugging Face `tokenizer.json`, which `tokenizerFromJSON` reads. */
  toJSON(): TokenizerJson;
}

/**
 * Checks that ids are in the vocabulary.
 *
 * @throws {RangeError} If an id is invalid. The message has the first one and its index.
 */
export function requireIds(ids: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!Number.isInteger(id) || id! < 0 || id! >= vocabSize) {
      throw new RangeError(
        `Cannot decode tokens: expected integer ids in [0, ${vocabSize}), got ${id} at index ${i}`,
      );
    }
  }
}
