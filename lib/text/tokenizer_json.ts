/**
 * Types and constant parts of Hugging Face's `tokenizer.json`, as far as losskit's tokenizers use it.
 *
 * @module
 */
import { PORTABLE_PATTERN } from "./_pieces.ts";

/** A tokenizer as stored in `tokenizer.json` (format version 1.0 of the library `tokenizers`). */
export interface TokenizerJson {
  /** Version of the format. */
  readonly version: "1.0";
  /** Not used. */
  readonly truncation: null;
  /** Not used. */
  readonly padding: null;
  /** Special tokens such as GPT-2's `<|endoftext|>`, and other tokens added to the model's. */
  readonly added_tokens: readonly AddedToken[];
  /** Not used: text is not normalized. */
  readonly normalizer: null;
  /** Split of text into pieces before the model is applied. */
  readonly pre_tokenizer: Readonly<Record<string, unknown>>;
  /** Not used. */
  readonly post_processor: null;
  /** Conversion of tokens to text. */
  readonly decoder: Readonly<Record<string, unknown>>;
  /** The vocabulary. */
  readonly model: WordLevelJson | BpeJson;
}

/** A token added to the model's vocabulary. */
export interface AddedToken {
  /** Its id. */
  readonly id: number;
  /** Its text. */
  readonly content: string;
  /** True if it matches whole words only. */
  readonly single_word: boolean;
  /** True if it includes white space before it. */
  readonly lstrip: boolean;
  /** True if it includes white space after it. */
  readonly rstrip: boolean;
  /** True if it matches in normalized text. */
  readonly normalized: boolean;
  /** True if decoding may skip it. */
  readonly special: boolean;
}

/** A vocabulary of whole pieces: one character per piece. */
export interface WordLevelJson {
  /** Type of the model. */
  readonly type: "WordLevel";
  /** Character → id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** A token that is missing from the vocabulary, so that an unknown character is an error. */
  readonly unk_token: string;
}

/** A vocabulary of byte pairs. Bytes are written as in GPT-2's vocabulary. */
export interface BpeJson {
  /** Type of the model. */
  readonly type: "BPE";
  /** Not used: no merge is dropped. */
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
  /** Not used: merges are always applied. */
  readonly ignore_merges: boolean;
  /** Token → id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs in order of rank. Older files write a pair as one string with a space. */
  readonly merges: readonly (readonly [string, string] | string)[];
}

/** Fields with the same value in every file. */
export const JSON_FRAME = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  post_processor: null,
} as const;

/** Pre-tokenizer that makes each character a piece. */
export const CHARACTER_CUT = {
  type: "Split",
  pattern: { Regex: "[\\s\\S]" },
  behavior: "Isolated",
  invert: false,
} as const;

/** Pre-tokenizer that maps bytes to characters, with GPT-2's split or without. */
const byteLevel = (use_regex: boolean) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
} as const);

/** The pre-tokenizers of byte-pair tokenizers. */
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

/** Decoder that maps characters to bytes. */
export const BYTE_LEVEL_DECODER = byteLevel(true);

/**
 * The character for each byte in byte-level vocabularies (Radford 2019). Printable Latin-1 characters stand for
 * themselves; the other bytes are mapped to U+0100 and above.
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
