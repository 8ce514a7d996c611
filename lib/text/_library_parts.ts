/**
 * The parts of a `tokenizer.json` around its model, in the form that the package `@huggingface/tokenizers` computes as
 * Hugging Face's library does. Parts that the package lacks, or computes differently in every form, are refused.
 *
 * @module
 */
import * as v from "valibot";

/** A normalizer, pre-tokenizer, post-processor or decoder, as the package takes it. */
export type Part = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Schema of a part of one type. */
type PartSchema = v.GenericSchema<unknown, Part>;

/** Schema of a part that may be null or missing. */
type OptionalPart = v.GenericSchema<unknown, Part | null>;

const flag = v.boolean();
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const character = v.pipe(
  v.string(),
  v.check((text) => Array.from(text).length === 1, "must be one character"),
);
const pattern = v.union([
  v.pipe(
    v.strictObject({ String: v.pipe(v.string(), v.minLength(1)) }),
    v.transform(({ String: text }) => literal(text)),
  ),
  v.pipe(
    v.strictObject({
      Regex: v.pipe(v.string(), v.check((text) => !matchesNothing(text), "must not match an empty text")),
    }),
    v.transform(({ Regex }) => Regex),
  ),
], "must have a String or a Regex");

/** Returns whether a pattern matches an empty text. JavaScript and Rust find such matches in different places. */
function matchesNothing(regex: string): boolean {
  try {
    return new RegExp(regex, "u").test("");
  } catch {
    return false; // syntax that JavaScript lacks; the package translates it or refuses the pattern
  }
}

/** Returns the regular expression of a text. */
function literal(text: string): string {
  return Array.from(text, (one) => `\\x{${one.codePointAt(0)!.toString(16)}}`).join("");
}

/** Returns the schema of a type with its fields, and converts it to the package's form. */
function part<E extends v.ObjectEntries>(
  entries: E,
  convert: (given: v.InferOutput<v.ObjectSchema<E, undefined>>) => Part = (given) => given as unknown as Part,
): PartSchema {
  return v.pipe(v.object({ type: v.string(), ...entries }), v.transform((given) => convert(given as never)));
}

/** Returns the message for a value that the package does not support. */
const unsupported = ({ received }: { received: string }): string => `${received} is not supported`;

/** Returns the schema of a part of one of several types. */
function oneOf(types: Readonly<Record<string, PartSchema>>): OptionalPart {
  const unknown = v.object({ type: v.picklist(Object.keys(types), unsupported) });
  const schemaOf = (given: unknown) => {
    const { type } = Object(given) as { type?: unknown };
    return typeof type === "string" && Object.hasOwn(types, type) ? types[type]! : unknown as PartSchema;
  };
  return v.nullish(v.lazy(schemaOf), null);
}

/** Returns the package's form of a list of parts of one kind. */
function sequence(field: string, parts: readonly Part[]): Part {
  return { type: "Sequence", [field]: parts };
}

const replace = (regex: string, content: string): Part => ({
  type: "Replace",
  pattern: { Regex: regex },
  content,
});

/** The package passes the text on to `replaceAll`, where `$` has a meaning. */
const plain = (content: string): string => content.replaceAll("$", "$$$$");

const replacing = part(
  { pattern, content: v.string() },
  ({ pattern, content }) => replace(pattern, plain(content)),
);

/** The package lowercases a sigma at the end of a word differently. */
const lowercase: readonly Part[] = [replace("\u03a3", "\u03c3"), { type: "Lowercase" }];

/** Chinese characters, which BERT's normalizer sets apart. */
const CHINESE = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
].map((bounds) => bounds.map((bound) => `\\x{${bound.toString(16)}}`).join("-")).join("");

const bert = part({
  clean_text: flag,
  handle_chinese_chars: flag,
  strip_accents: v.nullish(flag),
  lowercase: flag,
}, ({ clean_text, handle_chinese_chars, strip_accents, lowercase: lowers }) => {
  const none = {
    type: "BertNormalizer",
    clean_text: false,
    handle_chinese_chars: false,
    lowercase: false,
    strip_accents: false,
  };
  return sequence("normalizers", [
    { ...none, clean_text },
    ...(handle_chinese_chars ? [replace(`[${CHINESE}]`, " $& ")] : []),
    { ...none, strip_accents: strip_accents ?? lowers },
    ...(lowers ? lowercase : []),
  ]);
});

/** Schema of normalizers. */
export const normalizer: OptionalPart = oneOf({
  BertNormalizer: bert,
  Replace: replacing,
  ...Object.fromEntries(["NFC", "NFD", "NFKC", "NFKD", "StripAccents"].map((type) => [type, part({})])),
  Lowercase: part({}, () => sequence("normalizers", lowercase)),
  Strip: part({ strip_left: flag, strip_right: flag }),
  // The package prepends to an empty text too.
  Prepend: part({ prepend: v.string() }, ({ prepend }) => replace("\\A(?=[\\s\\S])", plain(prepend))),
  Sequence: part({ normalizers: v.array(v.lazy(() => normalizer)) }),
});

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
    part({ pretokenizers: v.array(v.lazy(() => preTokenizer)) }),
    v.check(
      ({ pretokenizers }) =>
        !JSON.stringify((pretokenizers as unknown[]).slice(1)).includes('"prepend_scheme":"first"'),
      "Metaspace with the scheme first must come first",
    ),
  ),
});

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
    part({ processors: v.array(v.lazy(() => postProcessor)) }),
    v.check(
      ({ processors }) =>
        (processors as (Part | null)[]).filter((one) => one?.type !== "ByteLevel").length < 2,
      "is supported for one processor that adds tokens",
    ),
  ),
});

/**
 * Requires that the special tokens of a post-processor have the ids that the vocabulary gives them, which the package
 * uses.
 *
 * @param given A post-processor.
 * @param ids Ids by token.
 * @param refuse Throws the error for a reason.
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
  Sequence: part({ decoders: v.array(v.lazy(() => decoder)) }),
});

/** Returns whether a part has a type, or contains a part of the type in its sequence. */
export function hasType(given: unknown, type: string): boolean {
  const { type: own, decoders } = Object(given) as { type?: unknown; decoders?: unknown };
  return own === type || Array.isArray(decoders) && decoders.some((one) => hasType(one, type));
}
