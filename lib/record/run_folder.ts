/**
 * Folders of runs: paths and content.
 *
 * @module
 */
import { basename, dirname, join, resolve, sep as SEPARATOR } from "node:path";
import { UserError } from "../error/user_error.ts";
import { insteadOfFolder, isEmpty, isFolder } from "../file/exists.ts";
import { requireRegular } from "../file/regular.ts";
import type { RunEvent } from "./event.ts";
import type { ExpectedRun } from "./_event_order.ts";
import { finishOf, scanJournal, supersededLines } from "./journal.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { readNote, type RunNote } from "./note.ts";
import { type EventStore, keepStore } from "./run_series.ts";

/** Paths of a run's files. */
export interface RunPaths {
  /** Folder of the run. */
  readonly folder: string;
  /** Manifest, see {@linkcode Manifest}. */
  readonly manifest: string;
  /** Tokenizer in Hugging Face's `tokenizer.json` format. Missing in runs of losskit 0.1. */
  readonly tokenizer: string;
  /** Journal, one event per line. */
  readonly journal: string;
  /** Last checkpoint: weights and optimizer state, from which the run resumes. */
  readonly checkpoint: string;
  /** Checkpoint of the best evaluation, if the run keeps one. */
  readonly best: string;
  /** Log: the output of the run's process. */
  readonly log: string;
  /** Claim of the process that executes the run. The file remains if the process is killed. */
  readonly claim: string;
  /** Note and tags that a user wrote, if any. */
  readonly note: string;
}

/** Returns the paths of a run's files. */
export function runPaths(folder: string): RunPaths {
  return {
    folder,
    manifest: join(folder, "manifest.json"),
    tokenizer: join(folder, "tokenizer.json"),
    journal: join(folder, "journal.jsonl"),
    checkpoint: join(folder, "checkpoint.safetensors"),
    best: join(folder, "best.safetensors"),
    log: join(folder, "log.txt"),
    claim: join(folder, "claim.json"),
    note: join(folder, "note.json"),
  };
}

/** Returns the folder of a run in a sweep's folder. */
export function runFolder(sweepDir: string, runId: string): string {
  return join(sweepDir, "runs", runId);
}

/**
 * Describes the problem if a run's folder or a file in it is in a wrong location, or a checkpoint or tokenizer is not a
 * regular file. Returns undefined if all are valid, or the folder is missing.
 *
 * A run's folder, its files and its parent `runs` may be symbolic links to locations inside the sweep's folder. Readers
 * and writers refuse links that leave the sweep's folder, because other folders are not part of the sweep.
 *
 * @param folder `DIR/runs/ID`. Other paths belong to no sweep, and their locations are not checked.
 */
export function placeProblem(folder: string): string | undefined {
  const special = listingOf(folder);
  return locationProblem(folder, special) ?? kindProblem(folder, special);
}

/** Names in a run's folder that are not regular files. Undefined if the folder cannot be listed. */
type Listing = () => ReadonlySet<string> | undefined;

