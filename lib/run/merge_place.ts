/**
 * Replacement of run folders by `merge`, and the completion of interrupted merges.
 *
 * @module
 */
import { join } from "node:path";
import { isEmpty } from "../file/exists.ts";
import { completeReplacement, type FolderPlace, stagedNames } from "../file/replace_folder.ts";
import { requireInside, runFolder, runPaths } from "../record/mod.ts";

/**
 * Returns the path of a sweep's staging folder, in which a merge prepares run folders.
 *
 * @param dir The sweep's folder.
 * @throws {UserError} If the staging folder is a link to a folder outside of the sweep's folder.
 */
export function mergeStaging(dir: string): string {
  const staging = join(dir, ".merge");
  requireInside(dir, staging);
  return staging;
}

/**
 * Returns a run's folder and its staging folder, for `replaceFolder`. `isBlank` returns true for a folder with an empty
 * journal: it contains no results, so that `replaceFolder` may delete it.
 */
export function runPlace(folder: string): FolderPlace {
  return {
    place: folder,
    staging: mergeStaging(join(folder, "..", "..")),
    isBlank: (path) => isEmpty(runPaths(path).journal),
  };
}

/**
 * Completes the replacements of run folders that an interrupted merge left in a sweep's folder.
 *
 * @param dir The sweep's folder.
 * @returns The IDs of the affected runs.
 * @throws {UserError} If a new run has since been recorded in the folder of an affected run.
 */
export function completeMerges(dir: string): string[] {
  const ids = stagedNames(mergeStaging(dir));
  for (const id of ids) completeReplacement(runPlace(runFolder(dir, id)));
  return ids;
}
