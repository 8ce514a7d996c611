/**
 * Inputs of runs other than the text: initial models, tokenizer files and user-written modules.
 *
 * A run's spec names an input by its content, `NAME@HASH`, so that the run's ID depends on the content. The sweep's
 * folder holds a copy of each input in `inputs/HASH`. A planned run thus does not depend on the original files.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { contentHash, contentName } from "../options/content_name.ts";
import { exists } from "../file/exists.ts";
import { parseJson } from "../file/json.ts";
import { readRegular } from "../file/regular.ts";
import { atomicWrite, type RunSpec, sha256Hex } from "../record/mod.ts";
import {
  jsonWithTreatment,
  loadTokenizer,
  loadTokenizerFile,
  type Tokenizer,
  type TokenizerJson,
} from "../text/mod.ts";

/** Name of the file with a tokenizer, in an input's folder and in a run's folder. */
export const TOKENIZER = "tokenizer.json";

/** Files of an input: content by path relative to the input's folder. */
export type Files = Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;

/**
 * Inputs that this process has read from the user's files, by name. {@linkcode placeInputs} copies them to a sweep's
 * folder.
 */
const sources = new Map<string, () => Promise<Files>>();

/**
 * Registers an input, so that {@linkcode placeInputs} can copy it to a sweep's folder.
 *
 * @param name Name of the input, `NAME@HASH`.
 * @param files Returns the files of the input. Their content must have the hash HASH.
 */
export function addInput(name: string, files: () => Promise<Files>): void {
  sources.set(name, files);
}

/** Returns the content of the file `tokenizer.json` for a tokenizer. Equal tokenizers give equal content. */
export function tokenizerContent(tokenizer: Tokenizer | TokenizerJson): string {
  return `${JSON.stringify(tokenizer)}\n`;
}

/** A tokenizer file as input of runs. */
export interface TokenizerInput {
  /** Name of the input, `NAME@HASH`. */
  readonly name: string;
  /** Number of tokens. */
  readonly tokens: number;
}

/** Number of tokens of each tokenizer file that this process has read, by name. */
const vocabularies = new Map<string, number>();

/**
 * Returns the number of tokens of a tokenizer file that this process has read, by its name `NAME@HASH`. Returns
 * undefined for other names.
 */
export function knownVocabSize(name: string): number | undefined {
  return vocabularies.get(name);
}

/** Returns the names `NAME@HASH` of a run's inputs. */
export function inputsOf(spec: RunSpec): string[] {
  const { initFrom, tokenizer, architecture, loss, optimizer, schedule } = spec;
  return [initFrom, tokenizer, architecture, loss, optimizer, schedule].filter((name) =>
    contentHash(name) !== undefined
  );
}

function inputFolder(dir: string, name: string): string {
  return join(dir, "inputs", contentHash(name)!);
}

/**
 * Reads a tokenizer file and registers it as an input.
 *
 * @param path Path of a `tokenizer.json`, or the name `NAME@HASH` of a tokenizer in `dir`.
 * @param dir Folder of a sweep that holds a copy of the tokenizer. Only needed for `NAME@HASH`.
 * @throws {UserError} If the file cannot be read or describes no supported tokenizer.
 */
export async function tokenizerInput(path: string, dir?: string): Promise<TokenizerInput> {
  if (contentHash(path) !== undefined && !exists(path)) {
    const { vocabSize: tokens } = await inputTokenizer(path, [dir]);
    vocabularies.set(path, tokens);
    return { name: path, tokens };
  }
  if (!exists(path)) {
    throw new UserError(
      `Cannot read the tokenizer ${path}: expected a tokenizer.json, got no file. Correct the path.`,
    );
  }
  return addTokenizer((await loadTokenizerFile(path)).tokenizer, path);
}

/**
 * Registers a tokenizer as an input.
 *
 * @param tokenizer The tokenizer.
 * @param path Path from which the input's name is derived.
 */
export function addTokenizer(tokenizer: Tokenizer, path: string): TokenizerInput {
  const content = tokenizerContent(jsonWithTreatment(tokenizer));
  const name = contentName(resolve(path), sha256Hex(content));
  vocabularies.set(name, tokenizer.vocabSize);
  addInput(name, () => Promise.resolve({ [TOKENIZER]: content }));
  return { name, tokens: tokenizer.vocabSize };
}

/**
 * Copies the inputs of runs to a sweep's folder. Inputs that the folder already has are not copied.
 *
 * @param dir The sweep's folder.
 * @param specs The specs of the runs.
 * @param from Folder of another sweep that has the inputs. Default: the inputs are the files that this process has
 * read.
 * @throws {UserError} If an input is missing.
 */
