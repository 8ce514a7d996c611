/**
 * Selection of distinct folders, and of distinct runs from several folders.
 *
 * @module
 */
import { exists } from "../file/exists.ts";
import { distinctRuns, isCopy, type RecordedRun, runFolder } from "../record/mod.ts";

/** The runs of a folder. */
interface Records {
  readonly dir: string;
  readonly runs: readonly RecordedRun[];
}

/** Returns each folder once. One folder can have several paths. */
export function distinctFolders(dirs: readonly string[]): string[] {
  const places = new Set<string>();
  return dirs.filter((dir) => {
    const place = exists(dir) ? Deno.realPathSync(dir) : dir; // its reader reports a missing folder
    return places.size < places.add(place).size;
  });
}

/**
 * Returns the records without runs that are copies of runs of earlier folders: the same run, in an equal environment and
 * with an equal journal.
 *
 * @param note Receives a line for each folder with copies.
 */
export function withoutCopies<R extends Records>(records: readonly R[], note: (line: string) => void): R[] {
  const distinct = new Set(distinctRuns(records.flatMap(({ runs }) => runs)));
  return records.map((record) => {
    const { dir, runs } = record, own = runs.filter((run) => distinct.has(run));
    const copy = runs.find((run) => !distinct.has(run));
    if (copy !== undefined) {
      const original = records.find(({ runs }) =>
        runs.some((run) => distinct.has(run) && isCopy(run, copy))
      )!;
      note(
        `note: ${dir}: ${
          runs.length - own.length
        } of ${runs.length} runs are copies and count once, such as that of ${
          runFolder(original.dir, copy.manifest.runId)
        }`,
      );
    }
    return { ...record, runs: own };
  });
}
