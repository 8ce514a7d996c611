/**
 * Runs of a sweep's folder. Only this module decides which entries of `DIR/runs` are runs, and which runs are readable.
 * Unreadable runs are skipped with a reason, and do not affect other runs.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { basename, dirname, join, resolve } from "node:path";
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { exists, insteadOfFolder, isEmpty, isFolder } from "../file/exists.ts";
import { isClaimed } from "./claim.ts";
import { placeProblem, readRun, type RecordedRun, requireRuns, runFolder, runPaths } from "./run_folder.ts";

/** An entry of `DIR/runs`. */
export interface ListedRun {
  /** Name of the entry: the run ID, except for `foreign` entries. */
  readonly id: string;
  /** Path of the entry. */
  readonly folder: string;
  /**
   * State of the entry. `begun`: a run with a manifest. `starting`: a run that another process has just claimed.
   * `empty`: a run that was interrupted before its first step. `damaged`: a wrong location, or no manifest. `foreign`:
   * the name is not a run ID.
   */
  readonly state: "begun" | "starting" | "empty" | "damaged" | "foreign";
  /** Reason why readers skip the entry. Undefined for `begun` and `starting`. */
  readonly problem: string | undefined;
}

/** A run that was skipped because its record is unreadable or still empty. */
export interface LeftOutRun {
  /** Run ID. */
  readonly id: string;
  /** Reason why the run was skipped. Names the damaged file and line. */
  readonly reason: string;
  /** True if data is lost or damaged. False if the run has no data yet. */
  readonly damaged: boolean;
}

/** Content of a sweep's folder. */
export interface SweepRecords {
  /** Readable runs, ordered by data, tokenizer, T, policy and seed. */
  readonly runs: readonly RecordedRun[];
  /** Skipped runs, ordered by ID. */
  readonly leftOut: readonly LeftOutRun[];
}

/** Pattern of a run ID, which is the name of the run's folder. */
const ID = /^[0-9a-f]{12}$/;

/**
 * Lists the entries of a sweep's `runs` folder by name. All readers and writers use this list. Omits files, and names
 * that start with a dot. A file whose name is a run ID is listed as `damaged`.
 *
 * @throws {UserError} If the folder has no `runs`, or `runs` is a link that leaves the folder.
 */
export function listRuns(sweepDir: string): ListedRun[] {
  return entriesOf(sweepDir).filter(({ name, isFile }) => !name.startsWith(".") && (ID.test(name) || !isFile))
    .map(({ name }) => listed(sweepDir, name)).sort((a, b) => a.id < b.id ? -1 : 1);
}

function listed(sweepDir: string, id: string): ListedRun {
  const folder = runFolder(sweepDir, id);
  const as = (state: ListedRun["state"], problem?: string): ListedRun => ({ id, folder, state, problem });
  if (!ID.test(id)) return as("foreign", "its name is not a run ID (12 hexadecimal digits)");
  const misplaced = placeProblem(folder);
  if (misplaced !== undefined) return as("damaged", misplaced);
  const { manifest, journal, claim } = runPaths(folder);
  const unreadable = readingProblem(manifest);
  if (unreadable !== undefined) return as("damaged", `${folder} cannot be read: ${unreadable}`);
  if (exists(manifest)) return as("begun");
  if (isClaimed(claim)) return as("starting");
  const lost = "its folder has no manifest.json: ";
  // A run creates its journal, then writes its manifest, then the first event.
  return isEmpty(journal)
    ? as("empty", `${lost}the run ended before its first step. Repeat the sweep's command to resume it`)
    : as("damaged", `${lost}the file is lost. Restore it from a copy, or delete the folder to run it again`);
}

/** Describes why a path cannot be looked up, for example for lack of permission. Undefined if it exists or is missing. */
function readingProblem(path: string): string | undefined {
  try {
    Deno.statSync(path);
    return undefined;
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    return isMissing ? undefined : clauseOf(error);
  }
}

/**
 * Reads all started runs of a sweep. Skips runs with missing or damaged files.
 *
 * @throws {UserError} If the folder has no runs.
 */
