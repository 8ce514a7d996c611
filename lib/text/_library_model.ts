/**
 * The models of a `tokenizer.json`, one schema for each type, and the conditions under which the package
 * `@huggingface/tokenizers` computes a model as Hugging Face's library does.
 *
 * @module
 */
import * as v from "valibot";
import { count, flag } from "./_library_part.ts";
import { vocab } from "./_token_ids.ts";

const no = v.optional(v.nullish(v.literal(false, "is not supported")));
const none = v.nullish(v.literal("", "is not supported"));

/** A merge, as a pair or as a text with one space. */
const merge = v.union([
  v.strictTuple([v.string(), v.string()]),
  v.pipe(
    v.string(),
    v.check((text) => text.split(" ").length === 2),
    v.transform((text) => text.split(" ") as [string, string]),
  ),
], "must be two tokens");

/** Schema of a model. `BPE` is the default type, as in older files. */
export const modelSchema = v.variant("type", [
  v.object({
    type: v.optional(v.literal("BPE"), "BPE"),
    vocab,
    merges: v.array(merge),
    unk_token: v.nullish(v.string()),
    dropout: v.nullish(v.literal(0, "dropout of merges is not supported")),
    continuing_subword_prefix: none,
    end_of_word_suffix: v.nullish(v.string()),
    ...{ fuse_unk: v.optional(flag), byte_fallback: v.optional(flag), ignore_merges: v.optional(flag) },
  }),
  v.object({
    type: v.literal("WordPiece"),
    vocab,
    unk_token: v.optional(v.string(), "[UNK]"),
    continuing_subword_prefix: v.optional(v.string(), "##"),
    max_input_chars_per_word: v.optional(count, 100),
  }),
  v.object({ type: v.literal("WordLevel"), vocab, unk_token: v.optional(v.string(), "<unk>") }),
  v.object({
    type: v.literal("Unigram"),
    vocab: v.pipe(v.array(v.strictTuple([v.string(), v.pipe(v.number(), v.finite())])), v.minLength(1)),
    unk_id: v.nullish(count),
    byte_fallback: no,
  }),
]);

/** A model. */
export type Model = v.InferOutput<typeof modelSchema>;

/** Returns tokens and ids of a model's vocabulary. */
export function tokensOf({ vocab }: Model): [string, number][] {
  return Array.isArray(vocab) ? vocab.map(([token], id) => [token, id]) : Object.entries(vocab);
}

/** Returns the reason why the package cannot compute a model. Returns undefined if it can. */
export function modelProblem(model: Model): string | undefined {
  if (model.type === "Unigram" && (model.unk_id ?? 0) >= model.vocab.length) {
    return `model.unk_id: expected an id below ${model.vocab.length}, got ${model.unk_id}`;
  }
  if (model.type !== "BPE") return undefined;
  const known = (token: string) => Object.hasOwn(model.vocab, token);
  const stray = model.merges.find(([left, right]) => !known(left) || !known(right) || !known(left + right));
  return stray &&
    `model.merges: ${JSON.stringify(stray)} must merge two tokens of the vocabulary into one of it`;
}
