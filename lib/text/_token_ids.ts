/**
 * The ids of a `tokenizer.json`: bounds, and one id per token.
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
 * Returns ids by token, of a vocabulary with added tokens.
 *
 * @param tokens Tokens and ids of the model's vocabulary.
 * @param added Added tokens. A token of the vocabulary must have the same id there. Other tokens must have the ids after
 * the vocabulary, because Hugging Face's library ignores the ids in the file and assigns these.
 * @param refuse Throws the error for a reason.
 * @throws The error of `refuse`, if a token has two ids, two tokens have the same id, or an added token has another id.
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
