/**
 * Names of tokenizers in specs and commands. `prepare_corpus.ts` creates the tokenizers.
 *
 * @module
 */

import { contentHash } from "../options/content_name.ts";
import { UserError } from "../error/user_error.ts";

/**
 * A tokenizer's name in a spec: `character`, `byte`, `gpt2`, `bpe:V` with the vocabulary size, or `NAME@HASH` of a
 * `tokenizer.json`.
 */
export type TokenizerName = "character" | "byte" | "gpt2" | `bpe:${number}` | `${string}@${string}`;

/** A parsed tokenizer name. */
export type TokenizerChoice = {
  /** The characters of the text, or the tokenizer of a file. */
  readonly kind: "character" | "file";
  /** Undefined: V depends on the text or the file. */
  readonly vocabSize?: undefined;
} | {
  /** Bytes, GPT-2's table, or byte pairs learned from the text. */
  readonly kind: "byte" | "gpt2" | "bpe";
  /** V, at least 256. */
  readonly vocabSize: number;
};

/**
 * Returns a tokenizer's full name: `character` for `char`, and `bpe:V` for a number V. Other words are returned
 * unchanged; {@linkcode parseTokenizerName} checks them.
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
 * Parses a tokenizer's name.
 *
 * @throws {UserError} For an unknown name, or `bpe:V` without an integer V >= 256.
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
