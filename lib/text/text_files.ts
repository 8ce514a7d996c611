/**
 * A user's texts: files, folders and patterns become one corpus whose documents are the files.
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

/** What makes a name a pattern, where no file has it. */
const PATTERN = /[*?[{]/;

/**
 * Loads a text file in UTF-8, all files of a folder and its folders, or all files that a pattern fits.
 *
 * Files are in the order of their whole paths with `/`, by code units, so that the last ones are the validation part. A
 * folder and a pattern of its files are the same corpus. Of folders and patterns, empty files and what has a name that
 * begins with a dot are left out. Byte order marks are dropped; line ends stay as they are. The files are read twice or
 * more, a mebibyte at a time, and must not change meanwhile.
 *
 * @param path A file, a folder, or a pattern with `*`, `**`, `?`, `[]` or `{}`, as Node's `glob` reads it.
 * @throws {UserError} if there is nothing there, or something is not a text in UTF-8 (with the byte offset), empty,
 * unreadable or no file, or a file is there twice, by a link.
 */
export function loadTextFiles(path: string): Corpus {
  const found = findFiles(path);
  const checked = found.files.filter((file) => file.bytes > 0 || found.kind === "file").map(checkText);
  if (checked.length === 0) {
    throw unreadable(path, {
      reason: found.files.length > 0 ? "has no text in it: all its files are empty" : nothingIn(found.kind),
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
    ? "has no files in it (those whose names begin with a dot do not count)"
    : "does not exist, and as a pattern it fits no file";
}

/** What a path stands for. */
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
    if (!PATTERN.test(path)) throw unreadable(path, { reason: "does not exist", cause: error });
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
 * Whether a folder's files, as {@linkcode pathsIn} finds them, are without a match: it has a hidden name in it or goes
 * through a link to a folder, which the pattern does not write out.
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
 * Splits a pattern after the folders at its beginning that are there under just this name: `[1]` in the name of one is no
 * choice of characters.
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

/** The paths of what is in a folder and its folders. */
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
    // A link to a folder may lead back to where it stands.
    return Deno.lstatSync(path).isSymlink ? [] : pathsIn(path);
  });
}

/** The files at paths, by code units of the paths: the same order on every machine. Folders are left out. */
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

/** A file to read; undefined for a folder. */
function fileAt(path: string, info: Deno.FileInfo = stat(path)): ByteSource | undefined {
  if (info.isDirectory) return undefined;
  if (!info.isFile) throw unreadable(path, { reason: "is no file, but a device, a pipe or a socket" });
  const absolute = resolve(path);
  const file = info.ino === null ? Deno.realPathSync(path) : `${info.dev}:${info.ino}`;
  return { name: path, file, bytes: info.size, read: (start, into) => readStretch(absolute, start, into) };
}

/** Opened for each stretch: a folder may have more files than a process may hold open. */
function readStretch(path: string, start: number, bytes: Uint8Array): Uint8Array {
  try {
    using file = Deno.openSync(path);
    if (start > 0) file.seekSync(start, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) {
      const read = file.readSync(bytes.subarray(at));
      if (read === null) throw new Error("it became shorter while it was read");
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
