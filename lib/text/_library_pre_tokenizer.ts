/**
 * Schema that converts the pre-tokenizer of a `tokenizer.json` to the form that the package `@huggingface/tokenizers`
 * accepts.
 *
 * @module
 */
import * as v from "valibot";
import {
  character,
  flag,
  listOf,
  literal,
  oneOf,
  type OptionalPart,
  type Part,
  part,
  type PartSchema,
  pattern,
  sequence,
  unsupported,
} from "./_library_part.ts";

/** Returns the package's pre-tokenizer whose pieces are the matches of a pattern; the text between them is dropped. */
function matches(regex: string): Part {
  return { type: "Split", pattern: { Regex: regex }, behavior: "Removed", invert: true };
}

/** Word characters in the patterns of Rust. The package takes ASCII only. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d";
const PUNCTUATION = "\\p{P}!-/:-@\\[-`{-~";

const split: PartSchema = v.pipe(
  v.object({
    type: v.string(),
    pattern,
    behavior: v.picklist(["Removed", "Isolated"], unsupported),
    invert: v.optional(flag, false),
  }),
  v.check(
    ({ pattern, behavior, invert }) =>
      behavior === "Isolated" || invert || !/\((?!\?)|\(\?<(?![=!])/.test(pattern),
    "the pattern must have no capture groups, if matches are removed",
  ),
  v.transform(({ pattern, behavior, invert }): Part =>
    behavior === "Removed" && invert
      ? matches(pattern)
      : { type: "Split", pattern: { Regex: pattern }, behavior, invert: false }
  ),
);

const metaspace: PartSchema = v.pipe(
  v.object({
    type: v.string(),
    replacement: v.optional(character, "\u2581"),
    prepend_scheme: v.optional(v.picklist(["always", "never", "first"])),
    add_prefix_space: v.optional(flag), // of older files
    split: v.optional(flag, true),
  }),
  v.check(
    ({ add_prefix_space: adds, prepend_scheme: scheme }) =>
      adds !== false || scheme === undefined || scheme === "never",
    "add_prefix_space and prepend_scheme contradict each other",
  ),
  v.transform(({ replacement, prepend_scheme, add_prefix_space, split }): Part => {
    const own = {
      type: "Metaspace",
      replacement,
      prepend_scheme: prepend_scheme ?? (add_prefix_space === false ? "never" : "always"),
    };
    const one = literal(replacement);
    // The package never splits.
    return split ? sequence("pretokenizers", [own, matches(`${one}[^${one}]*|[^${one}]+`)]) : own;
  }),
);

const PUNCTUATION_PIECES = { Isolated: "[P]|[^P]+", Contiguous: "[P]+|[^P]+", Removed: "[^P]+" } as const;
const punctuation = part({
  behavior: v.optional(v.picklist(["Isolated", "Contiguous", "Removed"], unsupported), "Isolated"),
}, ({ behavior }) => matches(PUNCTUATION_PIECES[behavior].replaceAll("P", PUNCTUATION)));

/** Schema of pre-tokenizers. */
export const preTokenizer: OptionalPart = oneOf({
  BertPreTokenizer: part({}),
  Whitespace: part({}, () => matches(`[${WORD}]+|[^${WORD}\\s]+`)),
  WhitespaceSplit: part({}),
  CharDelimiterSplit: part({ delimiter: character }, ({ delimiter }) => matches(`[^${literal(delimiter)}]+`)),
  ByteLevel: part({ add_prefix_space: flag, use_regex: v.optional(flag, true) }),
  Metaspace: metaspace,
  Split: split,
  Punctuation: punctuation,
  Digits: part(
    { individual_digits: flag },
    ({ individual_digits: single }) => matches(`[^\\p{N}]+|\\p{N}${single ? "" : "+"}`),
  ),
  Sequence: v.pipe(
    part({ pretokenizers: listOf(() => preTokenizer) }),
    v.check(
      ({ pretokenizers }) =>
        !JSON.stringify((pretokenizers as unknown[]).slice(1)).includes('"prepend_scheme":"first"'),
      "Metaspace with the scheme first must come first",
    ),
  ),
});
