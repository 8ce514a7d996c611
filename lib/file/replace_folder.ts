/**
 * Folders that replace others. A rename cannot replace a folder that holds files, so two renames are needed: what was there
 * goes out, what is new comes in. Whoever starts next completes them or rolls them back, wherever they were interrupted.
 *
 * | incoming | outgoing | place | what happened                    | completion                 |
 * | -------- | -------- | ----- | -------------------------------- | -------------------------- |
 * | yes      | no       | any   | the copy may be incomplete       | incoming is deleted        |
 * | yes      | yes      | no    | killed between the two renames   | incoming comes into place  |
 * | no       | yes      | no    | incoming was lost                | outgoing goes back         |
 * | no       | yes      | yes   | both renames are done            | outgoing is deleted        |
 * | yes      | yes      | yes   | a blank folder was made in place | as if it were not there    |
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { syncFolder } from "./atomic_write.ts";

/** Suffixes of folders in a staging folder, after the name of their place. */
const INCOMING = ".new", OUTGOING = ".old";

/** A place for a folder. */
export interface FolderPlace {
  /** Where the folder is. */
  readonly place: string;
  /** A folder on the same file system for what comes and goes. One process replaces folders through it at a time. */
  readonly staging: string;
  /** Whether a folder holds nothing worth keeping. */
  readonly isBlank: (folder: string) => boolean;
}

/**
 * Replaces a folder by a new one. What was there is deleted only when the new folder is on disk in its place.
 *
 * @param at The place, which holds a folder.
 * @param fill Makes the new folder's files in a folder that is empty.
 * @throws {Error} what the system says; what was there is in its place then, or {@linkcode completeReplacement} restores it.
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
    // Another process that has come to the place may have completed it.
    if (!(error instanceof Deno.errors.NotFound && isThere(place))) throw error;
  }
  syncFolder(dirname(place));
  syncFolder(staging);
  removeIfThere(outgoing);
}

/**
 * Whether a replacement was interrupted between its two renames, so that what is in the place, if anything, is not the
 * folder that belongs there.
 */
export function isBetweenFolders(at: Pick<FolderPlace, "place" | "staging">): boolean {
  const { incoming, outgoing } = pathsOf(at);
  return isThere(outgoing) && (isThere(incoming) || !isThere(at.place));
}

/**
 * Completes an interrupted replacement, or rolls it back. An incomplete copy is left alone: a process may be at work on it.
 *
 * @throws {UserError} when there is a folder in the place that is neither the one that goes nor the one that comes.
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

/** Returns the names of places that have something in a staging folder; none where it does not exist. */
export function stagedNames(staging: string): string[] {
  if (!isThere(staging)) return [];
  const names = [...Deno.readDirSync(staging)].map(({ name }) => name);
  return [...new Set(names.filter((name) => /\.(new|old)$/.test(name)).map((name) => name.slice(0, -4)))];
}

/** Deletes what an interrupted copy left in a staging folder. Only its one user may call this. */
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

/** Whether anything is at a path, even a link that leads nowhere. */
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
