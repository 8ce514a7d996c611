/**
 * Loading of a user's text files, folders and glob patterns as a corpus. The files are its documents.
 *
 * @module
 */
import { globSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import {
  type ByteSource,
  checkText,
  type Corpus,
  requireDistinct,
  sha256OfList,
  unreadable,
} from "./corpus.ts";

/** Last sentence of the error for a missing text. */
const REMEDY = "Correct --data, or data in the spec. The built-in text is shakespeare";

/** Characters that make a path a pattern, if no file has that path. */
const PATTERN = /[*?[{]/;

/**
 * Loads a text file in UTF-8, all files of a folder and its subfolders, or all files that match a pattern.
 *
 * The files are sorted by their paths, which use `/` as separator and are compared by UTF-16 code units. The validation
 * split is the last tenth of the bytes, so that it comes from the last files. A folder and a pattern that matches the
 * folder's files give the same corpus. Empty files, and files whose path has a name that begins with a dot, are skipped
 * in folders and patterns. Byte order marks are dropped, and line ends are kept. The files are read at least twice and
 * must not change while they are used.
 *
 * @param path A file, a folder, or a pattern with `*`, `**`, `?`, `[]` or `{}` in the syntax of Node's `glob`.
 * @throws {UserError} If the path does not exist, or a file occurs twice through a link. Also if a file is empty,
 * unreadable, not a regular file, or not UTF-8. The message then has the offset of the first invalid byte.
 */
export function loadTextFiles(path: string): Corpus {
  const found = findFiles(path);
  const checked = found.files.filter((file) => file.bytes > 0 || found.kind === "file").map(checkText);
  if (checked.length === 0) {
    throw unreadable(path, {
      reason: found.files.length > 0 ? "has only empty files" : nothingIn(found.kind),
    });
  }
  const documents = checked.map(({ document }) => document);
  requireDistinct(documents);
  return {
    name: basename(resolve(path)), // of "." too
    documents,
    sha256: found.kind === "file" ? checked[0]!.sha256 : sha256OfList(checked.map(({ sha256 }) => sha256)),
    bytes: documents.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function nothingIn(kind: Found["kind"]): string {
  return kind === "folder"
    ? "has no files (names that begin with a dot are ignored)"
    : "does not exist, and matches no file as a pattern";
}

/** The files that a path refers to. */
interface Found {
  readonly kind: "file" | "folder" | "pattern";
  readonly files: ByteSource[];
}

function findFiles(path: string): Found {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (!missing) throw unreadable(path, { reason: `cannot be opened (${messageOf(error)})`, cause: error });
    if (!PATTERN.test(path)) throw unreadable(path, { reason: `does not exist. ${REMEDY}`, cause: error });
    const split = splitPattern(path);
    const matches = globSync(split.pattern, { cwd: split.folder === "" ? "." : split.folder });
    const paths = matches.filter((match) => !isLeftOut(match, split)).map((match) =>
      join(split.folder, match)
    );
    return { kind: "pattern", files: filesAt(paths) };
  }
  if (info.isDirectory) return { kind: "folder", files: filesAt(pathsIn(path)) };
  return { kind: "file", files: [fileAt(path, info)!] };
}

/**
 * Returns true if a match contains a hidden name or a link to a folder that the pattern does not name literally.
 * {@linkcode pathsIn} excludes such matches.
 */
function isLeftOut(match: string, { folder, pattern }: { folder: string; pattern: string }): boolean {
  const written = new Set(pattern.split(/[\\/]/));
  let path = folder;
  return match.split(/[\\/]/).some((name) => {
    path = join(path, name);
    return !written.has(name) && (name.startsWith(".") || Deno.lstatSync(path).isSymlink && isFolder(path));
  });
}

/**
 * Splits a pattern after its leading folders that exist under exactly the given name. In the name of an existing
 * folder, `[1]` is thus literal.
 */
function splitPattern(path: string): { folder: string; pattern: string } {
  const names = path.split("/");
  let folder = isAbsolute(path) ? "/" : "";
  while (names.length > 1 && isFolder(join(folder, names[0]!))) folder = join(folder, names.shift()!);
  return { folder, pattern: names.join("/") };
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Returns the paths of all files in a folder and its subfolders. */
function pathsIn(folder: string): string[] {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (cause) {
    throw unreadable(folder, { reason: `cannot be opened (${messageOf(cause)})`, cause });
  }
  return names.filter((name) => !name.startsWith(".")).flatMap((name) => {
    const path = join(folder, name);
    if (!stat(path).isDirectory) return [path];
    // A link to a folder may form a cycle.
    return Deno.lstatSync(path).isSymlink ? [] : pathsIn(path);
  });
}

/**
 * Returns the files at paths, sorted by code units of the paths, the same order on every machine. Folders are skipped.
 */
function filesAt(paths: readonly string[]): ByteSource[] {
  const sorted = [...new Set(paths)].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
  return sorted.flatMap((path) => fileAt(path) ?? []);
}

function stat(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (cause) {
    throw unreadable(path, { reason: `cannot be opened (${messageOf(cause)})`, cause });
  }
}

/** Returns the file at a path. Returns undefined for a folder. */
function fileAt(path: string, info: Deno.FileInfo = stat(path)): ByteSource | undefined {
  if (info.isDirectory) return undefined;
  if (!info.isFile) throw unreadable(path, { reason: "is a device, a pipe or a socket" });
  const absolute = resolve(path);
  const file = info.ino === null ? Deno.realPathSync(path) : `${info.dev}:${info.ino}`;
  return { name: path, file, bytes: info.size, read: (start, into) => readStretch(absolute, start, into) };
}

/**
 * Reads a range. The file is opened for each range, since a folder may have more files than a process may keep open.
 */
function readStretch(path: string, start: number, bytes: Uint8Array): Uint8Array {
  try {
    using file = Deno.openSync(path);
    if (start > 0) file.seekSync(start, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) {
      const read = file.readSync(bytes.subarray(at));
      if (read === null) throw new Error("it was truncated during reading");
      at += read;
    }
  } catch (cause) {
    throw unreadable(path, { reason: `cannot be read (${messageOf(cause)})`, cause });
  }
  return bytes;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
