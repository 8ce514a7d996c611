/**
 * Finds the text of a record: one search for every command.
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
  /** The folder of `plan.json`. Default: only the recorded path is searched. */
  readonly dir?: string | undefined;
  /** The text's path now, as the option `--data` names it. Default: the recorded path, then the folder of `plan.json`. */
  readonly data?: string | readonly string[] | undefined;
}

/** Returns the folder of a run's `plan.json`: `DIR` of `DIR/runs/ID`. */
export function planFolder(run: string): string {
  return dirname(dirname(resolve(run)));
}

/**
 * Loads the text of a record: from `data` if given, else from the recorded path, else from the folder of `plan.json`.
 * A text counts only if its SHA-256 is the recorded one.
 *
 * @param recorded The record's text.
 * @param places Where to search.
 * @returns The text, and the record with the text's present path.
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

/** Returns the recorded paths, the same with missing files taken from `dir`, and all files in `dir`. */
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
