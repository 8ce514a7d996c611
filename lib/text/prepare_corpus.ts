/**
 * Encodes a corpus as tokens for training and validation, with the tokenizer named in a spec. The text is streamed and
 * never held as a whole. `text_files.ts` reads files, `token_cache.ts` caches tokens, `batches.ts` makes batches.
 *
 * @module
 */

import { UserError } from "../error/user_error.ts";
import type { RUN_FIELDS } from "../options/run_fields.ts";
import { formatCount } from "./_checks.ts";
import { IdBuffer } from "./_id_buffer.ts";
import { safeCut } from "./_pieces.ts";
import { Windows } from "./_windows.ts";
import { bytesOf, sampleStretches, type TextPiece, textPieces } from "./_text_stream.ts";
import { createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
import { learnMerges, vocabularyOf } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import type { Corpus } from "./corpus.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
import { splitCorpus, type Stretch } from "./split.ts";
import { idBytes, StoredTokens, TokenWriter } from "./stored_tokens.ts";
import { cachedMerges, cachedTokens, type CacheOptions, type PreparedPart } from "./token_cache.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { parseTokenizerName, type TokenizerChoice, type TokenizerName } from "./tokenizer_name.ts";
import type { Tokens } from "./tokens.ts";

/** Maximum bytes of text that byte pairs are learned from: 64 MiB. Learning takes several times as much memory. */
export const MAX_BPE_TEXT: number = 2 ** 26;

/** Options for encoding a corpus. */
export interface PrepareOptions {
  /** Name of the tokenizer. */
  readonly tokenizer: TokenizerName;
  /** Share of the validation split, the end of the text, in bytes. Default: 0.1. */
  readonly validationFraction?: number | undefined;
  /** Document boundaries. `join`: windows may cross them; `separate`: they may not. Default: join. */
  readonly documents?: Documents | undefined;
  /** Text that ends documents, in addition to the ends of files; only with `separate`. Default: empty, for none. */
  readonly separator?: string | undefined;
  /** Loads the tokenizer of a file; required for a tokenizer `NAME@HASH`. */
  readonly loadFile?: (() => Promise<Tokenizer>) | undefined;
  /** Disk cache, from which tokens are read as needed. Default: tokens are kept in memory. */
  readonly cache?: CacheOptions | undefined;
  /** Called with the number of bytes encoded so far, and the total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Treatment of document boundaries: `join` lets windows cross them, `separate` does not. */
export type Documents = typeof RUN_FIELDS.documents.choices[number];

/** A corpus as tokens. Disposing of it closes its files. */
export interface PreparedCorpus extends Disposable {
  /** The tokenizer that was trained on it. */
  readonly tokenizer: Tokenizer;
  /** Token ids of the training split. */
  readonly train: Tokens;
  /** Token ids of the validation split. */
  readonly validation: Tokens;
  /** UTF-8 bytes of the training split. */
  readonly trainBytes: number;
  /** UTF-8 bytes of the validation split. */
  readonly validationBytes: number;
}

/**
 * Splits a corpus, trains its tokenizer and encodes both parts.
 *
 * The text is split first. Byte-pair merges are learned from the training split alone, so that no information leaks from
 * the validation split. From more than 64 MiB, 64 evenly spaced ranges are used. The alphabet of
 * a character tokenizer is that of the whole text. Otherwise characters that occur only in the validation split could
 * not be encoded; only their existence leaks.
 *
 * @param corpus The text.
 * @param options The tokenizer, and how the text is split and cached.
 * @throws {UserError} If a name is invalid, the text is too short to split or for the vocabulary, or the cache cannot
 * be written.
 */
export async function prepareCorpus(corpus: Corpus, options: PrepareOptions): Promise<PreparedCorpus> {
  const choice = parseTokenizerName(options.tokenizer);
  const { documents = "join", separator = "", cache } = options;
  if (separator !== "" && documents === "join") {
    throw new UserError(
      'Cannot use the corpus: expected documents "separate" with a separator, got "join". ' +
        'Set documents to "separate", or omit the separator.',
    );
  }
  try {
    const parts = splitCorpus(corpus, options);
    const cuts: Cuts = { corpus, parts, documents, ...(separator !== "" && { separator }) };
    const identity = {
      corpus: corpus.sha256,
      sizes: [bytesOf(parts.train), bytesOf(parts.validation)],
      documents,
      separator,
    };
    const learn = (vocabSize: number): Merge[] => learnFrom(cuts, vocabSize);
    const tokenizer = () =>
      makeTokenizer(choice, {
        ...cuts,
        loadFile: options.loadFile,
        learn: cache === undefined ? learn : (V) => cachedMerges({ ...cache, identity }, V, learn),
      });
    const encode = (tokenizer: Tokenizer, to: Write) =>
      encodeParts(tokenizer, { ...cuts, onProgress: options.onProgress, to });
    const { train, validation, tokenizer: used } = cache === undefined
      ? inMemory(await tokenizer(), encode)
      : await cachedTokens({ ...cache, identity, tokenizer: options.tokenizer }, tokenizer, encode);
    if (used.vocabSize < 2) {
      throw new RangeError(
        "expected at least 2 different characters, got 1, which leaves nothing to predict",
      );
    }
    return {
      ...{ tokenizer: used, train, validation },
      ...{ trainBytes: bytesOf(parts.train), validationBytes: bytesOf(parts.validation) },
      [Symbol.dispose]: () => [train, validation].forEach((tokens) => tokens[Symbol.dispose]()),
    };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UserError(`Cannot use the corpus ${JSON.stringify(corpus.name)}: ${cause.message}`, { cause });
  }
}

/** A corpus, its split, and its document boundaries. */
interface Cuts {
  readonly corpus: Corpus;
  readonly parts: { readonly train: Stretch[]; readonly validation: Stretch[] };
  readonly documents: Documents;
  readonly separator?: string;
}

/** Receives the bytes of a part's tokens. */
type Write = (part: "train" | "validation", bytes: Uint8Array<ArrayBuffer>) => void;

async function makeTokenizer(
  choice: TokenizerChoice,
  { corpus, learn, loadFile }: Cuts & Pick<PrepareOptions, "loadFile"> & {
    learn: (vocabSize: number) => Merge[];
  },
): Promise<Tokenizer> {
  if (choice.kind === "file") {
    if (loadFile !== undefined) return await loadFile();
    throw new TypeError("Cannot load the tokenizer of a file: expected loadFile, got undefined.");
  }
  if (choice.kind === "gpt2") return await loadGpt2Tokenizer();
  if (choice.kind === "byte") return createBpeTokenizer([]);
  if (choice.kind === "bpe") return vocabularyOf(learn(choice.vocabSize), choice.vocabSize);
  const whole = corpus.documents.map((document) => ({ document, start: 0, end: document.bytes }));
  return trainCharacterTokenizer(texts(textPieces(whole)));
}

function learnFrom({ parts, separator }: Cuts, vocabSize: number): Merge[] {
  const stretches = sampleStretches(parts.train, MAX_BPE_TEXT);
  const cuts = { safeCut: (text: string) => safeCut(text, "own"), separator };
  return learnMerges(texts(textPieces(stretches, cuts)), vocabSize);
}

function* texts(pieces: Iterable<TextPiece>): Generator<string> {
  for (const { text } of pieces) yield text;
}

/** Encodes both parts in order. */
function encodeParts(
  tokenizer: Tokenizer,
  { parts, documents, separator, to, onProgress }: Cuts & Pick<PrepareOptions, "onProgress"> & { to: Write },
): { train: PreparedPart; validation: PreparedPart } {
  const total = bytesOf(parts.train) + bytesOf(parts.validation);
  let done = 0;
  const encodePart = (part: "train" | "validation"): PreparedPart => {
    const writer = new TokenWriter(tokenizer.vocabSize, (bytes) => to(part, bytes));
    const safeCut = (text: string) => tokenizer.safeCut(text);
    const ids = new IdBuffer(2 ** 16);
    for (const { text, endsDocument } of textPieces(parts[part], { safeCut, separator })) {
      ids.clear();
      tokenizer.encodeInto(text, ids);
      writer.append(ids.view());
      if (endsDocument) writer.endDocument();
      if (onProgress === undefined) continue;
      done += utf8Length(text);
      onProgress(done, total);
    }
    const { documentStarts } = writer;
    return { ...writer.finish(), documentStarts: documents === "separate" ? documentStarts : undefined };
  };
  return { train: encodePart("train"), validation: encodePart("validation") };
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function inMemory(
  tokenizer: Tokenizer,
  encode: (tokenizer: Tokenizer, to: Write) => { train: PreparedPart; validation: PreparedPart },
): { tokenizer: Tokenizer; train: StoredTokens; validation: StoredTokens } {
  const blocks = { train: [] as Uint8Array<ArrayBuffer>[], validation: [] as Uint8Array<ArrayBuffer>[] };
  const parts = encode(tokenizer, (part, bytes) => blocks[part].push(bytes.slice()));
  const stored = (part: "train" | "validation") => {
    const whole = new Uint8Array(parts[part].length * idBytes(tokenizer.vocabSize));
    let at = 0;
    for (const block of blocks[part]) {
      whole.set(block, at);
      at += block.length;
    }
    return StoredTokens.inMemory(whole, parts[part]);
  };
  return { tokenizer, train: stored("train"), validation: stored("validation") };
}

/**
 * Checks that both splits are long enough for a sequence length.
 *
 * @param prepared The corpus as tokens.
 * @param options `T`, tokens per window, and the corpus's `name` for the message.
 * @throws {UserError} If the training or the validation split has fewer than T + 1 tokens, or no document with 2 tokens.
 */
export function requireSequenceLength(
  prepared: Pick<PreparedCorpus, "tokenizer" | "train" | "validation">,
  options: { T: number; name: string },
): void {
  const { T, name } = options;
  for (
    const [split, tokens] of [["training", prepared.train], ["validation", prepared.validation]] as const
  ) {
    if (tokens.length > T && new Windows(tokens, T).count > 0) continue;
    if (tokens.length > T) {
      throw new UserError(
        `Cannot make batches: expected a document with at least 2 tokens, got none in the ${split} split of ` +
          `${JSON.stringify(name)}. Choose another separator, or join documents`,
      );
    }
    throw new UserError(
      `Cannot make batches: expected T < ${formatCount(tokens.length)} (tokens in the ${split} split of ` +
        `${JSON.stringify(name)} with the tokenizer ${prepared.tokenizer.name}), got ${formatCount(T)}. ` +
        "Choose a smaller T or a longer text",
    );
  }
}
