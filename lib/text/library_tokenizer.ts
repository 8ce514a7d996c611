/**
 * Tokenizers that losskit does not implement (WordPiece, Unigram, byte fallback, normalizers), by the npm package
 * `@huggingface/tokenizers`. The package is slow: it is suitable for prompts, not for corpora.
 *
 * @module
 */
import { ByteFallbackDecoder, SequenceDecoder, Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
import { describePosition, nameCodePoint, requireWellFormed } from "./_checks.ts";
import type { IdBuffer } from "./_id_buffer.ts";
import { type Model, modelProblem, modelSchema, tokensOf } from "./_library_model.ts";
import { decoder } from "./_library_decoder.ts";
import { normalizer } from "./_library_normalizer.ts";
import { hasType } from "./_library_part.ts";
import { postProcessor, requireSpecial } from "./_library_post_processor.ts";
import { preTokenizer } from "./_library_pre_tokenizer.ts";
import { id, idsOf } from "./_token_ids.ts";
import { requireIds, type Tokenizer } from "./tokenizer.ts";
import { BYTE_CHARACTERS, type TokenizerJson } from "./tokenizer_json.ts";

/** White space in either JavaScript or Unicode, but not both. The package uses JavaScript's definition. */
const ODD_SPACES = /[\u0085\ufeff]/;

const flag = v.optional(v.boolean());

/** A file that the package supports. Other fields, and values that the package would ignore, are dropped or refused. */
const schema = v.object({
  added_tokens: v.optional(
    v.array(v.object({
      ...{ id, content: v.string(), special: flag, normalized: flag, lstrip: flag, rstrip: flag },
      single_word: v.optional(v.literal(false, "matching of whole words is not supported")),
    })),
    [],
  ),
  ...{ normalizer, pre_tokenizer: preTokenizer, post_processor: postProcessor, decoder, model: modelSchema },
});

type File = v.InferOutput<typeof schema>;

/**
 * Creates the tokenizer that a `tokenizer.json` describes, with the npm package. A special token that is spelled out in
 * text becomes its id. Encoding a text adds the special tokens of the file's post-processor, as transformers does.
 *
 * @param json Parsed content of the file. Its form is checked.
 * @throws {TypeError} If the package does not support the tokenizer.
 */
export function libraryTokenizer(json: unknown): Tokenizer {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new TypeError(
      `Cannot load a tokenizer: expected a tokenizer.json that the package @huggingface/tokenizers supports, got an unsupported one (${reason})`,
      { cause },
    );
  };
  const result = v.safeParse(schema, json);
  if (!result.success) return refuse(describeIssue(result.issues[0], "the whole"));
  const file = result.output;
  const ids = idsOf(tokensOf(file.model), file.added_tokens, refuse);
  requireSpecial(file.post_processor, ids, refuse);
  const problem = modelProblem(file.model) ?? prefixProblem(file) ?? decoderProblem(file);
  if (problem !== undefined) refuse(problem);
  const building = <R>(work: () => R): R => {
    try {
      return work();
    } catch (cause) {
      return refuse(cause instanceof SyntaxError ? "a pattern" : "its parts contradict each other", cause);
    }
  };
  const library = building(() => new LibraryTokenizer(file, optionsOf(file.model)));
  const changed = building(() =>
    file.added_tokens.find(({ content, normalized, special }) =>
      (normalized ?? !special) && library.normalizer !== null && library.normalizer(content) !== content
    )
  );
  if (changed !== undefined) {
    refuse(`added_tokens: the normalizer changes ${JSON.stringify(changed.content)}`);
  }
  fuseWithinPieces(library.model!);
  replaceInvalidBytes(library.decoder);
  return building(() => new WrappedTokenizer(library, json));
}

/** The package joins unknown tokens of neighboring pieces of text; Hugging Face's library joins those of one piece. */
function fuseWithinPieces(model: { _call(pieces: string[]): string[] }): void {
  const call = model._call.bind(model);
  model._call = (pieces) => pieces.flatMap((piece) => call([piece]));
}

/**
 * The package decodes neighboring byte tokens that are not UTF-8 as browsers do, and drops U+FEFF at their start.
 * Hugging Face's library gives one U+FFFD per byte of such a group, and keeps U+FEFF.
 */
function replaceInvalidBytes(decoder: unknown): void {
  if (decoder instanceof SequenceDecoder) decoder.decoders.forEach(replaceInvalidBytes);
  if (!(decoder instanceof ByteFallbackDecoder)) return;
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  decoder.text_decoder.decode = (bytes) => {
    try {
      return strict.decode(bytes);
    } catch {
      return "\ufffd".repeat(bytes!.byteLength);
    }
  };
}

