/**
 * Schema that converts the decoder of a `tokenizer.json` to the form that the package `@huggingface/tokenizers`
 * accepts.
 *
 * @module
 */
import * as v from "valibot";
import {
  character,
  count,
  flag,
  hasType,
  listOf,
  literal,
  oneOf,
  type OptionalPart,
  part,
  replace,
  replacing,
} from "./_library_part.ts";

/** Schema of decoders. */
export const decoder: OptionalPart = oneOf({
  ByteLevel: part({}),
  ByteFallback: part({}),
  Fuse: part({}),
  Replace: replacing,
  WordPiece: part({ prefix: v.pipe(v.string(), v.minLength(1)), cleanup: flag }),
  BPEDecoder: part({ suffix: v.pipe(v.string(), v.minLength(1)) }),
  Strip: part({ content: character, start: count, stop: count }),
  Metaspace: part(
    {
      replacement: v.optional(character, "\u2581"),
      prepend_scheme: v.optional(v.string(), "always"),
      add_prefix_space: v.optional(flag, true),
    },
    ({ replacement, prepend_scheme, add_prefix_space }) =>
      prepend_scheme === "never" || !add_prefix_space
        ? replace(literal(replacement), " ")
        : { type: "Metaspace", replacement },
  ),
  Sequence: v.pipe(
    part({ decoders: listOf(() => decoder) }),
    v.check(
      ({ decoders }) => !hasType({ decoders }, "Metaspace"),
      "Metaspace is not supported among other decoders",
    ),
  ),
});
