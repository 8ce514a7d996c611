/**
 * The names by which specs and commands choose a tokenizer, and the tokenizer that a name stands for. Splitting a
 * corpus and encoding it are `prepare_corpus.ts`.
 *
 * @module
 */

import { UserError } from "../error/user_error.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A tokenizer in a spec: `character`, or `bpe:V` with the vocabulary size. */
export type TokenizerName = "character" | `bpe:${number}`;

/** What a tokenizer's name asks for. */
export type TokenizerChoice = { readonly kind: "character" } | {
  readonly kind: "bpe";
  /** V, at least 256. */
  readonly vocabSize: number;
};

/**
 * Reads a tokenizer's name.
 *
 * @throws {UserError} if it is neither `character` nor `bpe:V` with an integer V >= 256.
 */
export function parseTokenizerName(name: string): TokenizerChoice {
  if (name === "character") return { kind: "character" };
  const digits = /^bpe:([1-9][0-9]*)$/.exec(name)?.[1];
  const vocabSize = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(vocabSize)) {
    throw new UserError(
      'Cannot choose a tokenizer: its name must be "character" or "bpe:V" with a vocabulary size V, such as ' +
        `"bpe:512": it is ${JSON.stringify(name)}`,
    );
  }
  if (vocabSize < 256) {
    throw new UserError(
      `Cannot choose a tokenizer: V in "bpe:V" must be >= 256, the number of bytes: V is ${digits}`,
    );
  }
  return { kind: "bpe", vocabSize };
}

/**
 * Makes the tokenizer that a choice asks for.
 *
 * @param choice What {@linkcode parseTokenizerName} read.
 * @param texts `train`, the text that byte pairs are learned from, and `alphabet`, the text whose characters a character
 * tokenizer must know (the whole corpus: a character that only its validation part has could not be written otherwise).
 * @throws {RangeError} if a text is empty, has a lone surrogate or is too short for that vocabulary.
 */
export function makeTokenizer(
  choice: TokenizerChoice,
  texts: { train: string; alphabet: string },
): Tokenizer {
  return choice.kind === "character"
    ? trainCharacterTokenizer(texts.alphabet)
    : trainBpe(texts.train, { vocabSize: choice.vocabSize });
}
