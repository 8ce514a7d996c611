/**
 * Finished runs and failures as a sweep finds or leaves them in its folder.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { openOwnFile } from "../file/own_file.ts";
import {
  type Environment,
  journalStatus,
  JournalWriter,
  readJournal,
  readManifest,
  requirePlace,
  runFolder,
  runPaths,
  takeClaim,
} from "../record/mod.ts";
import { changesThatMatter } from "../run/environment.ts";

/**
 * Returns whether a run of a sweep's folder is finished.
 *
 * @throws {UserError} when its journal is damaged, or its folder is a link that leaves the sweep's.
 */
export function isFinished(dir: string, id: string): boolean {
  const folder = runFolder(dir, id);
  requirePlace(folder);
  return journalStatus(runPaths(folder).journal, id) === "finished";
}

/**
 * Moves a finished run that was made in another environment out of the way, into `DIR/earlier`, where it stays whole.
 *
 * @returns Why it runs again, and where its record is now, in words; undefined: it was made in this environment.
 */
export async function setAside(
  dir: string,
  { id, environment }: { id: string; environment: Environment },
): Promise<string | undefined> {
  const folder = runFolder(dir, id), paths = runPaths(folder);
  if (!isFinished(dir, id)) return "another sweep has moved its earlier record aside";
  const changes = whyNotReused(paths.manifest, environment);
  if (changes === undefined) return undefined;
  using _claim = await takeClaim(paths.claim);
  const earlier = join(dir, "earlier");
  Deno.mkdirSync(earlier, { recursive: true });
  for (let i = 1;; i++) {
    const place = join(earlier, `${id}-${i}`);
    try {
      Deno.statSync(place);
    } catch {
      const { isSymlink } = Deno.lstatSync(folder);
      Deno.renameSync(Deno.realPathSync(folder), place);
      if (isSymlink) Deno.removeSync(folder);
      Deno.removeSync(runPaths(place).claim);
      return `${changes}; its record is kept in ${place}`;
    }
  }
}

/** Why a finished run does not count here, in words; undefined: it does. */
function whyNotReused(manifest: string, environment: Environment): string | undefined {
  try {
    const changes = changesThatMatter(readManifest(manifest).environment, environment);
    return changes && `it was made in another environment: ${changes}`;
  } catch (error) {
    if (error instanceof UserError) return `it is not known where it was made: ${error.message}`;
    throw error;
  }
}

/**
 * Keeps the cause of a failure: in the run's log, and in its journal where its process could not say it itself.
 *
 * @param dir The sweep's folder.
 * @param failure The run, its cause, and which attempt of how many it was.
 */
export async function recordFailedAttempt(
  dir: string,
  failure: { id: string; cause: string; attempt: number; attempts: number },
): Promise<void> {
  const paths = runPaths(runFolder(dir, failure.id));
  try {
    using log = openOwnFile(paths.log, { append: true });
    const line = `attempt ${failure.attempt} of ${failure.attempts} failed: ${failure.cause}\n`;
    log.writeSync(new TextEncoder().encode(line));
    using claim = await takeClaim(paths.claim);
    const { events, generation, validBytes } = readJournal(paths.journal, failure.id);
    const last = events.at(-1)?.event;
    if (last === undefined || last === "finish" || last === "fail") return;
    using writer = new JournalWriter(paths.journal, validBytes, { generation: claim.begin(generation) });
    writer.write({ event: "fail", message: failure.cause });
    writer.sync();
  } catch {
    // The disk is full, or the journal is damaged, which is the cause itself: the sweep's own summary has it.
  }
}
