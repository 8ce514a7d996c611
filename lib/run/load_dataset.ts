/**
 * From a text's name to a dataset.
 *
 * @module
 */
import type { Documents } from "../text/mod.ts";
import { tokenizerName } from "../text/mod.ts";
import { Dataset } from "../train/mod.ts";
import { loadCorpus, prepareForRun } from "./corpus.ts";

/** How a text becomes tokens. */
export interface LoadDatasetOptions {
  /**
   * `character` (or `char`), `byte`, `gpt2`, or a byte-pair vocabulary by its size: `bpe:512`, or 512. Default: character.
   */
  readonly tokenizer?: string | number | undefined;
  /** `join`: windows may reach across documents; `separate`: they may not. Default: join. */
  readonly documents?: Documents | undefined;
  /** Text that ends a document, besides the ends of files; only with `separate`. Default: none. */
  readonly separator?: string | undefined;
}

/**
 * Loads a text, trains its tokenizer and encodes it. The last tenth of the text, in bytes, is the validation part. Tokens
 * are kept in the user's cache.
 *
 * @param data `shakespeare`, `markov:…`, the path of a UTF-8 text file or of a folder, a pattern, or a list of these.
 * @param options `tokenizer`, `documents`, `separator`.
 * @throws {UserError} if there is no such text, or it is too short for its vocabulary.
 */
export async function loadDataset(
  data: string | readonly string[],
  { tokenizer = "character", documents = "join", separator = "" }: LoadDatasetOptions = {},
): Promise<Dataset> {
  const { corpus } = await loadCorpus(data);
  const prepared = await prepareForRun(corpus, { tokenizer: tokenizerName(tokenizer), documents, separator });
  return new Dataset(prepared, corpus.name);
}
