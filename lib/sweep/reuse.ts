/**
 * Reuse of finished runs in a sweep's folder, and records of failures.
 *
 * @module
 */
import { join } from "node:path";
import { reasonOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { openOwnFile } from "../file/own_file.ts";
import {
  type Environment,
  journalStatus,
  JournalWriter,
  readJournal,
  readManifest,
  requireInside,
  requirePlace,
  runFolder,
  runPaths,
  takeClaim,
} from "../record/mod.ts";
import { changesThatMatter } from "../run/environment.ts";
import type { PlannedRun } from "./plan_file.ts";

/**
 * Returns true if a planned run has a finished record in a sweep's folder.
 *
 * @throws {UserError} If the journal is damaged, or the run's folder is a link that leaves the sweep's folder.
 */
export function isFinished(dir: string, { id, spec: { steps } }: PlannedRun): boolean {
  const folder = runFolder(dir, id);
  requirePlace(folder);
  return journalStatus(runPaths(folder).journal, { runId: id, steps }) === "finished";
}

/**
 * Moves the record of a finished run to `DIR/earlier`, unchanged, if the run was computed in another environment.
 *
 * @returns The reason for the move and the new location of the record. Undefined if the environment is the same.
 * @throws {UserError} If `DIR/earlier` is a link that leaves the sweep's folder.
 */
export async function setAside(
  dir: string,
  { run, environment }: { run: PlannedRun; environment: Environment },
): Promise<string | undefined> {
  const { id } = run, folder = runFolder(dir, id), paths = runPaths(folder);
  if (!isFinished(dir, run)) return "another sweep has moved its earlier record to earlier/";
  const changes = whyNotReused(paths.manifest, environment);
  if (changes === undefined) return undefined;
  using _claim = await takeClaim(paths.claim);
  const earlier = join(dir, "earlier");
  requireInside(dir, earlier);
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
      return `${changes}; its record is now in ${place}`;
    }
  }
}

/** Returns the reason why a finished run cannot be reused, or undefined if it can. */
function whyNotReused(manifest: string, environment: Environment): string | undefined {
  try {
    const changes = changesThatMatter(readManifest(manifest).environment, environment);
    return changes && `it was computed in another environment: ${changes}`;
  } catch (error) {
    if (error instanceof UserError) return `its environment is unknown: ${reasonOf(error)}`;
    throw error;
  }
}

/**
 * Records the cause of a failed attempt in the run's log. Adds a `fail` event to the run's journal if the run's process
 * did not write one.
 *
 * @param dir The sweep's folder.
 * @param failure `id`: the run. `cause`: the cause of the failure. `attempt`: the number of this attempt, from 1.
 * `attempts`: the maximum number of attempts.
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
    const { events, generation, validBytes } = readJournal(paths.journal, { runId: failure.id });
    const last = events.at(-1)?.event;
    if (last === undefined || last === "finish" || last === "fail") return;
    using writer = new JournalWriter(paths.journal, validBytes, { generation: claim.begin(generation) });
    writer.write({ event: "fail", message: failure.cause });
    writer.sync();
  } catch {
    // The disk is full or the journal is damaged. The sweep's summary reports the cause.
  }
}
