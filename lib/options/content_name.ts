/**
 * Names of content that a run depends on: `NAME@HASH`, with a readable name and the first 12 hexadecimal digits of the
 * content's SHA-256. `NAME@HASH#EXPORT` is an export of a module other than its default export.
 *
 * @module
 */
import { basename, dirname } from "node:path";

/** Name of content in a spec. */
export type ContentName = `${string}@${string}`;

/** Pattern of a content name. */
const PATTERN = /^[A-Za-z0-9._-]+@([0-9a-f]{12})(?:#([A-Za-z_$][\w$]*))?$/;

/**
 * Returns the name of content.
 *
 * @param path File or folder of the content. A file with a general name is named after its folder.
 * @param sha256 SHA-256 of the content, in hex.
 */
export function contentName(path: string, sha256: string): ContentName {
  const own = basename(path).replace(/\.(json|[mc]?[jt]s)$/, "");
  const name = own === "tokenizer" || own === "" ? basename(dirname(path)) : own;
  return `${name.replaceAll(/[^A-Za-z0-9._-]+/g, "-") || "content"}@${sha256.slice(0, 12)}`;
}

/** Returns the 12 hexadecimal digits of a content name. Returns undefined for other words. */
export function contentHash(word: string): string | undefined {
  return PATTERN.exec(word)?.[1];
}

/** Returns the export that a content name has after `#`. Default: `default`. */
export function contentExport(word: string): string {
  return PATTERN.exec(word)?.[2] ?? "default";
}

/** Returns true if a word is the path of a module, `./my_model.ts` or `./my_model.ts#EXPORT`. */
export function isModulePath(word: string): boolean {
  return /\.[mc]?[jt]s(#.*)?$/.test(word);
}
