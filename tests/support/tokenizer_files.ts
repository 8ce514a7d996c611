/**
 * Small `tokenizer.json` of every kind that Hugging Face's library has, and random parts for them.
 *
 * @module
 */
import type { Random } from "../../lib/text/mod.ts";

/** Content of a `tokenizer.json`. */
export type TokenizerFile = Record<string, unknown> & { model: Record<string, unknown> };

/** A text whose words all tokenizers know in part. */
export const WORDS = "The fox's den, a ox & 12 foxes!! An  odd\nday — ΟΔΟΣ élan 漢字";

const ALPHABET = [...new Set([..."abcdefghijklmnopqrstuvwxyzTA0123456789.,!&'-—οδσςé漢字"])];
const SPECIAL = ["<unk>", "<s>", "</s>", "[PAD]"];

const added = (tokens: readonly string[], first = 0) =>
  tokens.map((content, i) => ({
    ...{ id: first + i, content, single_word: false, lstrip: false, rstrip: false },
    ...{ normalized: false, special: true },
  }));

const idsOf = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

const frame = { version: "1.0", truncation: null, padding: null };

const template = (token: string, id: number) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
  special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
});

/** Byte pairs over "▁", with byte fallback, as LLaMA has them. */
function bytePairs(): TokenizerFile {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const merges: [string, string][] = [["o", "x"], ["f", "ox"], ["\u2581", "fox"], ["e", "s"], [
    "\u2581",
    "a",
  ]];
  const tokens = [...SPECIAL, ...bytes, ...ALPHABET, "\u2581", ...merges.map(([a, b]) => a + b)];
  return {
    ...frame,
    added_tokens: added(SPECIAL),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "\u2581" },
        { type: "Replace", pattern: { String: " " }, content: "\u2581" },
      ],
    },
    pre_tokenizer: null,
    post_processor: template("<s>", 1),
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "\u2581" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      ...{ type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null },
      ...{ end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, ignore_merges: false },
      ...{ vocab: idsOf(tokens), merges },
    },
  };
}

/** Word pieces with BERT's normalizer. */
function wordPieces(): TokenizerFile {
  const pieces = ["fox", "den", "##es", "##x", "odd", "day", "the", "an", "##s"];
  const tokens = [...SPECIAL, ...ALPHABET, ...ALPHABET.map((one) => `##${one}`), ...pieces];
  return {
    ...frame,
    added_tokens: added(SPECIAL),
    normalizer: {
      ...{ type: "BertNormalizer", clean_text: true, handle_chinese_chars: true },
      ...{ strip_accents: null, lowercase: true },
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "BertProcessing", sep: ["</s>", 2], cls: ["<s>", 1] },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      ...{ type: "WordPiece", unk_token: "<unk>", continuing_subword_prefix: "##" },
      ...{ max_input_chars_per_word: 100, vocab: idsOf([...new Set(tokens)]) },
    },
  };
}

/** Pieces with scores, as SentencePiece has them. */
function unigram(): TokenizerFile {
  const pieces = ["\u2581", ...ALPHABET, "\u2581fox", "es", "\u2581odd", "ox", "\u2581a", "day"];
  return {
    ...frame,
    added_tokens: added(SPECIAL),
    normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] },
    pre_tokenizer: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "always", split: true },
    post_processor: template("<s>", 1),
    decoder: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "always", split: true },
    model: {
      ...{ type: "Unigram", unk_id: 0, byte_fallback: false },
      vocab: [...SPECIAL, ...pieces].map((piece, i) => [piece, i < 4 ? 0 : -1 - (i * 7 % 13) / 3]),
    },
  };
}

/** Whole words. */
function words(): TokenizerFile {
  const tokens = [...SPECIAL, "The", "fox", "s", "den", "a", "ox", "foxes", "!!", "'", ",", "day", "12"];
  return {
    ...frame,
    added_tokens: added(SPECIAL),
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Whitespace" }] },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", vocab: idsOf(tokens), unk_token: "<unk>" },
  };
}

/** A file of each kind. */
export const TOKENIZER_FILES: Readonly<Record<string, TokenizerFile>> = {
  BPE: bytePairs(),
  WordPiece: wordPieces(),
  Unigram: unigram(),
  WordLevel: words(),
};

const PATTERNS = [{ String: "o" }, { String: "$&" }, { Regex: "[aeiou]" }, { Regex: "(\\w)o" }, {
  Regex: "\\s+",
}, { Regex: "x*" }];
const BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];
const CONTENTS = ["", "o", "$&", "$1$$", "\u2581", " "];

