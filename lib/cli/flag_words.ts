/**
 * Checks of the words that `--amp` and `--vocab` take, so that an error names the flag and the nearest word.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import { didYouMean } from "../error/did_you_mean.ts";
import { UserError } from "../error/user_error.ts";
import { describePolicy, POLICY_DESCRIPTIONS } from "../precision/mod.ts";
import { RECIPE_NAMES } from "../precision/recipes.ts";
import { isTokenizerPath, parseTokenizerName, tokenizerName } from "../text/mod.ts";

/** Smallest vocabulary of a BPE tokenizer: the number of bytes. */
const BYTES = 256;

/** Names of tokenizers without a size. */
const TOKENIZERS = ["char", "character", "byte", "gpt2"];

/** Checks and returns a word of `--amp`. Throws if the policy is unknown. */
export function policyWord(word: string): string {
  if (word === "off" || word === "on") return word;
  try {
    describePolicy(word);
    return word;
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const recipes = RECIPE_NAMES.split(", ").map((syntax) => syntax.split("[")[0]!); // without options
    const known = ["off", "on", ...Object.keys(POLICY_DESCRIPTIONS), ...recipes];
    const reason = word.startsWith("emulated:")
      ? reasonOf(cause)
      : `expected ${known.join(", ")} or emulated:FORMAT, got ${JSON.stringify(word)}${
        didYouMean(word, known)
      }.`;
    throw new UserError(`Cannot use --amp: ${reason}`, { cause });
  }
}

/**
 * Checks and returns a word of `--vocab`. Throws if the tokenizer is unknown, or the vocabulary size of a byte-pair
 * encoding is too small.
 */
export function vocabWord(word: string): string {
  const size = /^(?:bpe:)?(\d+)$/.exec(word)?.[1];
  if (size !== undefined && Number(size) < BYTES) {
    throw new UserError(
      `Cannot use --vocab: expected at least ${BYTES} tokens (the number of bytes), got ${word}. ` +
        "For characters, use char.",
    );
  }
  if (isTokenizerPath(word)) return word;
  try {
    parseTokenizerName(tokenizerName(word));
    return word;
  } catch (cause) {
    throw new UserError(
      "Cannot use --vocab: expected char, byte, gpt2, bpe:V with a vocabulary size V such as bpe:512, " +
        `or the path of a tokenizer.json, got ${JSON.stringify(word)}${didYouMean(word, TOKENIZERS)}.`,
      { cause },
    );
  }
}
