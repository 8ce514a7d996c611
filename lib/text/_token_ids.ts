/**
 * Checks of the ids in a `tokenizer.json`: ids are below 2^24, and every token has one id.
 *
 * @module
 */
import * as v from "valibot";

/** Upper limit of ids, above that of any real vocabulary. It bounds memory. */
const MAX_ID = 2 ** 24;

const isId = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < MAX_ID;

/** Schema of an id. */
export const id: v.GenericSchema<unknown, number> = v.custom<number>(isId, "must be an id below 2^24");

/** Schema of a vocabulary: token → id. `v.record` drops names such as "constructor", which vocabularies contain. */
export const vocab: v.GenericSchema<unknown, Record<string, number>> = v.custom<Record<string, number>>(
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isId),
  "must map tokens to ids below 2^24",
);

/**
 * Returns the id of every token of a vocabulary with added tokens.
 *
 * @param tokens Tokens and ids of the model's vocabulary.
 * @param added Added tokens. A token that the vocabulary has must have the same id in both. The other tokens must have
 * the next ids after the vocabulary, in order, since Hugging Face's library assigns these and ignores the ids in the
 * file.
 * @param refuse Throws an error for the given reason.
 * @throws The error of `refuse`, if a token has two ids, two tokens have the same id, or an added token has an
 * unexpected id.
 */
export function idsOf(
  tokens: Iterable<readonly [token: string, id: number]>,
  added: readonly { id: number; content: string }[],
  refuse: (reason: string) => never,
): Map<string, number> {
  const ids = new Map<string, number>(), owners = new Map<number, string>();
  const place = (name: string, token: string, id: number) => {
    const before = ids.get(token), owner = owners.get(id) ?? token;
    if (before !== undefined && before !== id) {
      refuse(`${name}: ${JSON.stringify(token)} has the ids ${before} and ${id}`);
    }
    if (owner !== token) {
      const both = `${JSON.stringify(owner)} and ${JSON.stringify(token)}`;
      refuse(`model.vocab: ${both} both have the id ${id}`);
    }
    ids.set(token, id);
    owners.set(id, token);
  };
  for (const [token, id] of tokens) place("model.vocab", token, id);
  let next = ids.size;
  for (const { content, id } of added) {
    if (!ids.has(content) && id !== next) {
      refuse(`added_tokens: ${JSON.stringify(content)} has the id ${id} instead of ${next}, the next one`);
    }
    place("added_tokens", content, id);
    next = Math.max(next, id + 1);
  }
  return ids;
}
