/**
 * The runs of a sweep's folder: the one place that decides which entries of `DIR/runs` are runs, and which of them can be
 * read. A run that cannot be read is left out with its reason, and stops no reader of the others.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import { isClaimed } from "./claim.ts";
import { placeProblem, readRun, type RecordedRun, runFolder, runPaths } from "./run_folder.ts";

/** An entry of `DIR/runs`. */
export interface ListedRun {
  /** The entry's name: a run's identity, but for `foreign`. */
  readonly id: string;
  /** Its path. */
  readonly folder: string;
  /**
   * `begun`: it has a manifest. `starting`: another process has just claimed it. `empty`: it was ended before its first
   * step. `damaged`: its place or its manifest is not what a run has. `foreign`: its name is not a run's.
   */
  readonly state: "begun" | "starting" | "empty" | "damaged" | "foreign";
  /** Why readers leave it out, in words; undefined: it has begun, or is starting. */
  readonly problem: string | undefined;
}

/** A run that readers leave out. */
export interface LeftOutRun {
  /** Its identity. */
  readonly id: string;
  /** Why, with the file and the line that are damaged. */
  readonly reason: string;
  /** Whether something is lost or damaged; otherwise there is nothing to read yet. */
  readonly damaged: boolean;
}

/** What a sweep's folder holds. */
export interface SweepRecords {
  /** The runs that can be read, by data, tokenizer, T, policy and seed. */
  readonly runs: readonly RecordedRun[];
  /** The runs that are left out, by name. */
  readonly leftOut: readonly LeftOutRun[];
}

/** A run's identity, which names its folder. */
const ID = /^[0-9a-f]{12}$/;

/**
 * Lists the entries of a sweep's `runs` folder by name: every reader and every writer takes runs from here. Files, and
 * names that begin with a dot, are passed over; a file that is named like a run is `damaged`.
 *
 * @throws {UserError} when the folder holds no runs, or its `runs` is a link that leaves it.
 */
export function listRuns(sweepDir: string): ListedRun[] {
  return entriesOf(sweepDir).filter(({ name, isFile }) => !name.startsWith(".") && (ID.test(name) || !isFile))
    .map(({ name }) => listed(sweepDir, name)).sort((a, b) => a.id < b.id ? -1 : 1);
}

function listed(sweepDir: string, id: string): ListedRun {
  const folder = runFolder(sweepDir, id);
  const as = (state: ListedRun["state"], problem?: string): ListedRun => ({ id, folder, state, problem });
  if (!ID.test(id)) return as("foreign", "its name is not a run's identity (12 hex digits)");
  const misplaced = placeProblem(folder);
  if (misplaced !== undefined) return as("damaged", misplaced);
  const { manifest, journal, claim } = runPaths(folder);
  if (exists(manifest)) return as("begun");
  if (isClaimed(claim)) return as("starting");
  const lost = "its folder has no manifest.json: ";
  return exists(journal)
    ? as("damaged", `${lost}the file is lost. Restore it from a copy, or have the run made again`)
    : as("empty", `${lost}it was ended before its first step. The sweep's command resumes it`);
}

/**
 * Reads all runs of a sweep that have begun. A run whose files are missing or damaged is left out.
 *
 * @throws {UserError} when the folder holds no runs.
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
    [spec.data, spec.tokenizer, pad(spec.T), spec.policy, pad(spec.seed), runId].join("\0");
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
 * Reads all runs of a sweep that have begun, for whoever needs every one of them: {@linkcode readSweep} leaves damaged runs
 * out.
 *
 * @returns Runs by data, tokenizer, T, policy and seed.
 * @throws {UserError} when the folder holds no runs, or one that is damaged.
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

/** What a reader of a sweep's folder is to be told: runs that are left out, and what was dropped of others. */
export function readingWarnings(sweepDir: string, { runs, leftOut }: SweepRecords): string[] {
  const warnings = [
    ...leftOut.map(({ id, reason }) => `run ${id} is left out: ${reason}`),
    ...runs.flatMap((run) => run.warnings),
  ];
  return runs.length === 0 && warnings.length === 0 ? [`no run of ${sweepDir} has begun`] : warnings;
}

function entriesOf(sweepDir: string): Deno.DirEntry[] {
  const runs = join(sweepDir, "runs");
  const misplaced = placeProblem(runFolder(sweepDir, "-"));
  if (misplaced !== undefined) throw new UserError(`Cannot read the sweep in ${sweepDir}: ${misplaced}.`);
  try {
    return [...Deno.readDirSync(runs)];
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

/** Numbers in the order of their sizes as text. */
function pad(value: number): string {
  return String(value).padStart(16);
}
