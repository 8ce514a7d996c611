/**
 * Where a merge replaces the folders of runs, and how one that was killed is completed.
 *
 * @module
 */
import { join } from "node:path";
import { exists } from "../file/exists.ts";
import { completeReplacement, type FolderPlace, stagedNames } from "../file/replace_folder.ts";
import { runFolder, runPaths } from "../record/mod.ts";

/** The folder in a sweep's folder through which a merge replaces runs. */
export function mergeStaging(dir: string): string {
  return join(dir, ".merge");
}

/** The place of a run, by the run's folder. */
export function runPlace(folder: string): FolderPlace {
  return {
    place: folder,
    staging: mergeStaging(join(folder, "..", "..")),
    isBlank: (path) => !exists(runPaths(path).journal),
  };
}

/**
 * Completes the replacements that a killed merge left in a sweep's folder.
 *
 * @returns The identities of runs that something is left of, each once.
 * @throws {UserError} when other files are in the place of a run.
 */
export function completeMerges(dir: string): string[] {
  const ids = stagedNames(mergeStaging(dir));
  for (const id of ids) completeReplacement(runPlace(runFolder(dir, id)));
  return ids;
}