export function readSweep(sweepDir: string): SweepRecords {
  const runs: RecordedRun[] = [], leftOut: LeftOutRun[] = [];
  for (const { id, folder, state, problem } of listRuns(sweepDir)) {
    if (problem !== undefined) leftOut.push({ id, reason: problem, damaged: state === "damaged" });
    if (state !== "begun") continue;
    try {
      const run = readRun(folder);
      if (run.manifest.runId === id) runs.push(run);
      else leftOut.push({ id, reason: mistaken(folder, run.manifest.runId), damaged: true });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      leftOut.push({ id, reason: error.message, damaged: true });
    }
  }
  const key = ({ manifest: { spec, runId } }: RecordedRun) =>
    [spec.data, spec.tokenizer, spec.T, spec.policy, spec.seed].map(padded).concat(runId).join("\0");
  const sorted = runs.map((run) => ({ run, key: key(run) })).sort((a, b) => a.key < b.key ? -1 : 1);
  return { runs: sorted.map(({ run }) => run), leftOut };
}

function mistaken(folder: string, runId: string): string {
  return `Cannot read ${
    runPaths(folder).manifest
  }: expected the manifest of this run, got that of run ${runId}. ` +
    `Move the folder to ${join(dirname(folder), runId)}, or restore the file from a copy.`;
}

/**
 * Reads all started runs of a sweep and requires every run to be readable. {@linkcode readSweep} skips damaged runs
 * instead.
 *
 * @returns Runs ordered by data, tokenizer, T, policy and seed.
 * @throws {UserError} If the folder has no runs, or a damaged run.
 */
export function readRuns(sweepDir: string): RecordedRun[] {
  const { runs, leftOut } = readSweep(sweepDir);
  const damaged = leftOut.find(({ damaged }) => damaged);
  if (damaged === undefined) return [...runs];
  throw new UserError(
    damaged.reason.startsWith("Cannot ")
      ? damaged.reason
      : `Cannot read run ${damaged.id}: ${damaged.reason}.`,
  );
}

/**
 * Returns warnings for users: one per skipped run, and one per run with ignored journal lines or an unreadable note.
 */
export function readingWarnings(sweepDir: string, { runs, leftOut }: SweepRecords): string[] {
  const warnings = [
    ...leftOut.map(({ id, reason }) => `run ${id} is skipped: ${reason}`),
    ...runs.flatMap((run) => run.warnings),
  ];
  return runs.length === 0 && warnings.length === 0 ? [`no run of ${sweepDir} has started`] : warnings;
}

function entriesOf(sweepDir: string): Deno.DirEntry[] {
  const runs = join(sweepDir, "runs");
  requireRuns(sweepDir);
  try {
    return [...Deno.readDirSync(runs)];
  } catch (cause) {
    throw new UserError(
      `Cannot read the sweep ${sweepDir}: expected a folder with runs, as created by \`${
        typedCommand("sweep")
      }\`, ` +
        `got ${insteadOfSweep(sweepDir, cause)}`,
      { cause },
    );
  }
}

/** Describes a path whose folder `runs` cannot be listed, and the remedy. */
function insteadOfSweep(path: string, cause: unknown): string {
  const runs = join(path, "runs");
  if (isFolder(runs)) return `an error: ${clauseOf(cause)}. Give permission to list ${runs}.`;
  const above = dirname(resolve(path));
  if (exists(runPaths(path).manifest) && basename(above) === "runs") {
    return `a run's folder. Use the sweep's folder ${dirname(above)}.`;
  }
  if (!exists(path)) return `${insteadOfFolder(path)}. Correct the path.`;
  return `${isFolder(path) ? 'a folder without "runs"' : insteadOfFolder(path)}. Give the folder of a sweep.`;
}

/** Pads the numbers of a text so that texts sort by them: `bpe:300` before `bpe:1000`. */
function padded(value: string | number): string {
  return String(value).replaceAll(/\d+/g, (digits) => digits.padStart(16, "0"));
}
