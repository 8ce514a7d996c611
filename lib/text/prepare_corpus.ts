/**
 * From a corpus to tokens for training and validation, with the tokenizer that a spec names. The text is read in pieces
 * and never held as a whole. Reading files is `text_files.ts`; keeping tokens is `token_cache.ts`; batches are
 * `batches.ts`.
 *
 * @module
 */

import { UserError } from "../error/user_error.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";
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

/** Byte pairs are learned from at most this much text: 64 MiB, which takes about as many bytes of memory several times. */
export const MAX_BPE_TEXT: number = 2 ** 26;

/** How a corpus becomes tokens. */
export interface PrepareOptions {
  /** The tokenizer's name. */
  readonly tokenizer: TokenizerName;
  /** Share of the validation part, which is the end of the text, in bytes. Default: 0.1. */
  readonly validationFraction?: number | undefined;
  /** `join`: one text, windows may reach across documents; `separate`: they may not. Default: join. */
  readonly documents?: Documents | undefined;
  /** Text that documents end with, beside the ends of files; only with `separate`. Default, or empty: none. */
  readonly separator?: string | undefined;
  /** Where tokens are kept on disk, from which they are read when they are needed. Default: they are in memory. */
  readonly cache?: CacheOptions | undefined;
  /** Told of the bytes that were made tokens so far, and of how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Whether windows may reach across documents. */
export type Documents = "join" | "separate";

/** The names of what windows may do. */
export const DOCUMENTS: readonly ["join", "separate"] = RUN_FIELDS.documents.choices;

/** A corpus as tokens; `using` or dispose closes its files. */
export interface PreparedCorpus extends Disposable {
  /** The tokenizer that was trained on it. */
  readonly tokenizer: Tokenizer;
  /** Token ids of the training part. */
  readonly train: Tokens;
  /** Token ids of the validation part. */
  readonly validation: Tokens;
  /** UTF-8 bytes of the training part. */
  readonly trainBytes: number;
  /** UTF-8 bytes of the validation part. */
  readonly validationBytes: number;
}

/**
 * Splits a corpus, trains its tokenizer and encodes both parts.
 *
 * The text is split first. Byte-pair merges are learned from the training part alone, so that nothing about the
 * validation part helps to predict it; of more than {@linkcode MAX_BPE_TEXT} from 64 stretches of it, evenly spaced. The
 * alphabet of a character tokenizer is that of the whole text: a character that only the validation part has could not
 * be written otherwise, and all that this gives away is that it exists.
 *
 * @param corpus The text.
 * @param options The tokenizer, and how the text is cut and kept.
 * @throws {UserError} if a name is wrong, the text is too short to split or for that vocabulary, or the cache cannot be
 * written.
 */
export async function prepareCorpus(corpus: Corpus, options: PrepareOptions): Promise<PreparedCorpus> {
  const choice = parseTokenizerName(options.tokenizer);
  const { documents = "join", separator = "", cache } = options;
  if (separator !== "" && documents === "join") {
    throw new UserError('Cannot use the corpus: a separator needs documents "separate": they are "join"');
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
        learn: cache === undefined ? learn : (V) => cachedMerges({ ...cache, identity }, V, learn),
      });
    const encode = (tokenizer: Tokenizer, to: Write) =>
      encodeParts(tokenizer, { ...cuts, onProgress: options.onProgress, to });
    const { train, validation, tokenizer: used } = cache === undefined
      ? inMemory(await tokenizer(), encode)
      : await cachedTokens({ ...cache, identity, tokenizer: options.tokenizer }, tokenizer, encode);
    if (used.vocabSize < 2) {
      throw new RangeError("expected at least 2 different characters, got 1: there is nothing to predict");
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

/** What is made tokens of. */
interface Cuts {
  readonly corpus: Corpus;
  readonly parts: { readonly train: Stretch[]; readonly validation: Stretch[] };
  readonly documents: Documents;
  readonly separator?: string;
}

/** Where the bytes of a part's tokens go. */
type Write = (part: "train" | "validation", bytes: Uint8Array<ArrayBuffer>) => void;

async function makeTokenizer(
  choice: TokenizerChoice,
  { corpus, learn }: Cuts & { learn: (vocabSize: number) => Merge[] },
): Promise<Tokenizer> {
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

/** Encodes both parts, one after the other. */
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
 * Refuses, before anything starts, a sequence length that either part is too short for.
 *
 * @param prepared The corpus as tokens.
 * @param options `T`, tokens in a window, and the corpus's `name` for the message.
 * @throws {UserError} if the training or the validation part has fewer than T + 1 tokens, or no two in one document.
 */
export function requireSequenceLength(
  prepared: Pick<PreparedCorpus, "tokenizer" | "train" | "validation">,
  options: { T: number; name: string },
): void {
  const { T, name } = options;
  for (const [part, tokens] of [["training", prepared.train], ["validation", prepared.validation]] as const) {
    if (tokens.length > T && new Windows(tokens, T).count > 0) continue;
    if (tokens.length > T) {
      throw new UserError(
        `Cannot make batches: a document must have at least 2 tokens: none in the ${part} part of ` +
          `${JSON.stringify(name)} has. Choose another separator, or join documents`,
      );
    }
    throw new UserError(
      `Cannot make batches: T must be < ${formatCount(tokens.length)} (tokens in the ${part} part of ` +
        `${JSON.stringify(name)} with the tokenizer ${prepared.tokenizer.name}): T is ${formatCount(T)}. ` +
        "Choose a smaller T or a longer text",
    );
  }
}
