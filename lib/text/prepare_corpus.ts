/**
 * From a corpus to tokens for training and validation, with the tokenizer that a spec names. Reading files is
 * `corpus.ts`; batches are `batch.ts`.
 *
 * @module
 */

import { UserError } from "../error/user_error.ts";
import { formatCount } from "./_checks.ts";
import type { Corpus } from "./corpus.ts";
import { splitText } from "./split.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { makeTokenizer, parseTokenizerName, type TokenizerName } from "./tokenizer_name.ts";

/** A corpus as tokens. */
export interface PreparedCorpus {
  /** The tokenizer that was trained on it. */
  readonly tokenizer: Tokenizer;
  /** Token ids of the training part, shape [number of training tokens]. */
  readonly train: Int32Array;
  /** Token ids of the validation part, shape [number of validation tokens]. */
  readonly validation: Int32Array;
  /** UTF-8 bytes of the training part. */
  readonly trainBytes: number;
  /** UTF-8 bytes of the validation part. */
  readonly validationBytes: number;
}

/**
 * Splits a corpus, trains its tokenizer and encodes both parts.
 *
 * The text is split first. Byte-pair merges are learned from the training part alone, so that nothing about the
 * validation part helps to predict it. The alphabet of a character tokenizer is that of the whole text: a character
 * that only the validation part has could not be written otherwise, and all that this gives away is that it exists.
 *
 * @param corpus The text.
 * @param options The `tokenizer`'s name, and the `validationFraction` (default 0.1, the end of the text).
 * @throws {UserError} if the name is wrong, or the text is too short to split or for that vocabulary.
 */
export function prepareCorpus(
  corpus: Corpus,
  options: { tokenizer: TokenizerName; validationFraction?: number },
): PreparedCorpus {
  const choice = parseTokenizerName(options.tokenizer);
  const { validationFraction = 0.1 } = options;
  try {
    const parts = splitText(corpus.text, { validationFraction });
    const tokenizer = makeTokenizer(choice, { train: parts.train, alphabet: corpus.text });
    return {
      tokenizer,
      train: tokenizer.encode(parts.train),
      validation: tokenizer.encode(parts.validation),
      trainBytes: utf8Length(parts.train),
      validationBytes: utf8Length(parts.validation),
    };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UserError(`Cannot use the corpus ${JSON.stringify(corpus.name)}: ${cause.message}`, { cause });
  }
}

/**
 * Refuses, before anything starts, a sequence length that either part is too short for.
 *
 * @param prepared The corpus as tokens.
 * @param options `T`, tokens in a window, and the corpus's `name` for the message.
 * @throws {UserError} if the training or the validation part has fewer than T + 1 tokens.
 */
export function requireSequenceLength(
  prepared: PreparedCorpus,
  options: { T: number; name: string },
): void {
  const { T, name } = options;
  for (const [part, tokens] of [["training", prepared.train], ["validation", prepared.validation]] as const) {
    if (tokens.length > T) continue;
    throw new UserError(
      `Cannot make batches: T must be < ${formatCount(tokens.length)} (tokens in the ${part} part of ` +
        `${JSON.stringify(name)} with the tokenizer ${prepared.tokenizer.name}): T is ${formatCount(T)}. ` +
        "Choose a smaller T or a longer text",
    );
  }
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