/** Returns a file with one part replaced by a random one. */
export function withRandomPart(file: TokenizerFile, random: Random): TokenizerFile {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const flag = () => random.integer(2) === 0;
  const replace = () => ({ type: "Replace", pattern: pick(PATTERNS), content: pick(CONTENTS) });
  const one: Record<string, (() => unknown)[]> = {
    normalizer: [
      replace,
      ...["NFC", "NFD", "NFKC", "NFKD", "StripAccents", "Lowercase", "Nmt"].map((type) => () => ({ type })),
      () => ({ type: "Strip", strip_left: flag(), strip_right: flag() }),
      () => ({ type: "Prepend", prepend: pick(CONTENTS) }),
      () => ({
        ...{ type: "BertNormalizer", clean_text: flag(), handle_chinese_chars: flag(), lowercase: flag() },
        strip_accents: pick([null, true, false]),
      }),
      () => ({ type: "Precompiled", precompiled_charsmap: "AAAA" }),
    ],
    pre_tokenizer: [
      ...["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"].map((type) => () => ({
        type,
      })),
      () => ({ type: "CharDelimiterSplit", delimiter: pick(["o", "^", " "]) }),
      () => ({ type: "Split", pattern: pick(PATTERNS), behavior: pick(BEHAVIORS), invert: flag() }),
      () => ({ type: "Punctuation", behavior: pick(BEHAVIORS) }),
      () => ({ type: "Digits", individual_digits: flag() }),
      () => ({ type: "ByteLevel", add_prefix_space: flag(), trim_offsets: flag(), use_regex: flag() }),
      () => ({
        ...{ type: "Metaspace", replacement: pick(["\u2581", "o", "]"]), split: flag() },
        prepend_scheme: pick(["always", "first", "never"]),
      }),
      () => ({ type: "Metaspace", replacement: "_", add_prefix_space: flag() }),
    ],
    decoder: [
      replace,
      ...["ByteLevel", "ByteFallback", "Fuse"].map((type) => () => ({ type })),
      () => ({ type: "WordPiece", prefix: pick(["##", "o"]), cleanup: flag() }),
      () => ({ type: "BPEDecoder", suffix: pick(["</w>", "x"]) }),
      () => ({ type: "Strip", content: pick(["f", " "]), start: random.integer(3), stop: random.integer(3) }),
      () => ({
        type: "Metaspace",
        replacement: "\u2581",
        prepend_scheme: pick(["always", "never"]),
        split: flag(),
      }),
      () => ({ type: "CTC", pad_token: "<pad>", word_delimiter_token: "|", cleanup: flag() }),
    ],
    post_processor: [
      () => template(pick(SPECIAL), random.integer(4)),
      () => ({
        ...{ type: "RobertaProcessing", sep: ["</s>", random.integer(4)], cls: ["<s>", 1] },
        ...{ trim_offsets: flag(), add_prefix_space: flag() },
      }),
      () => ({ type: "ByteLevel", add_prefix_space: flag(), trim_offsets: flag(), use_regex: flag() }),
    ],
  };
  const lists: Record<string, string> = {
    ...{ normalizer: "normalizers", pre_tokenizer: "pretokenizers" },
    ...{ decoder: "decoders", post_processor: "processors" },
  };
  const place = pick(Object.keys(one));
  const make = () => pick(one[place]!)();
  const part = random.integer(3) > 0 ? make() : { type: "Sequence", [lists[place]!]: [make(), make()] };
  return { ...file, [place]: random.integer(12) === 0 ? null : part };
}

/** Returns a file with one field of its model or of an added token changed, so that it stays of the known form. */
export function withRandomModel(file: TokenizerFile, random: Random): TokenizerFile {
  const out = structuredClone(file), { model } = out;
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const flag = () => random.integer(2) === 0;
  const tokens = out["added_tokens"] as Record<string, unknown>[];
  const next = Object.keys(model["vocab"] ?? {}).length;
  if (tokens.length === 0) tokens.push(added(["fox"], next)[0]!);
  const changes: (() => unknown)[] = [
    () => pick(tokens)[pick(["lstrip", "rstrip", "normalized", "special", "single_word"])] = true,
    () => {
      const content = pick(["fox", "new", "an odd"]);
      tokens.push({ ...tokens[0], id: pick([next, next, next + 1, 900]), content, special: flag() });
    },
    () => tokens.splice(random.integer(tokens.length), 1),
    () => pick(tokens)["id"] = random.integer(20),
    () => delete model[pick(Object.keys(model))],
    () => model["unk_token"] = pick([null, "<s>", "missing"]),
    () => model["unk_id"] = pick([null, 0, 5, 10_000]),
    () => model["fuse_unk"] = pick([true, false]),
    () => model["byte_fallback"] = pick([true, false]),
    () => model["ignore_merges"] = pick([true, false]),
    () => model["continuing_subword_prefix"] = pick(["", "##", "@@"]),
    () => model["end_of_word_suffix"] = pick(["", "</w>"]),
    () => model["max_input_chars_per_word"] = pick([0, 2, 100]),
    () => {
      const merges = model["merges"];
      if (Array.isArray(merges)) {
        merges.splice(random.integer(merges.length), 1, pick([["f", "o"], "o x", "a b c", ["x"]]));
      }
    },
  ];
  pick(changes)();
  return out;
}
