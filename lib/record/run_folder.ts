/**
 * The folders of runs: where their files are, and what they hold.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import { isClaimed } from "./claim.ts";
import type { RunEvent } from "./event.ts";
import { readJournal } from "./journal.ts";
import { type Manifest, readManifest } from "./manifest.ts";

/** Paths of a run's files. */
export interface RunPaths {
  /** The folder itself. */
  readonly folder: string;
  /** What the run is: {@linkcode Manifest}. */
  readonly manifest: string;
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

/** A run as it was recorded. */
export interface RecordedRun {
  /** What the run is. */
  readonly manifest: Manifest;
  /** What happened, in order. */
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
  const paths = runPaths(folder);
  const manifest = readManifest(paths.manifest);
  const { events, dropped } = readJournal(paths.journal);
  return {
    manifest,
    events,
    status: statusOf(events),
    warnings: dropped === undefined ? [] : [`${paths.journal}: dropped a half-written last line`],
  };
}

/** Whether a journal's run is done. */
export function statusOf(events: readonly RunEvent[]): RecordedRun["status"] {
  if (events.some(({ event }) => event === "finish")) return "finished";
  return events.at(-1)?.event === "fail" ? "failed" : "unfinished";
}

/**
 * The identities of a sweep's runs that have begun, in no order.
 *
 * @throws {UserError} when the folder holds no runs.
 */
export function begunRuns(sweepDir: string): string[] {
  return runNames(sweepDir).filter((name) => exists(runPaths(runFolder(sweepDir, name)).manifest));
}

/**
 * The runs in a sweep's folder that readers leave out, each with its reason in words. One that somebody is at work on has
 * only just begun, and is none of them.
 *
 * @throws {UserError} when the folder holds no runs.
 */
export function leftOutRuns(sweepDir: string): string[] {
  return runNames(sweepDir).sort().flatMap((name) => {
    const paths = runPaths(runFolder(sweepDir, name));
    if (exists(paths.manifest) || isClaimed(paths.claim)) return [];
    const why = exists(paths.journal)
      ? "the file is lost. Restore it from a copy, or have the run made again"
      : "it was ended before its first step. The sweep's command goes on with it";
    return [`run ${name} is left out: its folder has no manifest.json: ${why}`];
  });
}

/**
 * What whoever reads a sweep's folder is to be told: runs that are left out, and what was dropped of others.
 *
 * @param sweepDir The folder.
 * @param runs Its runs, as they were read.
 */
export function readingWarnings(sweepDir: string, runs: readonly RecordedRun[]): string[] {
  const warnings = [...leftOutRuns(sweepDir), ...runs.flatMap((run) => run.warnings)];
  return runs.length === 0 && warnings.length === 0 ? [`no run of ${sweepDir} has begun`] : warnings;
}

function runNames(sweepDir: string): string[] {
  try {
    return [...Deno.readDirSync(join(sweepDir, "runs"))].filter((entry) => entry.isDirectory).map((
      { name },
    ) => name);
  } catch (cause) {
    const above = dirname(resolve(sweepDir));
    const hint = exists(runPaths(sweepDir).manifest) && basename(above) === "runs"
      ? `, which is a run's folder: its sweep's is ${dirname(above)}`
      : "";
    throw new UserError(
      `Cannot read a sweep: wanted a folder with runs in it, as \`deno task sweep\` makes it: given ${sweepDir}${hint}`,
      { cause },
    );
  }
}

/**
 * Reads all runs of a sweep that have begun, by data, tokenizer, T, policy and seed.
 *
 * @throws {UserError} when the folder holds no runs.
 */
export function readRuns(sweepDir: string): RecordedRun[] {
  const runs = begunRuns(sweepDir).map((name) => readRun(runFolder(sweepDir, name)));
  const key = ({ manifest: { spec, runId } }: RecordedRun) =>
    [spec.data, spec.tokenizer, pad(spec.T), spec.policy, pad(spec.seed), runId].join("\0");
  return runs.map((run) => ({ run, key: key(run) })).sort((a, b) => a.key < b.key ? -1 : 1).map(({ run }) =>
    run
  );
}

/** Numbers in the order of their sizes as text. */
function pad(value: number): string {
  return String(value).padStart(16);
}
