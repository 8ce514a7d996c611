/**
 * Crash-safe replacement of folders. A rename cannot replace a folder that holds files, so two renames are needed: the
 * old folder moves to the staging folder (outgoing), then the new one moves into place (incoming). After an
 * interruption, {@linkcode completeReplacement} completes the replacement or rolls it back.
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

/** The destination of a folder, and the means to replace it. */
export interface FolderPlace {
  /** Path of the folder. */
  readonly place: string;
  /** Path of the staging folder, on the same file system. Only one process at a time may use it. */
  readonly staging: string;
  /** Returns whether a folder holds nothing worth keeping. */
  readonly isBlank: (folder: string) => boolean;
}

/**
 * Replaces a folder by a new one. The old folder is deleted only after the new one is in place and on disk.
 *
 * @param at The destination, which holds a folder.
 * @param fill Creates the new folder's files in an empty folder.
 * @throws {Error} Errors of the system. The old folder is then in place, or {@linkcode completeReplacement} restores
 * it.
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

/** Returns whether a replacement was interrupted between its two renames, so that the destination lacks its folder. */
export function isBetweenFolders(at: Pick<FolderPlace, "place" | "staging">): boolean {
  const { incoming, outgoing } = pathsOf(at);
  return isThere(outgoing) && (isThere(incoming) || !isThere(at.place));
}

/**
 * Completes an interrupted replacement, or rolls it back. An incomplete copy is kept, since a process may be writing
 * it.
 *
 * @throws {UserError} If the destination holds a third folder, neither old nor new.
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

/** Returns the names of folders with leftovers in a staging folder; empty if the staging folder is missing. */
export function stagedNames(staging: string): string[] {
  if (!isThere(staging)) return [];
  const names = [...Deno.readDirSync(staging)].map(({ name }) => name);
  return [...new Set(names.filter((name) => /\.(new|old)$/.test(name)).map((name) => name.slice(0, -4)))];
}

/**
 * Deletes the incomplete copy that an interrupted replacement left. Only the staging folder's single user may call
 * this.
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

/** Returns whether a path exists, even as a dangling link. */
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
