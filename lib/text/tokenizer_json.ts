/**
 * Types of Hugging Face's `tokenizer.json` for losskit's tokenizers, and the parts that are the same in all files.
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
  /** Special tokens, such as GPT-2's `<|endoftext|>`, and other tokens that are added to the model's vocabulary. */
  readonly added_tokens: readonly AddedToken[];
  /** Not used: text is not normalized. */
  readonly normalizer: null;
  /** Split of text into pieces before the model is applied. */
  readonly pre_tokenizer: Readonly<Record<string, unknown>>;
  /** Not used. */
  readonly post_processor: null;
  /** Conversion of tokens to text. */
  readonly decoder: Readonly<Record<string, unknown>>;
  /** The model: the vocabulary, and for byte pairs the merges. */
  readonly model: WordLevelJson | BpeJson;
}

/** A token added to the model's vocabulary. */
export interface AddedToken {
  /** Id of the token. */
  readonly id: number;
  /** Text of the token. */
  readonly content: string;
  /** True if the token matches whole words only. */
  readonly single_word: boolean;
  /** True if the token includes the white space before its text. */
  readonly lstrip: boolean;
  /** True if the token includes the white space after its text. */
  readonly rstrip: boolean;
  /** True if the token is searched for in the normalized text, and not in the given text. */
  readonly normalized: boolean;
  /** True if decoding may skip the token. */
  readonly special: boolean;
  /**
   * False if the token is special, but ordinary text where a text spells it out. Only losskit reads this field. Default:
   * as the reader of the file decides.
   */
  readonly in_text?: boolean;
}

/** The model of a character tokenizer: a vocabulary of single characters. */
export interface WordLevelJson {
  /** Type of the model. */
  readonly type: "WordLevel";
  /** Id of each character. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Name of the unknown token. The vocabulary does not have this token, so that an unknown character is an error. */
  readonly unk_token: string;
}

/** The model of a byte-pair tokenizer. The bytes of tokens are written as in GPT-2's vocabulary. */
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
  /** Id of each token. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Merges in the order in which they were learned. Older files write a pair as one string with a space. */
  readonly merges: readonly (readonly [string, string] | string)[];
}

/** Fields of a `tokenizer.json` that have the same value in every file. */
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

/** The pre-tokenizers of byte-pair tokenizers, by the name of the pattern that splits text into pieces. */
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
 * The character that stands for each byte in the vocabulary of a byte-pair tokenizer, [256] (Radford 2019). Printable
 * Latin-1 characters stand for themselves. The other bytes are mapped to U+0100 and above.
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
