/**
 * Schema that converts the post-processor of a `tokenizer.json` to the form that the package `@huggingface/tokenizers`
 * accepts, and the check of its ids.
 *
 * @module
 */
import * as v from "valibot";
import { count, listOf, oneOf, type OptionalPart, type Part, part } from "./_library_part.ts";

const named = v.tuple([v.string(), count]);

/** Schema of post-processors. The ids in them are checked by {@linkcode requireSpecial}. */
export const postProcessor: OptionalPart = oneOf({
  ByteLevel: part({}),
  BertProcessing: part({ sep: named, cls: named }),
  RobertaProcessing: part({ sep: named, cls: named }),
  TemplateProcessing: part({
    single: v.array(v.union([
      v.strictObject({
        Sequence: v.object({ id: v.literal("A", "must be A in a template for one text"), type_id: count }),
      }),
      v.strictObject({ SpecialToken: v.object({ id: v.string(), type_id: count }) }),
    ])),
    special_tokens: v.custom<Record<string, unknown>>(
      (value) => typeof value === "object" && value !== null,
      "must be an object",
    ),
  }),
  Sequence: v.pipe(
    part({ processors: listOf(() => postProcessor) }),
    v.check(
      ({ processors }) =>
        (processors as (Part | null)[]).filter((one) => one?.type !== "ByteLevel").length < 2,
      "is supported for one processor that adds tokens",
    ),
  ),
});

/**
 * Requires that a post-processor gives its special tokens the same ids as the vocabulary. The package uses the ids of
 * the vocabulary, and Hugging Face's library those of the post-processor.
 *
 * @param given A post-processor.
 * @param ids Ids of the vocabulary, by token.
 * @param refuse Throws an error for the given reason.
 */
export function requireSpecial(
  given: Part | null,
  ids: ReadonlyMap<string, number>,
  refuse: (reason: string) => never,
): void {
  if (given === null) return;
  const { type, single, special_tokens, sep, cls, processors } = given as Part & {
    single: { SpecialToken?: { id: string } }[];
    special_tokens: Record<string, { ids?: unknown }>;
    sep: [string, number];
    cls: [string, number];
    processors: Part[];
  };
  if (type === "Sequence") { for (const one of processors) requireSpecial(one, ids, refuse); }
  const used: (readonly [string, unknown])[] = type === "TemplateProcessing"
    ? single.flatMap(({ SpecialToken: token }) => {
      if (token === undefined) return [];
      const own = Object.hasOwn(special_tokens, token.id) ? Object(special_tokens[token.id]).ids : undefined;
      return [[token.id, Array.isArray(own) && own.length === 1 ? own[0] : undefined] as const];
    })
    : sep === undefined
    ? []
    : [sep, cls];
  for (const [token, id] of used) {
    if (id === undefined || ids.get(token) !== id) {
      refuse(`post_processor: expected the id of ${JSON.stringify(token)} in the vocabulary`);
    }
  }
}
