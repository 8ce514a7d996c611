/**
 * The interface of all tokenizers. `character_tokenizer.ts` and `bpe_tokenizer.ts` implement the interface.
 * `tokenizer_json.ts` describes its JSON.
 *
 * @module
 */
import type { IdBuffer } from "./_id_buffer.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";

/** A reversible mapping of text to token ids in [0, V). */
export interface Tokenizer {
  /** Name of the tokenizer, such as `character`, `byte`, `gpt2`, or `bpe:V` with the vocabulary size V. */
  readonly name: string;
  /** Vocabulary size V: number of token ids. */
  readonly vocabSize: number;
  /**
   * Number of UTF-8 bytes that each token id stands for, [V]. It converts losses in nats to bits per byte: the sum of
   * the losses / (ln 2 · the sum of the targets' byte lengths).
   */
  readonly byteLengths: Int32Array;
  /**
   * Returns the token ids of a text, shape [number of tokens].
   *
   * @throws {RangeError} If the tokenizer cannot encode a character. The message has the character and its position.
   */
  encode(text: string): Int32Array;
  /**
   * Appends the token ids of a text to a list. A long text can thus be encoded in parts without an array for each part.
   *
   * @throws {RangeError} If the tokenizer cannot encode a character.
   */
  encodeInto(text: string, ids: IdBuffer): void;
  /**
   * Returns the text of token ids. Decoding the ids of an encoded text gives the same text.
   *
   * @throws {RangeError} If an id is not an integer in [0, V).
   */
  decode(ids: ArrayLike<number>): string;
  /**
   * Returns the token ids of bytes, shape [number of tokens]. The bytes of a text in UTF-8 have the same ids as the
   * text.
   *
   * @throws {RangeError} If the tokenizer cannot encode the bytes. A byte-pair tokenizer can encode all bytes. A
   * character tokenizer requires UTF-8.
   */
  encodeBytes(bytes: Uint8Array): Int32Array;
  /**
   * Returns the bytes of token ids. Decoding the ids of encoded bytes gives the same bytes, even if they are not UTF-8.
   *
   * @throws {RangeError} If an id is not an integer in [0, V).
   */
  decodeBytes(ids: ArrayLike<number>): Uint8Array;
  /**
   * Returns the length of a prefix of a text that has the same tokens with any continuation. A long text can be split
   * after the prefix, and its parts can be encoded separately. Returns 0 if there is no such prefix.
   */
  safeCut(text: string): number;
  /** Returns the tokenizer as a Hugging Face `tokenizer.json`, which `tokenizerFromJSON` reads. */
  toJSON(): TokenizerJson;
}

/**
 * Requires that ids are integers in [0, V).
 *
 * @param ids The ids.
 * @param vocabSize Vocabulary size V.
 * @throws {RangeError} If an id is not an integer in [0, V). The message has the first such id and its index.
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
