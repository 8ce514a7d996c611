/**
 * `loadDataset()`: loads and tokenizes a text.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import type { Documents } from "../text/mod.ts";
import { isTokenizerPath, tokenizerName } from "../text/mod.ts";
import { Dataset } from "../train/mod.ts";
import { loadCorpus, prepareForRun } from "./corpus.ts";
import { tokenizerInput } from "./inputs.ts";

/** Options of {@linkcode loadDataset}. */
export interface LoadDatasetOptions {
  /**
   * Tokenizer: `character` (or `char`), `byte`, `gpt2`, the size of a byte-pair vocabulary (512 or `bpe:512`), or the
   * path of a `tokenizer.json`. Default: character.
   */
  readonly tokenizer?: string | number | undefined;
  /**
   * Document boundaries. `join`: training sequences may cross them. `separate`: no sequence crosses them. Default:
   * join.
   */
  readonly documents?: Documents | undefined;
  /**
   * Text that ends a document within a file. Requires `documents: "separate"`. Default: none, so that each file is one
   * document.
   */
  readonly separator?: string | undefined;
}

/** Known names of options. */
const NAMES = optionNames<LoadDatasetOptions>({ tokenizer: true, documents: true, separator: true });

/**
 * Loads a text and tokenizes it. Byte-pair merges are learned from the training split. A character tokenizer has the
 * characters of the whole text. The validation split is the last tenth of the text in bytes. Tokens are cached on disk.
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
