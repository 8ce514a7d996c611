/**
 * Crash-safe replacement of folders. A rename cannot replace a folder that holds files, so that two renames are needed.
 * The first moves the old folder (outgoing) to a staging folder. The second moves the new folder (incoming) from the
 * staging folder to the destination (place). After an interruption, {@linkcode completeReplacement} completes the
 * replacement or rolls it back.
 *
 * | incoming | outgoing | place | cause                            | completion                    |
 * | -------- | -------- | ----- | -------------------------------- | ----------------------------- |
 * | yes      | no       | any   | the copy may be incomplete       | incoming is deleted           |
 * | yes      | yes      | no    | killed between the two renames   | incoming is moved into place  |
 * | no       | yes      | no    | incoming was lost                | outgoing is moved back        |
 * | no       | yes      | yes   | both renames are done            | outgoing is deleted           |
 * | yes      | yes      | yes   | a blank folder was made in place | the blank folder is replaced  |
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { syncFolder } from "./atomic_write.ts";

/** Suffixes of folders in a staging folder. The name of the destination comes before them. */
const INCOMING = ".new", OUTGOING = ".old";

/** A folder to replace, and the staging folder for its replacement. */
export interface FolderPlace {
  /** Path of the folder to replace, the destination. */
  readonly place: string;
  /** Path of the staging folder. It is on the same file system, and only one process at a time uses it. */
  readonly staging: string;
  /** Returns true if a folder at the destination may be deleted because it contains no results. */
  readonly isBlank: (folder: string) => boolean;
}

/**
 * Replaces a folder. The old folder is deleted only after the new folder is at the destination and synced to disk.
 *
 * @param at The folder to replace, which exists, and the staging folder.
 * @param fill Creates the files of the new folder in the given empty folder.
 * @throws {Error} Errors of the system. After an error, the old folder is still at the destination, or
 * {@linkcode completeReplacement} completes or undoes the replacement.
 */
export function replaceFolder(at: FolderPlace, fill: (folder: string) => void): void {
  const { place, staging } = at, { incoming, outgoing } = pathsOf(at);
  try {
    Deno.mkdirSync(incoming);
    fill(incoming);
    for (const { name } of Deno.readDirSync(incoming)) syncFile(join(incoming, name));
    syncFolder(incoming);
    syncFolder(staging);
    Deno.renameSync(place, outgoing);
  } catch (error) {
    removeIfThere(incoming);
    throw error;
  }
  try {
    Deno.renameSync(incoming, place);
  } catch (error) {
    // Another process may have completed the replacement.
    if (!(error instanceof Deno.errors.NotFound && isThere(place))) throw error;
  }
  syncFolder(dirname(place));
  syncFolder(staging);
  removeIfThere(outgoing);
}

/**
 * Returns true if a replacement was interrupted between its two renames. The destination then has no folder, or a blank
 * folder that another process has created since.
 */
export function isBetweenFolders(at: Pick<FolderPlace, "place" | "staging">): boolean {
  const { incoming, outgoing } = pathsOf(at);
  return isThere(outgoing) && (isThere(incoming) || !isThere(at.place));
}

/**
 * Completes an interrupted replacement, or rolls it back. If the replacement was interrupted before its first rename,
 * nothing changes: the incomplete new folder is kept, since another process may be writing it.
 *
 * @throws {UserError} If the destination has a folder with files that is neither the old nor the new folder.
 */
export function completeReplacement(at: FolderPlace): void {
  const { place, staging, isBlank } = at, { incoming, outgoing } = pathsOf(at);
  if (!isThere(outgoing)) return;
  if (isBetweenFolders(at)) {
    if (isThere(place) && !isBlank(place)) {
      throw new UserError(
        `Cannot complete the replacement of ${place}: expected no folder there, got one with files. ` +
          `Move it away, or delete ${outgoing} and ${incoming}.`,
      );
    }
    removeIfThere(place);
    Deno.renameSync(isThere(incoming) ? incoming : outgoing, place);
    syncFolder(dirname(place));
    syncFolder(staging);
  }
  removeIfThere(outgoing);
}

/**
 * Returns the names of the folders whose replacement was interrupted, from a staging folder. Returns an empty list if
 * the staging folder is missing.
 */
export function stagedNames(staging: string): string[] {
  if (!isThere(staging)) return [];
  const names = [...Deno.readDirSync(staging)].map(({ name }) => name);
  return [...new Set(names.filter((name) => /\.(new|old)$/.test(name)).map((name) => name.slice(0, -4)))];
}

/**
 * Deletes the incomplete new folder of an interrupted replacement from the staging folder. Only the process that uses
 * the staging folder may call this function.
 */
export function removeIncoming(at: Pick<FolderPlace, "place" | "staging">): void {
  removeIfThere(pathsOf(at).incoming);
}

function pathsOf({ place, staging }: Pick<FolderPlace, "place" | "staging">) {
  const path = join(staging, basename(place));
  return { incoming: path + INCOMING, outgoing: path + OUTGOING };
}

function syncFile(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}

/** Returns true if a path exists, even as a dangling link. */
function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
