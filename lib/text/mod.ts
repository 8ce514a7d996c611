/**
 * Corpus to tokens to batches, in plain arrays: read a text ({@linkcode loadTextFile}), split it and make tokens of it
 * ({@linkcode prepareCorpus}), and draw the batches of a run ({@linkcode createBatches}), or one ({@linkcode getBatch}) from
 * a named stream of random numbers ({@linkcode createRandom}). No tensors, no network.
 *
 * @module
 */

export { type Batch, evalWindows, getBatch, IGNORE_INDEX } from "./batch.ts";
export { type BatchCursor, type BatchStream, createBatches, type Sampling, SAMPLINGS } from "./batches.ts";
export { createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
export { trainBpe } from "./bpe_trainer.ts";
export { trainCharacterTokenizer } from "./character_tokenizer.ts";
export { type Corpus, corpusFromBytes, loadTextFile } from "./corpus.ts";
export { prepareCorpus, type PreparedCorpus, requireSequenceLength } from "./prepare_corpus.ts";
export { createRandom, type Random, type RandomState } from "./random.ts";
export { type SplitOptions, splitText, splitTokens } from "./split.ts";
export type { BpeTokenizerJson, CharacterTokenizerJson, Tokenizer, TokenizerJson } from "./tokenizer.ts";
export { tokenizerFromJSON } from "./tokenizer_from_json.ts";
export {
  makeTokenizer,
  parseTokenizerName,
  type TokenizerChoice,
  type TokenizerName,
} from "./tokenizer_name.ts";
export type { Tokens } from "./tokens.ts";
