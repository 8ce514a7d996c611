/**
 * User-written modules of runs. A module implements the architecture, the loss, the optimizer or the schedule.
 *
 * A module that a user names is copied with its local imports to the user's cache, into a folder named after the hash
 * of the content. Runs execute only modules in the cache. A module in a sweep's folder is not trusted. The option
 * `--run-recorded-code` trusts it and copies it to the cache.
 *
 * @module
 */
import { dirname, join, relative, resolve } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { importFile } from "../file/import_file.ts";
import { cacheDir } from "../fetch/cache.ts";
import { exists } from "../file/exists.ts";
import { parseJson } from "../file/json.ts";
import type { Architecture } from "../model/mod.ts";
import { contentExport, contentHash, contentName, splitModulePath } from "../options/content_name.ts";
import { canonicalJson, type RunSpec, sha256Hex } from "../record/mod.ts";
import type { Criterion, Optimizer, Schedule } from "../train/mod.ts";
import { guarded } from "./_own_calls.ts";
import { localFiles } from "./_module_graph.ts";
import { addInput, type Files, filesIn, foundInput, writeInput } from "./inputs.ts";

/** Description of the export that a module must have, by the field that the module implements. */
export const CODE_FIELDS: Readonly<Record<CodeField, string>> = {
  architecture: "an object with parameters() and forward()",
  loss: "a function of logits and targets",
  optimizer: "an object with init() and update()",
  schedule: "a function of the step",
};

/** A field of a run's spec that a user-written module can implement. */
export type CodeField = "architecture" | "loss" | "optimizer" | "schedule";

/** Name of the file that lists the other files of a module. */
const LIST = "losskit.module.json";

/** Exports of modules that this process has loaded, by field and name. */
const loaded = new Map<string, unknown>();

function codeFolder(name: string): string {
  return join(cacheDir(), "code", contentHash(name)!);
}

/**
 * Reads a user-written module with its local imports, copies it to the user's cache, and registers it as an input of
 * runs.
 *
 * @param path Path of the module. `PATH#EXPORT` selects an export. Default: the default export.
 * @param field The field that the module implements.
 * @returns Content name of the module, `NAME@HASH` or `NAME@HASH#EXPORT`.
 * @throws {UserError} If a file is missing or has a syntax error, or the module lacks the export.
 */
export async function moduleInput(path: string, field: CodeField): Promise<string> {
  const { file, own } = splitModulePath(path);
  const entry = resolve(file);
  if (!exists(entry)) {
    throw new UserError(`Cannot use ${file} as ${field}: expected a module, got no file. Correct the path.`);
  }
  const paths = await localFiles(entry);
  const root = commonFolder(paths);
  const names = paths.map((path) => relative(root, path)).sort();
  const contents = Object.fromEntries(names.map((name) => [name, Deno.readFileSync(join(root, name))]));
  const list = canonicalJson({
    entry: relative(root, entry),
    files: names.map((name) => [name, sha256Hex(contents[name]!)]),
  });
  const name = `${contentName(entry, sha256Hex(list))}${own === undefined ? "" : `#${own}`}`;
  const files = { ...contents, [LIST]: list };
  if (!exists(codeFolder(name))) writeInput(codeFolder(name), files);
  addInput(name, () => Promise.resolve(files));
  await load(name, field);
  return name;
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  const isInside = (path: string) => !/^\.\.(\/|$)/.test(relative(folder, path));
  while (!paths.every(isInside)) folder = dirname(folder); // at the latest, the root
  return folder;
}

/** Returns the user-written modules of a run as pairs of the field and the module's content name. */
export function modulesOf(spec: Pick<RunSpec, CodeField>): [field: CodeField, name: string][] {
  return (Object.keys(CODE_FIELDS) as CodeField[]).flatMap((field) =>
    contentHash(spec[field]) === undefined ? [] : [[field, spec[field]] as [CodeField, string]]
  );
}

/**
 * Loads the user-written modules of a run. Afterwards, {@linkcode ownArchitecture} and {@linkcode ownOptions} return
 * their exports.
 *
 * @param spec The run's spec.
 * @param options `dir`: the sweep's folder. `runRecordedCode`: true to trust the modules in that folder (default:
 * false; only modules that this user has used before are loaded).
 * @throws {UserError} If a module is missing, damaged or untrusted.
 */
export async function loadCode(
  spec: Pick<RunSpec, CodeField>,
  { dir, runRecordedCode = false }: { dir: string; runRecordedCode?: boolean | undefined },
): Promise<void> {
  for (const [field, name] of modulesOf(spec)) {
    if (loaded.has(key(field, name))) continue;
    if (!exists(codeFolder(name))) trust(name, { dir, runRecordedCode });
    const files = filesIn(codeFolder(name))!;
    addInput(name, () => Promise.resolve(files));
    await load(name, field);
  }
}

