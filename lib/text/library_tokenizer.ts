/**
 * Tokenizers of other kinds (WordPiece, Unigram, byte fallback, normalizers), implemented by the npm package
 * `@huggingface/tokenizers`. It is slow: suitable for prompts, not for corpora.
 *
 * @module
 */
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import * as v from "valibot";
import { describePosition, nameCodePoint } from "./_checks.ts";
import type { IdBuffer } from "./_id_buffer.ts";
import { requireIds, type Tokenizer } from "./tokenizer.ts";
import { BYTE_CHARACTERS, type TokenizerJson } from "./tokenizer_json.ts";

/** White space in either JavaScript or Unicode, but not both. The package uses JavaScript's definition. */
const ODD_SPACES = /[\u0085\ufeff]/;

/** Tokens that a vocabulary may have: far more than any, and few enough to hold a number for each. */
const MOST_TOKENS = 10_000_000;

const part = v.nullish(v.looseObject({}), null);

/** Fields of a file that the package supports. Values that the package would silently ignore are refused. */
const schema = v.looseObject({
  added_tokens: v.optional(
    v.array(v.looseObject({
      id: v.pipe(v.number(), v.integer(), v.minValue(0)),
      content: v.string(),
      single_word: v.optional(v.literal(false, "matching of whole words is not supported")),
    })),
    [],
  ),
  ...{ normalizer: part, pre_tokenizer: part, post_processor: part, decoder: part },
  model: v.looseObject({
    type: v.optional(v.picklist(["BPE", "WordPiece", "Unigram", "WordLevel"], "is not supported"), "BPE"),
    dropout: v.nullish(v.literal(0, "dropout of merges is not supported")),
    unk_token: v.nullish(v.string()),
  }),
});
/**
 * Creates the tokenizer of a `tokenizer.json` with the npm package. Special tokens in text become their ids. The
 * special tokens of the file's post-processor are added around a text, as in transformers.
 *
 * @throws {TypeError} if the package does not support the tokenizer.
 */
