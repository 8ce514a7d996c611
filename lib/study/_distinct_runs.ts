/**
 * Selection of distinct folders, and of distinct runs from several folders.
 *
 * @module
 */
import { exists } from "../file/exists.ts";
import { isCopy, type RecordedRun, runFolder } from "../record/mod.ts";

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
  const earlier = new Map<string, { dir: string; run: RecordedRun }[]>();
  return records.map((record) => {
    const { dir, runs } = record, copies: string[] = [];
    const own = runs.filter((run) => {
      const { runId } = run.manifest, others = earlier.get(runId) ?? [];
      const original = others.find((other) => isCopy(run, other.run));
      if (original !== undefined) copies.push(runFolder(original.dir, runId));
      earlier.set(runId, [...others, { dir, run }]);
      return original === undefined;
    });
    if (copies.length > 0) {
      note(
        `note: ${dir}: ${copies.length} of ${runs.length} runs are copies and count once, such as that of ${
          copies[0]
        }`,
      );
    }
    return { ...record, runs: own };
  });
}
