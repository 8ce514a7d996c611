/**
 * Loading of any supported `tokenizer.json`. A tokenizer that losskit does not implement is loaded with the npm package
 * `@huggingface/tokenizers`.
 *
 * @module
 */
import type { Tokenizer } from "./tokenizer.ts";
import { tokenizerFromJSON } from "./tokenizer_from_json.ts";

/** Options of {@linkcode loadTokenizer}. */
export interface LoadTokenizerOptions {
  /**
   * True if a special token that is spelled out in text, such as `<|endoftext|>`, becomes its id, as in Hugging Face's
   * library. False if its characters are ordinary text, which only losskit's own tokenizers support. Default:
   * true.
   */
  readonly specialInText?: boolean | undefined;
}

/** A loaded tokenizer. */
export interface LoadedTokenizer {
  /** The tokenizer. */
  readonly tokenizer: Tokenizer;
  /** A note for the user that the npm package implements the tokenizer. Undefined if losskit implements it. */
  readonly note?: string | undefined;
}

/**
 * Creates the tokenizer that a `tokenizer.json` describes.
 *
 * @param json Parsed content of the file. Its form is checked.
 * @param options Treatment of special tokens.
 * @throws {TypeError} If the file describes no supported tokenizer.
 * @throws {RangeError} If the alphabet or the merges in the file are inconsistent.
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
