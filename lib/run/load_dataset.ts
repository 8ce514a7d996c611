/**
 * Loads a dataset by the name of its text.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import type { Documents } from "../text/mod.ts";
import { isTokenizerPath, tokenizerName } from "../text/mod.ts";
import { Dataset } from "../train/mod.ts";
import { loadCorpus, prepareForRun } from "./corpus.ts";
import { tokenizerInput } from "./inputs.ts";

/** Tokenization of a text. */
export interface LoadDatasetOptions {
  /**
   * `character` (or `char`), `byte`, `gpt2`, a byte-pair vocabulary by its size (`bpe:512`, or 512), or the path of a
   * `tokenizer.json`. Default: character.
   */
  readonly tokenizer?: string | number | undefined;
  /** `join` lets windows cross document boundaries; `separate` does not. Default: join. */
  readonly documents?: Documents | undefined;
  /** Text that ends a document, in addition to the end of a file. Requires `documents: "separate"`. Default: none. */
  readonly separator?: string | undefined;
}

/** Known names of options. */
const NAMES = optionNames<LoadDatasetOptions>({ tokenizer: true, documents: true, separator: true });

/**
 * Loads a text, trains its tokenizer and encodes it. The last tenth of the text, in bytes, is the validation split.
 * Tokens are cached.
 *
 * @param data `shakespeare`, `markov:…`, the path of a UTF-8 text file or folder, a glob pattern, or a list of these.
 * @param options `tokenizer`, `documents`, `separator`.
 * @throws {UserError} If the text is missing or too short for its vocabulary.
 */
export async function loadDataset(
  data: string | readonly string[],
  options: LoadDatasetOptions = {},
): Promise<Dataset> {
  requireKnownNames(options, NAMES, "load a dataset");
  const { tokenizer = "character", documents = "join", separator = "" } = options;
  const { corpus } = await loadCorpus(data);
  const word = tokenizerName(tokenizer);
  const name = isTokenizerPath(word) ? (await tokenizerInput(word)).name : word;
  const prepared = await prepareForRun(corpus, { tokenizer: name, documents, separator });
  return new Dataset(prepared, corpus.name);
}
