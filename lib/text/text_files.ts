/**
 * A user's texts: files, folders and patterns become one corpus whose documents are the files.
 *
 * @module
 */
import { globSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type ByteSource, checkText, type Corpus, sha256OfList, unreadable } from "./corpus.ts";

/** What makes a name a pattern, where no file has it. */
const PATTERN = /[*?[{]/;

/**
 * Loads a text file in UTF-8, all files of a folder and its folders, or all files that a pattern fits.
 *
 * Files are in the order of their paths, so that the last ones are the validation part. Of folders and patterns, empty
 * files and what has a name that begins with a dot are left out. Byte order marks are dropped; line ends stay as they are.
 * The files are read twice or more, a mebibyte at a time, and must not change meanwhile.
 *
 * @param path A file, a folder, or a pattern with `*`, `**`, `?`, `[]` or `{}`, as Node's `glob` reads it.
 * @throws {UserError} if there is nothing there, or something is not a text in UTF-8 (with the byte offset), empty,
 * unreadable or no file.
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
    const matches = globSync(path).filter((match) => !isHidden(match, path));
    return { kind: "pattern", files: sorted(matches).flatMap((match) => fileAt(match) ?? []) };
  }
  if (info.isDirectory) return { kind: "folder", files: filesIn(path) };
  return { kind: "file", files: [fileAt(path, info)!] };
}

/** Whether a match goes through a hidden name that the pattern does not write out. */
function isHidden(match: string, pattern: string): boolean {
  const written = new Set(pattern.split(/[\\/]/));
  return match.split(/[\\/]/).some((name) => name.startsWith(".") && !written.has(name));
}

function filesIn(folder: string): ByteSource[] {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (cause) {
    throw unreadable(folder, { reason: `cannot be opened (${messageOf(cause)})`, cause });
  }
  return sorted(names.filter((name) => !name.startsWith("."))).flatMap((name) => {
    const path = join(folder, name);
    const info = stat(path);
    if (!info.isDirectory) return fileAt(path, info) ?? [];
    // A link to a folder may lead back to where it stands.
    return Deno.lstatSync(path).isSymlink ? [] : filesIn(path);
  });
}

/** By code units: the same order on every machine. */
function sorted(names: string[]): string[] {
  return names.sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
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
  return { name: path, bytes: info.size, read: (start, into) => readStretch(absolute, start, into) };
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
