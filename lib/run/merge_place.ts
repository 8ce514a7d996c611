/**
 * Locations through which a merge replaces run folders, and the completion of interrupted merges.
 *
 * @module
 */
import { join } from "node:path";
import { isEmpty } from "../file/exists.ts";
import { completeReplacement, type FolderPlace, stagedNames } from "../file/replace_folder.ts";
import { requireInside, runFolder, runPaths } from "../record/mod.ts";

/**
 * Returns the staging folder of merges in a sweep folder.
 *
 * @throws {UserError} If the staging folder is a link that leaves the sweep folder.
 */
export function mergeStaging(dir: string): string {
  const staging = join(dir, ".merge");
  requireInside(dir, staging);
  return staging;
}

/** Returns the place of a run for a given run folder. */
export function runPlace(folder: string): FolderPlace {
  return {
    place: folder,
    staging: mergeStaging(join(folder, "..", "..")),
    isBlank: (path) => isEmpty(runPaths(path).journal),
  };
}

/**
 * Completes the replacements that an interrupted merge left in a sweep folder.
 *
 * @returns The affected run IDs, without duplicates.
 * @throws {UserError} If other files occupy the place of a run.
 */
export function completeMerges(dir: string): string[] {
  const ids = stagedNames(mergeStaging(dir));
  for (const id of ids) completeReplacement(runPlace(runFolder(dir, id)));
  return ids;
}
