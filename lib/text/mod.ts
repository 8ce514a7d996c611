/**
 * Corpus to tokens to batches, in plain arrays: read a text ({@linkcode loadTextFile}), split it and make tokens of it
 * ({@linkcode prepareCorpus}), and draw batches ({@linkcode getBatch}) from a named stream of random numbers
 * ({@linkcode createRandom}). No tensors, no network.
 *
 * @module
 */

export { type Batch, evalWindows, getBatch } from "./batch.ts";
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
