/**
 * Names of files that a run depends on, such as a user-written module or a tokenizer. The name `NAME@HASH` consists of
 * a readable name and the first 12 hexadecimal digits of the content's SHA-256. `NAME@HASH#EXPORT` names an export of a
 * module. Without `#EXPORT`, the default export is meant.
 *
 * @module
 */
import { basename, dirname } from "node:path";

/** Name of a file or folder by its content: `NAME@HASH` or `NAME@HASH#EXPORT`. */
export type ContentName = `${string}@${string}`;

/** Pattern of a content name. */
const PATTERN = /^[A-Za-z0-9._-]+@([0-9a-f]{12})(?:#([A-Za-z_$][\w$]*))?$/;

/**
 * Returns the name `NAME@HASH` of a file or folder.
 *
 * @param path Path of the file or folder. A file `tokenizer.json` is named after its folder.
 * @param sha256 SHA-256 of the content, in hex.
 */
export function contentName(path: string, sha256: string): ContentName {
  const own = basename(path).replace(/\.(json|[mc]?[jt]s)$/, "");
  const name = own === "tokenizer" || own === "" ? basename(dirname(path)) : own;
  return `${name.replaceAll(/[^A-Za-z0-9._-]+/g, "-") || "content"}@${sha256.slice(0, 12)}`;
}

/** Returns the 12 hexadecimal digits HASH of `NAME@HASH`. Returns undefined for words of another form. */
export function contentHash(word: string): string | undefined {
  return PATTERN.exec(word)?.[1];
}

/** Returns the name of the export in `NAME@HASH#EXPORT`. Returns `default` if the word names no export. */
export function contentExport(word: string): string {
  return PATTERN.exec(word)?.[2] ?? "default";
}

/** Path of a module with an optional export. Folders may have `#` in their names. */
const MODULE_PATH = /^(.*\.[mc]?[jt]s)(?:#([^\\/]*))?$/s;

/** Returns true if a word is the path of a module, such as `./my_model.ts` or `./my_model.ts#EXPORT`. */
export function isModulePath(word: string): boolean {
  return MODULE_PATH.test(word);
}

/** Splits `./my_model.ts#EXPORT` into the path of the module and the export. `own` is undefined without `#EXPORT`. */
export function splitModulePath(word: string): { file: string; own: string | undefined } {
  const [, file = word, own] = MODULE_PATH.exec(word) ?? [];
  return { file, own };
}
