/**
 * Atomic file writes: a file is either complete or absent.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { namedFault } from "../error/disk_fault.ts";
import { tryLock } from "./lock.ts";

/**
 * Writes a file atomically. Writes a temporary file in the same folder, syncs it to disk, and renames it to `path`.
 *
 * rsync skips a file if its size and its modification time in whole seconds are unchanged. If the new file has the size
 * of the old one, its modification time is therefore set to a later second, even if that second is in the future.
 *
 * @param path The destination. A symbolic link there is replaced, not followed.
 * @param content Text, which is written in UTF-8, or bytes.
 * @param options `beforeRename` is called just before the rename. If it throws an error, the file is not written.
 * @throws {UserError} For persistent faults, such as a full or read-only disk. The message names the file.
 * @throws {Error} Other errors of the system. The previous file is kept, and the temporary file is removed.
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
    tryLock(file); // so that no other process removes it as a leftover
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
      // Another process removed it as a leftover before it was locked.
      return atomicWrite(path, content, beforeRename && { beforeRename });
    }
    try {
      Deno.removeSync(temporary);
    } catch {
      // It may not exist; the first error is the one to report.
    }
    throw namedFault(path, error);
  }
}

/**
 * Sets a file's modification time to a later second than the time of the file that it replaces, if both have the same
 * size.
 */
function moveSecondOn(path: string, replaced: string): void {
  try {
    const { size, mtime } = Deno.statSync(path), before = Deno.statSync(replaced);
    const second = (time: Date | null) => Math.floor((time?.getTime() ?? 0) / 1000);
    if (size !== before.size || second(mtime) > second(before.mtime)) return;
    const later = second(before.mtime) + 1;
    Deno.utimeSync(path, later, later);
  } catch {
    // There is no file to replace, or the file system has no times: then copying tools have to compare contents.
  }
}

/** Syncs a folder's entries to disk. Without the sync, a power failure may undo a rename. */
export function syncFolder(path: string): void {
  try {
    using folder = Deno.openSync(path);
    folder.syncSync();
  } catch {
    // Some file systems cannot sync a folder; the file itself is on disk.
  }
}

/**
 * Removes temporary files that {@linkcode atomicWrite} left in a folder when its process was killed. Files that another
 * process is writing are locked, and are kept. If the file system has no locks, files younger than a day are kept.
 *
 * @param folder The folder.
 * @param name Destination whose temporary files are removed. Default: all destinations in the folder.
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
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it was renamed in the meantime
    }
  }
}

/** Pattern of temporary files' names. The group is the name of the destination. */
const LEFTOVER = /^(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Age from which a leftover counts as abandoned where files cannot be locked, in milliseconds: one day. */
const LEFT_AFTER = 24 * 3600 * 1000;
