/**
 * Encoding of a corpus as tokens for training and validation, with the tokenizer that a spec names. The text is
 * streamed, so that it need not fit into memory. `token_cache.ts` caches the tokens, and `batches.ts` makes batches of
 * them.
 *
 * @module
 */

import { reasonOf } from "../error/clause.ts";
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

/**
 * Maximum size of the text from which byte-pair merges are learned: 64 MiB. Learning needs several times as much
 * memory.
 */
export const MAX_BPE_TEXT: number = 2 ** 26;

/** Options for encoding a corpus. */
export interface PrepareOptions {
  /** Name of the tokenizer. */
  readonly tokenizer: TokenizerName;
  /** Size of the validation split as a share of the text's bytes. The split is the end of the text. Default: 0.1. */
  readonly validationFraction?: number | undefined;
  /** Document boundaries. `join`: windows may cross them. `separate`: no window crosses them. Default: join. */
  readonly documents?: Documents | undefined;
  /**
   * Text that ends a document within a file. Requires `documents: "separate"`. Default: empty, so that a file is one
   * document.
   */
  readonly separator?: string | undefined;
  /** Loads the tokenizer file. Required if `tokenizer` is `NAME@HASH`, which names a tokenizer file by its content. */
  readonly loadFile?: (() => Promise<Tokenizer>) | undefined;
  /**
   * Disk cache of the tokens, from which they are read as needed. Default: none, so that the tokens are kept in memory.
   */
  readonly cache?: CacheOptions | undefined;
  /** Called while the text is encoded, with the number of bytes encoded so far and the total number of bytes. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Treatment of document boundaries. `join`: windows may cross them. `separate`: no window crosses them. */
export type Documents = typeof RUN_FIELDS.documents.choices[number];

/** A corpus as tokens. `using` closes the files of the tokens. */
export interface PreparedCorpus extends Disposable {
  /** The tokenizer with which the corpus was encoded. */
  readonly tokenizer: Tokenizer;
  /** Token ids of the training split. */
  readonly train: Tokens;
  /** Token ids of the validation split. */
  readonly validation: Tokens;
  /** Size of the training split in bytes of UTF-8. */
  readonly trainBytes: number;
  /** Size of the validation split in bytes of UTF-8. */
  readonly validationBytes: number;
}

/**
 * Splits a corpus into a training and a validation split, creates its tokenizer, and encodes both splits.
 *
 * Byte-pair merges are learned from the training split alone, so that no information leaks from the validation split.
 * If the training split is larger than 64 MiB, merges are learned from 64 evenly spaced ranges of 1 MiB. A character
 * tokenizer has the characters of the whole text, since characters that occur only in the validation split must be
 * encoded, too.
 *
 * @param corpus The text.
 * @param options Tokenizer, splits, document boundaries and cache.
 * @throws {UserError} If a name is invalid, the text is too short for the splits or for the vocabulary, or the cache
 * cannot be written.
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
    throw new UserError(`Cannot use the corpus ${JSON.stringify(corpus.name)}: ${reasonOf(cause)}.`, {
      cause,
    });
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
 * Requires that both splits of a corpus are long enough for a sequence length.
 *
 * @param prepared The corpus as tokens.
 * @param options `T`: tokens per window. `name`: name of the corpus, for the error.
 * @throws {UserError} If a split has fewer than T + 1 tokens, or no document of at least 2 tokens.
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
