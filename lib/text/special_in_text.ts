/**
 * Treatment of special tokens that are spelled out in a text: they become their ids, or are ordinary text.
 *
 * @module
 */
import type { Tokenizer } from "./tokenizer.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";

/** Returns true if a tokenizer reads special tokens that are spelled out in a text as ordinary text. */
export function splitsSpecial(tokenizer: Tokenizer): boolean {
  const special = tokenizer.toJSON().added_tokens?.find((token) => token.special);
  if (special === undefined) return false;
  try {
    return !tokenizer.encode(special.content).includes(special.id);
  } catch (error) {
    if (error instanceof RangeError) return true; // its characters are not in the vocabulary
    throw error;
  }
}

/**
 * Returns the `tokenizer.json` of a tokenizer, with its treatment of special tokens. The format has no field for it:
 * transformers stores it in `tokenizer_config.json`. Special tokens that are ordinary text get `in_text: false`, which
 * Hugging Face's library ignores.
 */
export function jsonWithTreatment(tokenizer: Tokenizer): TokenizerJson {
  const json = tokenizer.toJSON();
  if (!splitsSpecial(tokenizer)) return json;
  const added_tokens = json.added_tokens.map((token) => token.special ? { ...token, in_text: false } : token);
  return { ...json, added_tokens };
}
