/**
 * The form of Hugging Face's `tokenizer.json`, as far as tokenizers here need it: types and the parts that never change.
 *
 * @module
 */
import { PORTABLE_PATTERN } from "./_pieces.ts";

/** A tokenizer as `tokenizer.json` holds it (format version 1.0 of the library `tokenizers`). */
export interface TokenizerJson {
  /** Version of the form. */
  readonly version: "1.0";
  /** Not used. */
  readonly truncation: null;
  /** Not used. */
  readonly padding: null;
  /** Tokens that stand for no text of a corpus, such as GPT-2's `<|endoftext|>`. */
  readonly added_tokens: readonly AddedToken[];
  /** Not used: text is taken as it is. */
  readonly normalizer: null;
  /** How text is cut before the model sees it. */
  readonly pre_tokenizer: Readonly<Record<string, unknown>>;
  /** Not used. */
  readonly post_processor: null;
  /** How tokens become text. */
  readonly decoder: Readonly<Record<string, unknown>>;
  /** The vocabulary. */
  readonly model: WordLevelJson | BpeJson;
}

/** A token beside the model's. */
export interface AddedToken {
  /** Its id. */
  readonly id: number;
  /** How it is written. */
  readonly content: string;
  /** Whether it matches whole words alone. */
  readonly single_word: boolean;
  /** Whether it takes white space before it. */
  readonly lstrip: boolean;
  /** Whether it takes white space after it. */
  readonly rstrip: boolean;
  /** Whether it matches in normalised text. */
  readonly normalized: boolean;
  /** Whether decoding may leave it out. */
  readonly special: boolean;
}

/** A vocabulary of whole pieces: one character each. */
export interface WordLevelJson {
  /** Tells models apart. */
  readonly type: "WordLevel";
  /** Character → id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** A token that the vocabulary has not, so that an unknown character is an error. */
  readonly unk_token: string;
}

/** A vocabulary of byte pairs, bytes written as {@linkcode byteCharacters} says. */
export interface BpeJson {
  /** Tells models apart. */
  readonly type: "BPE";
  /** Not used: no merge is left out. */
  readonly dropout: null;
  /** Not used: every byte is known. */
  readonly unk_token: null;
  /** Not used. */
  readonly continuing_subword_prefix: null;
  /** Not used. */
  readonly end_of_word_suffix: null;
  /** Not used. */
  readonly fuse_unk: boolean;
  /** Not used. */
  readonly byte_fallback: boolean;
  /** Not used: merges are always followed. */
  readonly ignore_merges: boolean;
  /** Token → id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs in order of rank; older files write a pair as one text with a space. */
  readonly merges: readonly (readonly [string, string] | string)[];
}

/** What is the same in every file. */
export const JSON_FRAME = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  post_processor: null,
} as const;

/** Every character is a piece. */
export const CHARACTER_CUT = {
  type: "Split",
  pattern: { Regex: "[\\s\\S]" },
  behavior: "Isolated",
  invert: false,
} as const;

/** Bytes as characters, with GPT-2's cut or without one. */
const byteLevel = (use_regex: boolean) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
} as const);

/** The cuts of byte-pair tokenizers. */
export const BYTE_LEVEL_CUTS = {
  own: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: PORTABLE_PATTERN }, behavior: "Isolated", invert: false },
      byteLevel(false),
    ],
  },
  gpt2: byteLevel(true),
} as const;

/** Bytes from characters. */
export const BYTE_LEVEL_DECODER = byteLevel(true);

/**
 * The character that stands for each byte in byte-level vocabularies (Radford 2019): printable ones of Latin-1 for
 * themselves, the others for U+0100 and what follows.
 */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let others = 0x100;
  const printable = (byte: number) =>
    byte >= 0x21 && byte <= 0x7e || byte >= 0xa1 && byte <= 0xac || byte >= 0xae;
  return Array.from(
    { length: 256 },
    (_, byte) => String.fromCodePoint(printable(byte) ? byte : others++),
  );
})();
