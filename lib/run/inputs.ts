/**
 * Inputs of runs other than the text: initial models and tokenizer files.
 *
 * A spec names an input by its content, `NAME@HASH`, so that the run's ID depends on it. The sweep's folder holds a copy
 * of each input in `inputs/HASH`. A run that was planned once thus does not depend on the original files.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { contentHash, contentName } from "../options/content_name.ts";
import { exists } from "../file/exists.ts";
import { parseJson } from "../file/json.ts";
import { readRegular } from "../file/regular.ts";
import { atomicWrite, type RunSpec, sha256Hex } from "../record/mod.ts";
import { loadTokenizer, loadTokenizerFile, type Tokenizer } from "../text/mod.ts";

/** Name of the file of a tokenizer. */
export const TOKENIZER = "tokenizer.json";

/** Files of an input by name. */
export type Files = Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;

/** The inputs that this process has read from the user's files, by name. They are copied to a sweep's folder with its plan. */
const sources = new Map<string, () => Promise<Files>>();

/**
 * Adds an input that {@linkcode placeInputs} can copy to a sweep's folder.
 *
 * @param name `NAME@HASH`.
 * @param files Returns the input's files, which have this hash.
 */
export function addInput(name: string, files: () => Promise<Files>): void {
  sources.set(name, files);
}

/** Returns the content of a tokenizer's file. Equal tokenizers have equal content. */
export function tokenizerContent(tokenizer: Tokenizer): string {
  return `${JSON.stringify(tokenizer)}\n`;
}

/** A tokenizer file. */
export interface TokenizerInput {
  /** `NAME@HASH`. */
  readonly name: string;
  /** V, the number of tokens. */
  readonly tokens: number;
}

/** V of tokenizer files that this process has read, by name. */
const vocabularies = new Map<string, number>();

/** Returns V of a tokenizer file that this process has read. */
export function knownVocabSize(name: string): number | undefined {
  return vocabularies.get(name);
}

/** Returns the names of a run's inputs. */
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
 * Reads a tokenizer file.
 *
 * @param path A `tokenizer.json`, or the name of one in `dir`.
 * @param dir Folder of a sweep that has the input. Default: none.
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

/** Adds a tokenizer as an input, named after a path. */
export function addTokenizer(tokenizer: Tokenizer, path: string): TokenizerInput {
  const content = tokenizerContent(tokenizer);
  const name = contentName(resolve(path), sha256Hex(content));
  vocabularies.set(name, tokenizer.vocabSize);
  addInput(name, () => Promise.resolve({ [TOKENIZER]: content }));
  return { name, tokens: tokenizer.vocabSize };
}

/**
 * Copies the inputs of runs to a sweep's folder, unless the folder has them.
 *
 * @param dir The sweep's folder.
 * @param specs The specs of the runs.
 * @param from Another sweep's folder that has the inputs. Default: the files that this process has read.
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

/** Copies all inputs of a sweep's folder to another one, unless that one has them. */
export function copyInputs(from: string, to: string): void {
  const folder = join(from, "inputs");
  if (!exists(folder)) return;
  for (const { name } of Deno.readDirSync(folder)) {
    const place = join(to, "inputs", name);
    if (/^[0-9a-f]{12}$/.test(name) && !exists(place)) writeInput(place, filesIn(join(folder, name))!);
  }
}

/** Writes the folder of an input. The folder is complete or missing, also after an interruption. */
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
      `Cannot write the input ${place}: ${
        cause instanceof Error ? cause.message : cause
      }. Free some space, or choose another folder.`,
      { cause },
    );
  } finally {
    if (exists(building)) Deno.removeSync(building, { recursive: true });
  }
}

/** Returns the files below an input's folder by their relative path. Returns undefined without the folder. */
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
 * Returns the folder of an input, in the first sweep that has it.
 *
 * @throws {UserError} If no sweep has it.
 */
export function foundInput(name: string, dirs: readonly (string | undefined)[]): string {
  const given = dirs.filter((dir) => dir !== undefined);
  const folder = given.map((dir) => inputFolder(dir, name)).find(exists);
  if (folder === undefined) throw missing(name, given[0] ?? ".");
  return folder;
}

/**
 * Requires the content of an input.
 *
 * @param name `NAME@HASH`.
 * @param found SHA-256 of the content, and its folder.
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
 * Returns the tokenizer of a file.
 *
 * @param name `NAME@HASH`.
 * @param dirs Folders of sweeps that may have the input.
 * @throws {UserError} If the input is missing or damaged.
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
      `Cannot use the tokenizer ${place}: ${
        cause instanceof Error ? cause.message : cause
      }. Use another one.`,
      { cause },
    );
  }
}