function locationProblem(folder: string, listing: Listing): string | undefined {
  const path = resolve(folder), runs = dirname(path), sweepDir = dirname(runs);
  if (basename(runs) !== "runs") return undefined;
  for (const place of [runs, path]) {
    const info = lstat(place);
    if (info === undefined) return undefined;
    const problem = linkProblem(place, { info, sweepDir });
    if (problem !== undefined) return problem;
    if (!info.isDirectory && !Deno.statSync(place).isDirectory) return `${place} is not a folder`;
  }
  const special = listing();
  for (const place of Object.values(runPaths(path))) {
    if (special !== undefined && !special.has(basename(place))) continue;
    let info: Deno.FileInfo;
    try {
      info = Deno.lstatSync(place);
    } catch {
      continue; // missing, or unreadable, which the reader of the file reports
    }
    const problem = linkProblem(place, { info, sweepDir });
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * Describes a checkpoint or tokenizer that is a folder, a pipe or a device. A status is read from the journal alone, so
 * that without this check a run without usable weights would count as finished.
 */
function kindProblem(folder: string, listing: Listing): string | undefined {
  const { checkpoint, best, tokenizer } = runPaths(folder), special = listing();
  for (const place of [checkpoint, best, tokenizer]) {
    if (!special?.has(basename(place))) continue;
    try {
      requireRegular(place);
    } catch (error) {
      if (error instanceof UserError) return error.message;
      // Missing, or unreadable, which the reader of the file reports.
    }
  }
  return undefined;
}

/**
 * Returns a function that lists the names in a folder that are not regular files, such as symbolic links. The folder is
 * listed at the first call only. One listing replaces one system call per file, and a missing file costs as much as a
 * listing.
 */
function listingOf(folder: string): Listing {
  let listed: { names: Set<string> | undefined } | undefined;
  return () => (listed ??= { names: specialIn(folder) }).names;
}

function specialIn(folder: string): Set<string> | undefined {
  try {
    return new Set(
      Array.from(Deno.readDirSync(folder)).filter(({ isFile }) => !isFile).map(({ name }) => name),
    );
  } catch {
    return undefined;
  }
}

/** Describes a symbolic link whose target is missing, or outside of the sweep's folder. */
function linkProblem(
  place: string,
  { info, sweepDir }: { info: Deno.FileInfo; sweepDir: string },
): string | undefined {
  if (!info.isSymlink) return undefined;
  let target: string;
  try {
    target = Deno.realPathSync(place);
  } catch {
    return `${place} is a symbolic link to a missing target`;
  }
  return target.startsWith(`${Deno.realPathSync(sweepDir)}${SEPARATOR}`)
    ? undefined
    : `${place} is a symbolic link that leaves the sweep's folder for ${target}`;
}

/**
 * Requires that a file or folder of a sweep, such as its plan, is not a link that leaves the sweep's folder.
 *
 * @param sweepDir The sweep's folder.
 * @param path The file or folder. May be missing.
 * @throws {UserError} If the file or folder is such a link.
 */
export function requireInside(sweepDir: string, path: string): void {
  const info = lstat(path), problem = info && linkProblem(path, { info, sweepDir });
  if (problem === undefined) return;
  throw new UserError(`Cannot use ${path}: ${problem}. Remove the link.`);
}

/**
 * Requires that a run's folder and files are in valid locations, as checked by {@linkcode placeProblem}.
 *
 * @throws {UserError} If a link leaves the sweep's folder, the path of the folder is a file, or a checkpoint or tokenizer
 * is not a regular file.
 */
export function requirePlace(folder: string): void {
  const special = listingOf(folder), problem = locationProblem(folder, special);
  if (problem !== undefined) {
    throw new UserError(
      `Cannot open the run ${folder}: ${problem}. Move the folder or file to its place, or merge its sweep into this one.`,
    );
  }
  const kind = kindProblem(folder, special);
  if (kind !== undefined) throw new UserError(kind);
}

/**
 * Requires that `runs` in a sweep's folder is missing, is a folder, or is a link to a folder inside the sweep's folder.
 *
 * @throws {UserError} If `runs` is anything else.
 */
export function requireRuns(sweepDir: string): void {
  const folder = runFolder(sweepDir, "-"), problem = locationProblem(folder, listingOf(folder));
  if (problem === undefined) return;
  throw new UserError(
    `Cannot open the sweep in ${sweepDir}: ${problem}. Restore the folder from a copy, or choose another folder.`,
  );
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    const reason = error instanceof Error ? error.message : error;
    throw new UserError(`Cannot read ${path}: ${reason}. Correct the path, or give permission to read it.`, {
      cause: error,
    });
  }
}

/** A recorded run. */
export interface RecordedRun {
  /** Manifest of the run. */
  readonly manifest: Manifest;
  /**
   * Events in order. Each access creates the list; {@linkcode seriesOf} returns the steps by column, which is faster.
   */
  readonly events: readonly RunEvent[];
  /**
   * Status of the run. `finished`: a `finish` event is recorded. `failed`: the last event is `fail`. `unfinished`:
   * otherwise.
   */
  readonly status: "finished" | "failed" | "unfinished";
  /** Descriptions of journal lines that were ignored, and of an unreadable note. */
  readonly warnings: readonly string[];
  /** Note and tags that a user wrote. Undefined if there are none. */
  readonly note?: RunNote | undefined;
}

/**
 * Reads a run.
 *
 * @param folder The run's folder.
 * @throws {UserError} If a file is missing or damaged.
 */
export function readRun(folder: string): RecordedRun {
  requirePlace(folder);
  const paths = runPaths(folder);
  if (lstat(paths.manifest) === undefined) throw notARun(folder);
  const manifest = readManifest(paths.manifest);
  const { store, dropped, superseded } = scanJournal(paths.journal, {
    runId: manifest.runId,
    steps: manifest.spec.steps,
  });
  const { note, problem } = intactNote(paths.note);
  const run: RecordedRun = {
    manifest,
    note,
    get events() {
      return [...store];
    },
    status: statusIn(store),
    warnings: [
      ...(dropped === undefined ? [] : [`${paths.journal}: dropped a half-written last line`]),
      ...(superseded === 0 ? [] : [`${paths.journal}: ignored ${supersededLines(superseded)}`]),
      ...(problem === undefined ? [] : [problem]),
    ],
  };
  keepStore(run, store);
  return run;
}

function notARun(folder: string): UserError {
  const found = !isFolder(folder)
    ? `${insteadOfFolder(folder)}. Correct the path`
    : lstat(runPaths(folder).journal) === undefined
    ? "a folder without manifest.json. Correct the path"
    : isEmpty(runPaths(folder).journal)
    ? "a run that has not started. Repeat the sweep's command to resume it"
    : "a folder without manifest.json. Restore the file from a copy, or delete the folder and repeat the sweep";
  return new UserError(
    `Cannot read the run ${folder}: expected a run's folder, SWEEP/runs/ID, got ${found}.`,
  );
}

/** Reads a note. A damaged note does not make its run unreadable. */
function intactNote(path: string): { note?: RunNote | undefined; problem?: string } {
  try {
    return { note: readNote(path) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { problem: error.message };
  }
}

/**
 * Returns the status of a run from its journal, in bounded memory.
 *
 * @param path The journal.
 * @param expected The run to which the journal must belong.
 * @throws {UserError} If the journal is damaged, or belongs to another run.
 */
export function journalStatus(path: string, expected: ExpectedRun): RecordedRun["status"] {
  return statusIn(scanJournal(path, expected).store);
}

function statusIn({ others, lastOther }: EventStore): RecordedRun["status"] {
  if (finishOf(others) !== undefined) return "finished";
  return lastOther?.event === "fail" ? "failed" : "unfinished";
}

/** Returns the status of a run from its events. */
export function statusOf(events: readonly RunEvent[]): RecordedRun["status"] {
  if (finishOf(events) !== undefined) return "finished";
  return events.at(-1)?.event === "fail" ? "failed" : "unfinished";
}
