/**
 * Loads any supported `tokenizer.json`: with losskit's code if it supports the file, else with the npm package
 * `@huggingface/tokenizers`.
 *
 * @module
 */
import type { Tokenizer } from "./tokenizer.ts";
import { tokenizerFromJSON } from "./tokenizer_from_json.ts";

/** Options of {@linkcode loadTokenizer}. */
export interface LoadTokenizerOptions {
  /**
   * True if special tokens spelled out in text become their ids, as in Hugging Face's library. Default: true. The npm
   * package does not support false.
   */
  readonly specialInText?: boolean | undefined;
}

/** A loaded tokenizer. */
export interface LoadedTokenizer {
  /** The tokenizer. */
  readonly tokenizer: Tokenizer;
  /** Note about the tokenizer's implementation, if it is not losskit's. */
  readonly note?: string | undefined;
}

/**
 * Loads a tokenizer from the content of a `tokenizer.json`.
 *
 * @param json The parsed JSON. Its form is checked.
 * @throws {TypeError} If the JSON describes no supported tokenizer.
 * @throws {RangeError} If its alphabet or merges are inconsistent.
 */
export async function loadTokenizer(
  json: unknown,
  { specialInText = true }: LoadTokenizerOptions = {},
): Promise<LoadedTokenizer> {
  try {
    return { tokenizer: tokenizerFromJSON(json, { specialInText }) };
  } catch (error) {
    if (!specialInText) throw error;
  }
  const { libraryTokenizer } = await import("./library_tokenizer.ts");
  return {
    tokenizer: libraryTokenizer(json),
    note: "the tokenizer is loaded by the package @huggingface/tokenizers",
  };
}
