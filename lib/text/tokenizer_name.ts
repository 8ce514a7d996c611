/**
 * The names by which specs and commands choose a tokenizer. Making the tokenizer is `prepare_corpus.ts`.
 *
 * @module
 */

import { UserError } from "../error/user_error.ts";

/** A tokenizer in a spec: `character`, `byte`, `gpt2`, or `bpe:V` with the vocabulary size. */
export type TokenizerName = "character" | "byte" | "gpt2" | `bpe:${number}`;

/** What a tokenizer's name asks for. */
export type TokenizerChoice = {
  /** The text's characters. */
  readonly kind: "character";
  /** V: as many as the text has. */
  readonly vocabSize?: undefined;
} | {
  /** Bytes, GPT-2's table, or byte pairs learned from the text. */
  readonly kind: "byte" | "gpt2" | "bpe";
  /** V, at least 256. */
  readonly vocabSize: number;
};

/**
 * Returns a tokenizer's full name: `char` is `character`, and a number is the size of a byte-pair vocabulary. Other words
 * stay; {@linkcode parseTokenizerName} checks them.
 */
export function tokenizerName(word: string | number): string {
  if (word === "char") return "character";
  return /^[0-9]+$/.test(String(word)) ? `bpe:${word}` : String(word);
}

/**
 * Reads a tokenizer's name.
 *
 * @throws {UserError} if it is none of the names, or `bpe:V` without an integer V >= 256.
 */
export function parseTokenizerName(name: string): TokenizerChoice {
  if (name === "character") return { kind: name };
  if (name === "byte") return { kind: name, vocabSize: 256 };
  if (name === "gpt2") return { kind: name, vocabSize: 50257 };
  const digits = /^bpe:([1-9][0-9]*)$/.exec(name)?.[1];
  const vocabSize = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(vocabSize)) {
    throw new UserError(
      'Cannot choose a tokenizer: its name must be "character", "byte", "gpt2", or "bpe:V" with a vocabulary size V, ' +
        `such as "bpe:512": it is ${JSON.stringify(name)}`,
    );
  }
  if (vocabSize < 256) {
    throw new UserError(
      `Cannot choose a tokenizer: V in "bpe:V" must be >= 256, the number of bytes: V is ${digits}`,
    );
  }
  return { kind: "bpe", vocabSize };
}
