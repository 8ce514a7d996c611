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
import { addUserModule, callUser, importUser } from "../error/user_code.ts";
import { UserError } from "../error/user_error.ts";
import { importFile } from "../file/import_file.ts";
import { cacheDir } from "../fetch/cache.ts";
import { exists } from "../file/exists.ts";
import { parseJson } from "../file/json.ts";
import type { Architecture } from "../model/mod.ts";
import { contentExport, contentHash, contentName, splitModulePath } from "../options/content_name.ts";
import { canonicalJson, type RunSpec, sha256Hex } from "../record/mod.ts";
import type { Criterion, Optimizer, Schedule } from "../train/mod.ts";
import { resultOf } from "./_isolated.ts";
import { type ExportForm, guardedExport } from "./_own_calls.ts";
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

/** Methods of the exports. */
const FORMS: Readonly<Record<CodeField, ExportForm>> = {
  architecture: { methods: ["parameters", "forward"], optional: ["flops"] },
  loss: { methods: [] },
  optimizer: { methods: ["init", "update"] },
  schedule: { methods: [] },
};

/** A field of a run and the name of its module. */
export type ModuleOfField = readonly [field: CodeField, name: string];

/** Name of the file that lists the other files of a module. */
const LIST = "losskit.module.json";

/** Exports of modules that this process has loaded, by field and name. */
const loaded = new Map<string, unknown>();

function codeFolder(name: string): string {
  return join(cacheDir(), "code", contentHash(name)!);
}

/**
 * Reads user-written modules with their local imports, copies them to the user's cache, and registers them as inputs of
 * runs.
 *
 * @param modules Path and field of each module. `#EXPORT` after a path chooses an export other than the default one.
 * @returns For each module `NAME@HASH`, or `NAME@HASH#EXPORT`.
 * @throws {UserError} If a file is missing or has a syntax error, or a module does not load or has no such export.
 */
export async function moduleInputs(
  modules: readonly (readonly [path: string, field: CodeField])[],
): Promise<string[]> {
  const names: string[] = [];
  for (const [path, field] of modules) names.push(await readModule(path, field));
  await loadModules(modules.map(([, field], i) => [field, names[i]!]));
  return names;
}

/** Copies a module to the user's cache, and returns its name. */
async function readModule(path: string, field: CodeField): Promise<string> {
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
  const folder = codeFolder(name);
  if (exists(folder) && !isWhole(name, folder)) Deno.removeSync(folder, { recursive: true });
  if (!exists(folder)) writeInput(folder, files);
  addInput(name, () => Promise.resolve(files));
  return name;
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  const isInside = (path: string) => !/^\.\.(\/|$)/.test(relative(folder, path));
  while (!paths.every(isInside)) folder = dirname(folder); // at the latest, the root
  return folder;
}

/** Returns the user-written modules of a run as pairs of the field and the module's content name. */
export function modulesOf(spec: Pick<RunSpec, CodeField>): ModuleOfField[] {
  return (Object.keys(CODE_FIELDS) as CodeField[]).flatMap((field) =>
    contentHash(spec[field]) === undefined ? [] : [[field, spec[field]] as const]
  );
}

/**
 * Loads the user-written modules of a run. Afterwards, {@linkcode ownArchitecture} and {@linkcode ownOptions} return
 * their exports.
 *
 * @param spec The run's spec.
 * @param options `dir`: the sweep's folder. `runRecordedCode`: true to trust the modules in that folder (default: false).
 * Otherwise, only modules that this user has used before are loaded. `isolated`: true if this process exists for the run,
 * so that no other process tries the import first (default: false).
 * @throws {UserError} If a module is missing, damaged or untrusted, or does not load.
 */
export async function loadCode(
  spec: Pick<RunSpec, CodeField>,
  { dir, runRecordedCode = false, isolated = false }: {
    dir: string;
    runRecordedCode?: boolean | undefined;
    isolated?: boolean;
  },
): Promise<void> {
  const modules = modulesOf(spec).filter(([field, name]) => !loaded.has(key(field, name)));
  for (const [, name] of modules) {
    if (!exists(codeFolder(name))) trust(name, { dir, runRecordedCode });
    const files = filesIn(codeFolder(name))!;
    addInput(name, () => Promise.resolve(files));
  }
  await (isolated ? importModules(modules) : loadModules(modules));
}

/** Imports modules, after another process has. A module that exits, hangs or crashes thus ends that process alone. */
async function loadModules(modules: readonly ModuleOfField[]): Promise<void> {
  const added = modules.filter(([field, name]) => !loaded.has(key(field, name)));
  if (added.length === 0) return;
  const program = new URL("./check_import.ts", import.meta.url).href;
  await resultOf(program, added, `import ${entriesOf(added)}`);
  await importModules(added);
}

/** Returns the files of modules, for messages. */
export function entriesOf(modules: readonly ModuleOfField[]): string {
  return [...new Set(modules.map(([, name]) => verifiedModule(name).entry))].join(", ");
}

/** Imports modules from the user's cache. */
export async function importModules(modules: readonly ModuleOfField[]): Promise<void> {
  for (const [field, name] of modules) await load(name, field);
}

/**
 * Imports the modules of a run again, without the state of the first import.
 *
 * @param folder Empty folder for their copies.
 */
export async function importAgain(spec: Pick<RunSpec, CodeField>, folder: string): Promise<void> {
  for (const [field, name] of modulesOf(spec)) {
    const place = join(folder, field);
    writeInput(place, verifiedModule(name).files);
    await load(name, field, place);
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

/** Returns whether a folder has all files of a module. */
function isWhole(name: string, folder: string): boolean {
  try {
    verified(name, { folder, files: filesIn(folder)! });
    return true;
  } catch {
    return false;
  }
}

function key(field: CodeField, name: string): string {
  return `${field} ${name}`;
}

/** Returns the entry and the files of a module in the user's cache, and requires their hashes. */
function verifiedModule(name: string): { entry: string; files: Files } {
  const folder = codeFolder(name);
  return verified(name, { folder, files: filesIn(folder)! });
}

async function load(name: string, field: CodeField, folder: string = codeFolder(name)): Promise<void> {
  const { entry } = verifiedModule(name), place = { folder, entry };
  const action = `Cannot use ${entry} as ${field}`;
  addUserModule(place);
  const module = await importUser(() => importFile(join(folder, entry)), action, place);
  const own = contentExport(name);
  const value = callUser(() => module[own], `the export ${own}`, place);
  const found = guardedExport(value, FORMS[field], place);
  if (typeof found !== "string") return void loaded.set(key(field, name), found);
  const exports = Object.keys(module).join(", ") || "none";
  throw new UserError(
    `${action}: expected the export ${own} to be ${CODE_FIELDS[field]}, got ${
      value === undefined ? `no such export (exports: ${exports})` : found
    }. Correct the export, or name another one with ${entry}#EXPORT.`,
  );
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