export function libraryTokenizer(json: unknown): Tokenizer {
  const result = v.safeParse(schema, json);
  if (!result.success) {
    const [issue] = result.issues;
    throw new TypeError(`${v.getDotPath(issue) ?? "the whole"}: ${issue.message}`);
  }
  requireSmallIds(result.output);
  try {
    const { unk_token } = result.output.model;
    const file = { ...result.output, pre_tokenizer: withUnicodeWords(result.output.pre_tokenizer) };
    return new WrappedTokenizer(
      new LibraryTokenizer(file, { ...(unk_token && { unk_token }) }),
      json,
    );
  } catch (cause) {
    throw new TypeError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Refuses ids that no vocabulary has: the package makes room for every id up to the greatest. */
function requireSmallIds({ added_tokens, model }: v.InferOutput<typeof schema>): void {
  const { vocab } = model as { vocab?: unknown };
  const inVocabulary = Array.isArray(vocab) ? [] : Object.values(Object(vocab));
  for (const id of [...added_tokens.map(({ id }) => id), ...inVocabulary]) {
    if (typeof id === "number" && id < MOST_TOKENS) continue;
    throw new TypeError(`expected ids of tokens below ${MOST_TOKENS}, got ${JSON.stringify(id)}`);
  }
}

/** Word characters in the patterns of Rust. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d";

/** Replaces the pre-tokenizer `Whitespace`: the package matches ASCII words, Hugging Face's library Unicode words. */
function withUnicodeWords(cut: unknown): unknown {
  const { type, pretokenizers } = Object(cut) as { type?: unknown; pretokenizers?: unknown };
  if (Array.isArray(pretokenizers)) {
    return { ...Object(cut), pretokenizers: pretokenizers.map(withUnicodeWords) };
  }
  if (type !== "Whitespace") return cut;
  const pattern = { Regex: `[${WORD}]+|[^${WORD}\\s]+` };
  return { type: "Split", pattern, behavior: "Removed", invert: true };
}

class WrappedTokenizer implements Tokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly byteLengths: Int32Array;
  readonly #library: LibraryTokenizer;
  readonly #json: TokenizerJson;

  constructor(library: LibraryTokenizer, json: unknown) {
    this.#library = library;
    this.#json = json as TokenizerJson;
    this.name = this.#json.model.type ?? "BPE";
    const ids = [...library.get_vocab().values()];
    this.vocabSize = ids.reduce((largest, id) => Math.max(largest, id), -1) + 1;
    this.byteLengths = byteLengthsOf(library, { json: this.#json, vocabSize: this.vocabSize });
  }

  encode(text: string): Int32Array {
    const odd = text.search(ODD_SPACES);
    if (odd >= 0) {
      throw new RangeError(
        `Cannot encode text: expected text without U+0085 and U+FEFF, which the package @huggingface/tokenizers ` +
          `splits differently from Hugging Face's library, got ${nameCodePoint(text.codePointAt(odd)!)} at ${
            describePosition(text, odd)
          }. Remove it.`,
      );
    }
    if (text === "") return new Int32Array();
    const { ids, tokens } = this.#library.encode(text);
    const unknown = ids.findIndex((id) => !Number.isInteger(id));
    if (unknown < 0) return Int32Array.from(ids);
    throw new RangeError(
      `Cannot encode text: expected text in the tokenizer's vocabulary, got ${
        JSON.stringify(tokens[unknown])
      }`,
    );
  }

  encodeInto(text: string, ids: IdBuffer): void {
    ids.append(this.encode(text));
  }

  decode(ids: ArrayLike<number>): string {
    requireIds(ids, this.vocabSize);
    return decodeWith(this.#library, Array.from(ids));
  }

  encodeBytes(bytes: Uint8Array): Int32Array {
    try {
      return this.encode(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new RangeError("Cannot encode bytes: expected UTF-8", { cause });
    }
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return new TextEncoder().encode(this.decode(ids));
  }

  safeCut(): number {
    return 0;
  }

  toJSON(): TokenizerJson {
    return this.#json;
  }
}

function decodeWith(library: LibraryTokenizer, ids: number[]): string {
  const known = ids.filter((id) => library.id_to_token(id) !== undefined); // ids may have gaps
  if (known.length === 0) return "";
  return library.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
}

/** Returns the bytes that each token adds to a text: its own bytes, or the gain when it is decoded after another token. */
function byteLengthsOf(
  library: LibraryTokenizer,
  { json, vocabSize }: { json: TokenizerJson; vocabSize: number },
): Int32Array {
  const encoder = new TextEncoder();
  const bytes = (ids: number[]) => encoder.encode(decodeWith(library, ids)).length;
  const added = library.get_added_tokens_decoder();
  const byteLevel = hasDecoder(json.decoder, "ByteLevel"),
    fallback = hasDecoder(json.decoder, "ByteFallback");
  const byteCharacters = new Set(BYTE_CHARACTERS);
  const vocab = library.get_vocab(false);
  const before = vocab.get("a") ?? vocab.values().next().value ?? 0;
  const base = bytes([before]);
  return Int32Array.from({ length: vocabSize }, (_, id) => {
    const token = library.id_to_token(id);
    if (token === undefined) return 0;
    if (fallback && /^<0x[0-9A-F]{2}>$/.test(token)) return 1;
    if (added.has(id)) return encoder.encode(token).length;
    if (byteLevel && Array.from(token).every((character) => byteCharacters.has(character))) {
      return Array.from(token).length;
    }
    return Math.max(0, bytes([before, id]) - base);
  });
}

/** Returns whether a decoder has a type, or contains a decoder of the type in its sequence. */
function hasDecoder(decoder: unknown, type: string): boolean {
  const { type: own, decoders } = Object(decoder) as { type?: unknown; decoders?: unknown };
  return own === type || Array.isArray(decoders) && decoders.some((one) => hasDecoder(one, type));
}
