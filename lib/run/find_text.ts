/**
 * Search for the text of a recorded run. Every command uses this search.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import type { DataSource } from "../record/mod.ts";
import type { Corpus } from "../text/mod.ts";
import { loadCorpus } from "./corpus.ts";

/** Places to search for a text. */
export interface TextPlaces {
  /**
   * The folder of `plan.json`, which is searched after the recorded path. Default: only the recorded path is searched.
   */
  readonly dir?: string | undefined;
  /** Present path of the text, as the option `--data` gives it. If it is set, no other place is searched. */
  readonly data?: string | readonly string[] | undefined;
}

/** Returns the folder of a run's `plan.json`: DIR, if the run's folder is DIR/runs/ID. */
export function planFolder(run: string): string {
  return dirname(dirname(resolve(run)));
}

/**
 * Loads the text of a recorded run. Searches `data` if given. Otherwise, searches the recorded path and then the folder
 * of `plan.json`. A text with another SHA-256 than the recorded one is not used.
 *
 * @param recorded The recorded name, path and SHA-256 of the text.
 * @param places Places to search.
 * @returns `corpus`: the text. `source`: `recorded` with the present path of the text.
 * @throws {UserError} If no place has the recorded text.
 */
export async function findText(
  recorded: DataSource,
  { dir, data }: TextPlaces = {},
): Promise<{ corpus: Corpus; source: DataSource }> {
  const names = data ?? recorded.path;
  const candidates = names === undefined
    ? [recorded.name]
    : data !== undefined || dir === undefined
    ? [names]
    : candidatesIn(dir, names);
  let first: UserError | undefined;
  for (const candidate of candidates) {
    try {
      const { corpus, source } = await loadCorpus(candidate);
      requireRecorded(corpus, { recorded, at: candidate });
      return { corpus, source: names === undefined ? recorded : { ...recorded, path: source.path } };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      first ??= error;
    }
  }
  throw new UserError(
    `${
      first!.message.replace(/\.$/, "")
    }. Copy the recorded text to the folder of plan.json, or name it with --data.`,
    { cause: first },
  );
}

/**
 * Returns lists of paths to try in order. The first list has the recorded paths. In the second list, missing files are
 * replaced by the files of the same names in `dir`. The third list has the files in `dir`.
 */
function candidatesIn(dir: string, names: string | readonly string[]): (string | string[])[] {
  const beside = (path: string) => join(dir, basename(path));
  const missing = (path: string) => exists(path) || !exists(beside(path)) ? path : beside(path);
  const made = [(path: string) => path, missing, beside].map((place) =>
    typeof names === "string" ? place(names) : names.map(place)
  );
  return made.filter((candidate, i) =>
    made.findIndex((other) => JSON.stringify(other) === JSON.stringify(candidate)) === i
  );
}

function requireRecorded(
  corpus: Corpus,
  { recorded, at }: { recorded: DataSource; at: string | readonly string[] },
): void {
  if (corpus.sha256 === recorded.sha256) return;
  throw new UserError(
    `Cannot use the corpus ${at}: expected the text with SHA-256 ${recorded.sha256}, as recorded, ` +
      `got ${corpus.sha256}`,
  );
}