/** Returns the package's options. It takes the unknown token of some models from there. */
function optionsOf(model: Model): Record<string, unknown> {
  return "unk_token" in model && model.unk_token != null ? { unk_token: model.unk_token } : {};
}

/** Parts of normalizers that may leave an empty text. */
const EMPTYING = /"type":"(Strip|StripAccents|BertNormalizer)"|"content":""/;

/** Returns why the package may put a prefix at other places of a text than Hugging Face's library, or undefined. */
function prefixProblem({ normalizer, pre_tokenizer }: File): string | undefined {
  const [changes, cuts] = [normalizer, pre_tokenizer].map((part) => JSON.stringify(part)) as [string, string];
  if (normalizer !== null && cuts.includes('"prepend_scheme":"first"')) {
    return "pre_tokenizer: Metaspace with the scheme first is not supported after a normalizer";
  }
  const isAlways = cuts.includes('"prepend_scheme":"always"') || cuts.includes('"add_prefix_space":true');
  return isAlways && EMPTYING.test(changes)
    ? "pre_tokenizer: a prefix is not supported after a normalizer that removes characters"
    : undefined;
}

/** Returns why the package cannot decode the file's tokens, or undefined. */
function decoderProblem({ decoder, model, added_tokens }: File): string | undefined {
  const { end_of_word_suffix: suffix } = model as { end_of_word_suffix?: string | null };
  if (suffix && decoder?.["suffix"] !== suffix) {
    return "decoder: must be BPEDecoder with the suffix of model.end_of_word_suffix";
  }
  const all = [...tokensOf(model).map(([token]) => token), ...added_tokens.map(({ content }) => content)];
  if (decoder?.type === "Metaspace") {
    const mark = String(decoder["replacement"]);
    const odd = all.find((token) => token.startsWith(" ") || token.split(mark).length > 2);
    if (odd !== undefined) return `decoder: Metaspace does not decode the token ${JSON.stringify(odd)}`;
  }
  if (!hasType(decoder, "ByteLevel")) return undefined;
  const added = new Set(decoder!.type === "ByteLevel" ? added_tokens.map(({ content }) => content) : []);
  const odd = all.find((token) => !added.has(token) && !isBytes(token));
  return odd && `decoder: ByteLevel does not decode the token ${JSON.stringify(odd)}`;
}

const BYTES = new Set(BYTE_CHARACTERS);

/** Returns true if every character of a token stands for a byte. */
function isBytes(token: string): boolean {
  return Array.from(token).every((character) => BYTES.has(character));
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
    requireWellFormed(text, "encode text");
    const { ids, tokens } = guarded("encode text", () => this.#library.encode(text));
    const unknown = ids.findIndex((id) => !Number.isInteger(id));
    if (unknown < 0) return Int32Array.from(ids);
    throw new RangeError(
      `Cannot encode text: expected text in the tokenizer's vocabulary, got ${
        JSON.stringify(tokens[unknown] ?? "an unknown word")
      }. Remove it.`,
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
  const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
  return guarded("decode tokens", () => library.decode(known, options));
}

/** Runs the package, and reports its failures as this module's. */
function guarded<R>(action: string, work: () => R): R {
  try {
    return work();
  } catch (cause) {
    throw new RangeError(
      `Cannot ${action}: expected input that the package @huggingface/tokenizers supports, got an error of it. ` +
        "Split the input, or use another tokenizer.",
      { cause },
    );
  }
}

/**
 * Returns the bytes that each token adds to a text: its own bytes, or the gain when it is decoded after another token.
 */
function byteLengthsOf(
  library: LibraryTokenizer,
  { json, vocabSize }: { json: TokenizerJson; vocabSize: number },
): Int32Array {
  const encoder = new TextEncoder();
  const bytes = (ids: number[]) => encoder.encode(decodeWith(library, ids)).length;
  const added = library.get_added_tokens_decoder();
  const byteLevel = hasType(json.decoder, "ByteLevel"), fallback = hasType(json.decoder, "ByteFallback");
  const vocab = library.get_vocab(false);
  const before = vocab.get("a") ?? vocab.values().next().value ?? 0;
  const base = bytes([before]);
  return Int32Array.from({ length: vocabSize }, (_, id) => {
    const token = library.id_to_token(id);
    if (token === undefined) return 0;
    if (fallback && /^<0x[0-9A-F]{2}>$/.test(token)) return 1;
    if (added.has(id)) return encoder.encode(token).length;
    if (byteLevel && isBytes(token)) return Array.from(token).length;
    return Math.max(0, bytes([before, id]) - base);
  });
}
