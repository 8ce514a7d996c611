/**
 * From the name in a spec to a corpus.
 *
 * @module
 */
import { resolve } from "node:path";
import { loadShakespeare } from "../../data/shakespeare.ts";
import { UserError } from "../error/user_error.ts";
import type { DataSource } from "../record/mod.ts";
import { type Corpus, loadTextFile } from "../text/mod.ts";

/** Corpora that are fetched by name. */
const NAMED: Readonly<Record<string, () => Promise<Corpus>>> = { shakespeare: loadShakespeare };

/**
 * Loads a corpus.
 *
 * @param data `shakespeare`, or the path of a text file.
 * @throws {UserError} when there is no such corpus or file.
 */
export async function loadCorpus(data: string): Promise<{ corpus: Corpus; source: DataSource }> {
  const named = NAMED[data];
  const corpus = named === undefined ? await loadTextFile(data) : await named();
  const path = named === undefined ? { path: resolve(data) } : {};
  return { corpus, source: { name: corpus.name, sha256: corpus.sha256, ...path } };
}

/**
 * Loads the corpus that a record names, and requires it to be the same.
 *
 * @throws {UserError} when it is gone or another.
 */
export async function reloadCorpus(source: DataSource): Promise<Corpus> {
  const { corpus } = await loadCorpus(source.path ?? source.name);
  if (corpus.sha256 !== source.sha256) {
    throw new UserError(
      `Cannot use the corpus ${source.path ?? source.name}: wanted the text with SHA-256 ${source.sha256}: ` +
        `it has changed to ${corpus.sha256}. Put the old text back, or start a new folder with --out.`,
    );
  }
  return corpus;
}