/** Copies a module from a sweep's folder to the user's cache, if the user trusts the folder. */
function trust(name: string, { dir, runRecordedCode }: { dir: string; runRecordedCode: boolean }): void {
  const folder = foundInput(name, [dir]);
  if (!runRecordedCode) {
    throw new UserError(
      `Cannot run the code of ${name}: expected a module that you named in a spec or command, got one recorded in ` +
        `${folder}. Read it. If you trust it, pass --run-recorded-code to train, sweep, run, evaluate, generate, save-gpt2 or reproduce once.`,
    );
  }
  writeInput(codeFolder(name), verified(name, { folder, files: filesIn(folder)! }).files);
}

/** Content of a module's list: the path of its entry, and the hash of each file. */
const listSchema = v.pipe(
  v.object({ entry: v.string(), files: v.array(v.tuple([v.string(), v.string()])) }),
  v.check(({ entry, files }) => files.some(([name]) => name === entry)),
);

/** Parses a module's list. Returns undefined for any other content. */
function parseList(list: string | Uint8Array): v.InferOutput<typeof listSchema> | undefined {
  try {
    return v.parse(listSchema, parseJson(list));
  } catch {
    return undefined;
  }
}

/** Returns the entry and the listed files of a module, and requires their hashes. */
function verified(
  name: string,
  { folder, files }: { folder: string; files: Files },
): { entry: string; files: Files } {
  const refuse = (): never => {
    throw new UserError(
      `Cannot run the code in ${folder}: expected the files of ${name}, got others. Restore the folder from a copy.`,
    );
  };
  const list = files[LIST];
  if (list === undefined || !sha256Hex(list).startsWith(contentHash(name)!)) return refuse();
  const parsed = parseList(list);
  if (parsed === undefined) return refuse();
  const { entry, files: listed } = parsed;
  for (const [file, sha256] of listed) {
    if (files[file] === undefined || sha256Hex(files[file]) !== sha256) return refuse();
  }
  return {
    entry,
    files: Object.fromEntries([[LIST, list], ...listed.map(([file]) => [file, files[file]!])]),
  };
}

function key(field: CodeField, name: string): string {
  return `${field} ${name}`;
}

async function load(name: string, field: CodeField): Promise<void> {
  const folder = codeFolder(name);
  const { entry } = verified(name, { folder, files: filesIn(folder)! });
  const action = `Cannot use ${entry} as ${field}`;
  let module: Record<string, unknown>;
  try {
    module = await importFile(join(folder, entry));
  } catch (cause) {
    const { message, place } = guarded.reasonOf(cause, folder);
    throw new UserError(`${action}: expected a module that loads, got "${message}"${place}. Correct it.`, {
      cause,
    });
  }
  const own = contentExport(name);
  const found = module[own];
  if (!isOf(field, found)) {
    const exports = Object.keys(module).join(", ") || "none";
    throw new UserError(
      `${action}: expected the export ${own} to be ${CODE_FIELDS[field]}, got ${
        found === undefined ? `no such export (exports: ${exports})` : typeof found
      }. Correct the export, or name another one with ${entry}#EXPORT.`,
    );
  }
  const wrapped = guarded.wrap(found as object, { folder, entry });
  loaded.set(key(field, name), wrapped);
}

function isOf(field: CodeField, value: unknown): boolean {
  if (field === "loss" || field === "schedule") return typeof value === "function";
  const methods = field === "architecture" ? ["parameters", "forward"] : ["init", "update"];
  return typeof value === "object" && value !== null &&
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

/** Returns the loaded export of a field's module. Returns undefined if the field names no module. */
function codeOf<T>(field: CodeField, name: string): T | undefined {
  if (contentHash(name) === undefined) return undefined;
  const found = loaded.get(key(field, name));
  if (found !== undefined) return found as T;
  throw new UserError(
    `Cannot use ${name} as ${field}: expected a loaded module, got none. Name the module's file in the spec.`,
  );
}

/** Returns the user-written architecture of a run. Returns undefined for a built-in architecture. */
export function ownArchitecture({ architecture }: Pick<RunSpec, "architecture">): Architecture | undefined {
  return codeOf("architecture", architecture);
}

/** Returns true if the architecture of a run is built in, or is a user-written module that is loaded. */
export function isLoaded({ architecture }: Pick<RunSpec, "architecture">): boolean {
  return contentHash(architecture) === undefined || loaded.has(key("architecture", architecture));
}

/** Options of a trainer that user-written modules can implement. */
export interface OwnOptions {
  /** The user-written loss. Undefined: cross entropy. */
  readonly loss: Criterion | undefined;
  /** Name of a built-in optimizer, or a user-written optimizer. */
  readonly optimizer: "adamw" | "sgd" | "muon" | Optimizer;
  /** Name of a built-in schedule, or a user-written schedule. */
  readonly schedule: "cosine" | "linear" | "constant" | "wsd" | Schedule;
}

/** Returns the loss, the optimizer and the schedule of a run. Its user-written modules must be loaded. */
export function ownOptions({ loss, optimizer, schedule }: Pick<RunSpec, CodeField>): OwnOptions {
  return {
    loss: codeOf<Criterion>("loss", loss),
    optimizer: codeOf<Optimizer>("optimizer", optimizer) ?? optimizer as "adamw",
    schedule: codeOf<Schedule>("schedule", schedule) ?? schedule as "cosine",
  };
}