export async function placeInputs(dir: string, specs: readonly RunSpec[], from?: string): Promise<void> {
  for (const name of new Set(specs.flatMap(inputsOf))) {
    const place = inputFolder(dir, name);
    if (exists(place)) continue;
    const files = from === undefined ? await sources.get(name)?.() : filesIn(inputFolder(from, name));
    if (files === undefined) throw missing(name, from ?? dir);
    writeInput(place, files);
  }
}

/**
 * Copies all inputs of a sweep's folder to the folder of another sweep. Inputs that the other folder already has are
 * not copied.
 */
export function copyInputs(from: string, to: string): void {
  const folder = join(from, "inputs");
  if (!exists(folder)) return;
  for (const { name } of Deno.readDirSync(folder)) {
    const place = join(to, "inputs", name);
    if (/^[0-9a-f]{12}$/.test(name) && !exists(place)) writeInput(place, filesIn(join(folder, name))!);
  }
}

/**
 * Writes an input atomically: even after an interruption, its folder is complete or missing.
 *
 * @param place Path of the input's folder.
 * @param files Files of the input.
 */
export function writeInput(place: string, files: Files): void {
  const building = join(dirname(place), `.${basename(place)}-${crypto.randomUUID()}`);
  try {
    Deno.mkdirSync(building, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      Deno.mkdirSync(dirname(join(building, file)), { recursive: true });
      atomicWrite(join(building, file), content);
    }
    Deno.renameSync(building, place);
  } catch (cause) {
    if (exists(place)) return; // another process has just written it
    throw new UserError(
      `Cannot write the input ${place}: ${reasonOf(cause)}. Free some space, or choose another folder.`,
      { cause },
    );
  } finally {
    if (exists(building)) Deno.removeSync(building, { recursive: true });
  }
}

/** Reads all files of an input's folder. Returns undefined if the folder is missing. */
export function filesIn(folder: string): Files | undefined {
  if (!exists(folder)) return undefined;
  const names: string[] = [];
  const visit = (inner: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(folder, inner))) {
      const path = join(inner, name);
      if (isDirectory) visit(path);
      else names.push(path);
    }
  };
  visit("");
  return Object.fromEntries(names.map((name) => [name, readRegular(join(folder, name))]));
}

function missing(name: string, dir: string): UserError {
  return new UserError(
    `Cannot find the input ${name}: expected it in ${join(dir, "inputs")}, got no folder ${
      contentHash(name)
    }. ` +
      "Copy the sweep's folder again, with its inputs.",
  );
}

/**
 * Returns the folder of an input.
 *
 * @param name Name of the input, `NAME@HASH`.
 * @param dirs Folders of sweeps. The first one that has the input is used.
 * @throws {UserError} If no sweep has the input.
 */
export function foundInput(name: string, dirs: readonly (string | undefined)[]): string {
  const given = dirs.filter((dir) => dir !== undefined);
  const folder = given.map((dir) => inputFolder(dir, name)).find(exists);
  if (folder === undefined) throw missing(name, given[0] ?? ".");
  return folder;
}

/**
 * Requires that the content of an input has the hash in its name.
 *
 * @param name Name of the input, `NAME@HASH`.
 * @param found `sha256`: SHA-256 of the content in hex. `folder`: folder of the input, for the error.
 * @throws {UserError} If the content has another hash.
 */
export function requireInput(name: string, { sha256, folder }: { sha256: string; folder: string }): void {
  if (sha256.startsWith(contentHash(name)!)) return;
  throw new UserError(
    `Cannot use the input ${folder}: expected content with the SHA-256 ${contentHash(name)}…, got ${
      sha256.slice(0, 12)
    }…. Restore the folder from a copy.`,
  );
}

/**
 * Returns the tokenizer of an input.
 *
 * @param name Name of the input, `NAME@HASH`.
 * @param dirs Folders of sweeps that may have the input. Undefined entries are ignored.
 * @throws {UserError} If no sweep has the input, or the input is damaged.
 */
export async function inputTokenizer(
  name: string,
  dirs: readonly (string | undefined)[],
): Promise<Tokenizer> {
  let content = (await sources.get(name)?.())?.[TOKENIZER], place = name;
  if (content === undefined) {
    place = foundInput(name, dirs);
    content = readRegular(join(place, TOKENIZER));
    requireInput(name, { sha256: sha256Hex(content), folder: place });
  }
  try {
    return (await loadTokenizer(parseJson(content, { anyKey: true }))).tokenizer;
  } catch (cause) {
    // The hash shows that the content is what its author wrote, not that it is a tokenizer.
    throw new UserError(
      `Cannot use the tokenizer ${place}: ${reasonOf(cause)}. Use another one.`,
      { cause },
    );
  }
}
