/**
 * Corpora, tokenizers and batches, as plain arrays. {@linkcode loadTextFiles} finds a user's files, and {@linkcode
 * createMarkovSource} generates a text of known entropy. {@linkcode prepareCorpus} splits and encodes a corpus.
 * {@linkcode createBatches} provides the batches of a run, and {@linkcode getBatch} draws one batch from a named random
 * stream ({@linkcode createRandom}). This module uses neither TensorFlow nor the network.
 *
 * @module
 */

export { type Batch, evalWindows, getBatch, IGNORE_INDEX } from "./batch.ts";
export { type BatchCursor, type BatchStream, createBatches, type Sampling } from "./batches.ts";
export type { IdBuffer } from "./_id_buffer.ts";
export type { CutName } from "./_pieces.ts";
export { type LoadedTokenizer, loadTokenizer, type LoadTokenizerOptions } from "./any_tokenizer.ts";
export { type BpeOptions, type BpeTokenizer, createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
export { trainBpe } from "./bpe_trainer.ts";
export { trainCharacterTokenizer } from "./character_tokenizer.ts";
export { type Corpus, corpusFromBytes, corpusText, joinCorpora, type TextDocument } from "./corpus.ts";
export { type FolderTokenizer, loadFolderTokenizer, loadTokenizerFile } from "./folder_tokenizer.ts";
export { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
export { createMarkovSource, type MarkovOptions, type MarkovSource } from "./markov.ts";
export {
  type Documents,
  prepareCorpus,
  type PreparedCorpus,
  type PrepareOptions,
  requireSequenceLength,
} from "./prepare_corpus.ts";
export { createRandom, type Random, type RandomState } from "./random.ts";
export { jsonWithTreatment } from "./special_in_text.ts";
export { type SplitOptions } from "./split.ts";
export { loadTextFiles } from "./text_files.ts";
export type { CacheOptions } from "./token_cache.ts";
export type { Tokenizer } from "./tokenizer.ts";
export { type FromJsonOptions, tokenizerFromJSON } from "./tokenizer_from_json.ts";
export type { AddedToken, BpeJson, TokenizerJson, WordLevelJson } from "./tokenizer_json.ts";
export {
  isTokenizerPath,
  parseTokenizerName,
  type TokenizerChoice,
  type TokenizerName,
  tokenizerName,
} from "./tokenizer_name.ts";
export type { Tokens } from "./tokens.ts";
