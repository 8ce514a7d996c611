/**
 * Files that are there whole or not at all.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { namedFault } from "../error/disk_fault.ts";
import { tryLock } from "./lock.ts";

/**
 * Writes a file beside its place, waits until the disk has it, and moves it there. A file that replaces one of the same size
 * gets a time of a later second, if need be one that is yet to come: rsync takes files of equal size and second for equal.
 *
 * @param path The place. A link there is replaced, not followed.
 * @param content UTF-8 text or bytes.
 * @param options `beforeRename` is called when only the rename is left to do; what it throws cancels the write.
 * @throws {UserError} for a full or read-only disk and other faults that last, naming the file.
 * @throws {Error} what the system says otherwise; nothing is left beside the place then, and what was there stays.
 */
export function atomicWrite(
  path: string,
  content: string | Uint8Array,
  { beforeRename }: { beforeRename?: () => void } = {},
): void {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  removeLeftovers(dirname(path), path);
  let complete = false;
  try {
    using file = Deno.openSync(temporary, { createNew: true, write: true });
    tryLock(file); // so that no other process takes it for a leftover
    let written = 0;
    while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
    file.syncDataSync();
    moveSecondOn(temporary, path);
    beforeRename?.();
    complete = true;
    Deno.renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    if (complete && error instanceof Deno.errors.NotFound) {
      // Another process took it for a leftover in the moment before it was locked.
      return atomicWrite(path, content, beforeRename && { beforeRename });
    }
    try {
      Deno.removeSync(temporary);
    } catch {
      // It may not have come into being; the first error is the one to tell.
    }
    throw namedFault(path, error);
  }
}

/** Gives a file a later second than the one of the same size that it is about to replace. */
function moveSecondOn(path: string, replaced: string): void {
  try {
    const { size, mtime } = Deno.statSync(path), before = Deno.statSync(replaced);
    const second = (time: Date | null) => Math.floor((time?.getTime() ?? 0) / 1000);
    if (size !== before.size || second(mtime) > second(before.mtime)) return;
    const later = second(before.mtime) + 1;
    Deno.utimeSync(path, later, later);
  } catch {
    // There is nothing to replace, or a file system without times: then copies have to look into files.
  }
}

/** Waits until the disk has a folder's entries: without it a power cut may undo a rename. */
export function syncFolder(path: string): void {
  try {
    using folder = Deno.openSync(path);
    folder.syncSync();
  } catch {
    // Some file systems cannot sync a folder; the file itself is on disk.
  }
}

/**
 * Removes what {@linkcode atomicWrite} left beside the places of files when it was killed. What another process is writing
 * just now is locked and stays; without file locks, everything younger than a day stays.
 *
 * @param folder The folder.
 * @param name The file whose leftovers are meant. Default: every file's.
 */
export function removeLeftovers(folder: string, name?: string): void {
  for (const entry of Deno.readDirSync(folder)) {
    const place = LEFTOVER.exec(entry.name)?.[1];
    if (!entry.isFile || place === undefined || (name !== undefined && place !== basename(name))) continue;
    const path = join(folder, entry.name);
    try {
      using file = Deno.openSync(path);
      const { mtime } = file.statSync();
      if (tryLock(file) ?? Date.now() - (mtime?.getTime() ?? 0) > LEFT_AFTER) Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it is in its place by now
    }
  }
}

/** The name of a file that was being written, and of its place. */
const LEFTOVER = /^(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Age of a leftover that nobody writes any more, in milliseconds, where locks do not tell: a day. */
const LEFT_AFTER = 24 * 3600 * 1000;
