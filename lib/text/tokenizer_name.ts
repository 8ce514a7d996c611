/**
 * Names of tokenizers in specs and commands. `prepare_corpus.ts` creates the tokenizers.
 *
 * @module
 */

import { contentHash } from "../options/content_name.ts";
import { UserError } from "../error/user_error.ts";

/**
 * Name of a tokenizer in a spec: `character`, `byte`, `gpt2`, `bpe:V` with the vocabulary size V, or `NAME@HASH`, which
 * names a `tokenizer.json` by its content.
 */
export type TokenizerName = "character" | "byte" | "gpt2" | `bpe:${number}` | `${string}@${string}`;

/** A parsed tokenizer name. */
export type TokenizerChoice = {
  /** `character`: the characters of the text are the tokens. `file`: the tokenizer of a `tokenizer.json`. */
  readonly kind: "character" | "file";
  /** Undefined, since the vocabulary size depends on the text or the file. */
  readonly vocabSize?: undefined;
} | {
  /**
   * `byte`: bytes are the tokens. `gpt2`: GPT-2's tokenizer. `bpe`: a byte-pair tokenizer that is learned from the
   * text.
   */
  readonly kind: "byte" | "gpt2" | "bpe";
  /** Vocabulary size V, at least 256. */
  readonly vocabSize: number;
};

/**
 * Returns the full name of a tokenizer: `character` for `char`, and `bpe:V` for a number V. Returns other words
 * unchanged. {@linkcode parseTokenizerName} checks them.
 */
export function tokenizerName(word: string | number): string {
  if (word === "char") return "character";
  return /^[0-9]+$/.test(String(word)) ? `bpe:${word}` : String(word);
}

/** Returns true if a word is the path of a tokenizer file: it ends in `.json` or contains a slash. */
export function isTokenizerPath(word: string): boolean {
  return /\.json$|[\\/]/.test(word);
}

/**
 * Parses the name of a tokenizer.
 *
 * @throws {UserError} If the name is unknown, or the V of `bpe:V` is not an integer of at least 256.
 */
export function parseTokenizerName(name: string): TokenizerChoice {
  if (name === "character") return { kind: name };
  if (name === "byte") return { kind: name, vocabSize: 256 };
  if (name === "gpt2") return { kind: name, vocabSize: 50257 };
  if (contentHash(name) !== undefined) return { kind: "file" };
  const digits = /^bpe:([1-9][0-9]*)$/.exec(name)?.[1];
  const vocabSize = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(vocabSize)) {
    throw new UserError(
      'Cannot choose a tokenizer: expected "character", "byte", "gpt2", "bpe:V" with a vocabulary size V such as ' +
        `"bpe:512", or the path of a tokenizer.json, got ${JSON.stringify(name)}`,
    );
  }
  if (vocabSize < 256) {
    throw new UserError(
      `Cannot choose a tokenizer: expected V >= 256, the number of bytes, in "bpe:V", got ${digits}`,
    );
  }
  return { kind: "bpe", vocabSize };
}
