/**
 * The folders of runs: where their files are, and what they hold.
 *
 * @module
 */
import { basename, dirname, join, resolve, sep as SEPARATOR } from "node:path";
import { UserError } from "../error/user_error.ts";
import type { RunEvent } from "./event.ts";
import { scanJournal, supersededLines } from "./journal.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { type EventStore, keepStore } from "./run_series.ts";

/** Paths of a run's files. */
export interface RunPaths {
  /** The folder itself. */
  readonly folder: string;
  /** What the run is: {@linkcode Manifest}. */
  readonly manifest: string;
  /** The run's tokenizer, as Hugging Face's `tokenizer.json`; missing in runs of losskit 0.1. */
  readonly tokenizer: string;
  /** What happened, an event a line. */
  readonly journal: string;
  /** Weights and optimizer state, to go on from. */
  readonly checkpoint: string;
  /** The same at the best evaluation, of runs that keep it. */
  readonly best: string;
  /** What the worker printed. */
  readonly log: string;
  /** Who is at work on the run; there while somebody is, or was when it was killed. */
  readonly claim: string;
}

/** The files of a run in a folder of its own. */
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
  };
}

/** The folder of a run inside a sweep's. */
export function runFolder(sweepDir: string, runId: string): string {
  return join(sweepDir, "runs", runId);
}

/**
 * Returns what is wrong with the place of a run's folder, in words; undefined: nothing, or there is no folder yet.
 *
 * A run's folder, and the `runs` folder above it, may be symbolic links to places inside the sweep's folder. A link that
 * leaves it is refused by every reader and every writer: what lies elsewhere is no part of the sweep.
 *
 * @param folder `DIR/runs/ID`; a folder elsewhere is of no sweep, and its place is not judged.
 */
export function placeProblem(folder: string): string | undefined {
  const path = resolve(folder), runs = dirname(path);
  const ofSweep = basename(runs) === "runs";
  for (const place of ofSweep ? [runs, path] : []) {
    const info = lstat(place);
    if (info === undefined) return undefined;
    if (info.isSymlink) {
      let target: string;
      try {
        target = Deno.realPathSync(place);
      } catch {
        return `${place} is a symbolic link that leads nowhere`;
      }
      if (!target.startsWith(`${Deno.realPathSync(dirname(runs))}${SEPARATOR}`)) {
        return `${place} is a symbolic link that leaves the sweep's folder: it leads to ${target}`;
      }
    }
    if (!info.isDirectory && !Deno.statSync(place).isDirectory) return `${place} is not a folder`;
  }
  return undefined;
}

/**
 * Requires a run's folder to be in a place where runs are read and written: {@linkcode placeProblem}.
 *
 * @throws {UserError} naming the link that leaves the sweep's folder, or the file in the way.
 */
export function requirePlace(folder: string): void {
  const problem = placeProblem(folder);
  if (problem === undefined) return;
  throw new UserError(
    `Cannot open the run ${folder}: ${problem}. Move the run's folder to its place, or merge its sweep into this one.`,
  );
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/** A run as it was recorded. */
export interface RecordedRun {
  /** What the run is. */
  readonly manifest: Manifest;
  /** What happened, in order; made anew each time it is asked for: {@linkcode seriesOf} has steps by column. */
  readonly events: readonly RunEvent[];
  /** `unfinished`: neither a `finish` nor, as the last event, a `fail`. */
  readonly status: "finished" | "failed" | "unfinished";
  /** What was dropped from the journal's end. */
  readonly warnings: readonly string[];
}

/**
 * Reads a run.
 *
 * @param folder The run's folder.
 * @throws {UserError} when its files are missing or damaged.
 */
export function readRun(folder: string): RecordedRun {
  requirePlace(folder);
  const paths = runPaths(folder);
  const manifest = readManifest(paths.manifest);
  const { store, dropped, superseded } = scanJournal(paths.journal, manifest.runId);
  const run: RecordedRun = {
    manifest,
    get events() {
      return [...store];
    },
    status: statusIn(store),
    warnings: [
      ...(dropped === undefined ? [] : [`${paths.journal}: dropped a half-written last line`]),
      ...(superseded === 0 ? [] : [`${paths.journal}: ignored ${supersededLines(superseded)}`]),
    ],
  };
  keepStore(run, store);
  return run;
}

/**
 * Returns whether the run of a journal is done, without holding its events.
 *
 * @param path The journal.
 * @param runId The run that it must be of.
 * @throws {UserError} when the journal is damaged, or another run's.
 */
export function journalStatus(path: string, runId: string): RecordedRun["status"] {
  return statusIn(scanJournal(path, runId).store);
}

function statusIn({ others, lastOther }: EventStore): RecordedRun["status"] {
  if (others.some(({ event }) => event === "finish")) return "finished";
  return lastOther?.event === "fail" ? "failed" : "unfinished";
}

/** Whether a journal's run is done. */
export function statusOf(events: readonly RunEvent[]): RecordedRun["status"] {
  if (events.some(({ event }) => event === "finish")) return "finished";
  return events.at(-1)?.event === "fail" ? "failed" : "unfinished";
}
