/**
 * Merges sweep folders. A run's record is only replaced by a longer record of the same run, so that no results are
 * lost.
 *
 * @module
 */
import { basename, join } from "node:path";
import { clauseOf } from "../error/clause.ts";
import { exists } from "../file/exists.ts";
import { diskFault, writing } from "../error/disk_fault.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { removeIncoming, replaceFolder } from "../file/replace_folder.ts";
import {
  ClaimedError,
  compareJournals,
  describeChange,
  type Difference,
  effectiveEvents,
  environmentChanges,
  listRuns,
  readJournal,
  type RecordedRun,
  requireRuns,
  runFolder,
  runPaths,
  takeClaim,
} from "../record/mod.ts";
import { copyInputs } from "../run/inputs.ts";
import { completeMerges, mergeStaging, runPlace } from "../run/merge_place.ts";
import { addToPlan, type Plan, type PlannedRun, readPlan } from "./plan_file.ts";
import { readWhole } from "../run/read_whole.ts";
import { progressOf } from "../run/run_progress.ts";

/** Outcome of a merge for one run of a source folder: `id` is the run, `from` the source folder. */
export type MergedRun =
  /**
   * The run was copied: it was missing in the target, or the source's record is longer. `before` is the number of steps
   * that the target had recorded.
   */
  | { readonly outcome: "taken"; readonly id: string; readonly from: string; readonly before: number }
  /** The target's run was kept: its record is at least as long as the source's. */
  | { readonly outcome: "kept"; readonly id: string; readonly from: string }
  /** The two records differ at some step. The target's run is unchanged. */
  | {
    readonly outcome: "conflict";
    readonly id: string;
    readonly from: string;
    readonly difference: Difference;
    /** Environment changes that may explain the difference. */
    readonly environment: readonly string[];
  }
  /** Another process owns the run in the target folder. The target's run is unchanged. */
  | { readonly outcome: "busy"; readonly id: string; readonly from: string; readonly reason: string }
  /** One of the two records is unreadable. The target's run is unchanged. */
  | { readonly outcome: "damaged"; readonly id: string; readonly from: string; readonly reason: string };

/** A planned run that is not finished. */
export interface Hole {
  /** The run. */
  readonly run: PlannedRun;
  /** Number of recorded steps. */
  readonly steps: number;
  /** True if the run ended with an error. */
  readonly failed: boolean;
}

/** Result of a merge. */
export interface MergeReport {
  /** One outcome for every recorded run of every folder in `sources`. */
  readonly runs: readonly MergedRun[];
  /** Unfinished runs of the plan. Empty without a plan. */
  readonly holes: readonly Hole[];
  /** The merged plan. Undefined if no folder has a plan. */
  readonly plan: Plan | undefined;
  /** The source folders, each once, without the target folder. */
  readonly sources: readonly string[];
}

/**
 * Copies the runs and plans of sweep folders into one folder. The operation is idempotent.
 *
 * @param into The target folder. Created if it is missing.
 * @param from The source folders, which are not changed. They may include `into`, if that folder exists.
 * @throws {UserError} If a folder is not a sweep folder, the plans differ in text, code or threads, or `into` is not
 * writable.
 */
export async function mergeSweeps(into: string, from: readonly string[]): Promise<MergeReport> {
  for (const dir of from) listRuns(dir); // throws for other folders before anything is written
  requireRuns(into);
  const plan = mergePlans([into, ...from]);
  let hasBegun = false;
  try {
    Deno.mkdirSync(join(into, "runs"), { recursive: true });
    hasBegun = true;
    return await merge(into, { from, plan });
  } catch (cause) {
    const isSystem = diskFault(cause) !== undefined || (cause as { code?: unknown })?.code !== undefined;
    if (!isSystem) throw cause;
    // A full disk, a file in the way or a read-only folder. Runs may have been merged before.
    const what = cause instanceof UserError
      ? cause.message
      : `Cannot merge into ${into}: expected a writable folder, got ${clauseOf(cause)}.`;
    throw new UserError(`${what} Runs merged so far are complete; repeat the command to continue.`, {
      exitCode: hasBegun ? EXIT.someFailed : EXIT.badInput,
      cause,
    });
  }
}

async function merge(
  into: string,
  { from, plan }: { from: readonly string[]; plan: Plan | undefined },
): Promise<MergeReport> {
  const staging = mergeStaging(into);
  Deno.mkdirSync(staging, { recursive: true });
  try {
    using _alone = await takeClaim(join(staging, "claim.json"), { work: "a merge into this folder" });
    for (const id of completeMerges(into)) removeIncoming(runPlace(runFolder(into, id)));
    return await mergeAlone(into, { from, plan });
  } finally {
    removeIfEmpty(staging);
  }
}

async function mergeAlone(
  into: string,
  { from, plan }: { from: readonly string[]; plan: Plan | undefined },
): Promise<MergeReport> {
  if (plan !== undefined) addToPlan(into, plan, () => mergePlans([into, ...from]));
  const own = new Map(listRuns(into).map((run) => [run.id, run])), runs: MergedRun[] = [];
  const sources = sourcesOf(into, from);
  for (const dir of sources) {
    copyInputs(dir, into);
    for (const { id, folder, state, problem } of listRuns(dir)) {
      if (state !== "begun" && state !== "damaged") continue;
      const ours = own.get(id);
      const damage = [{ folder, problem }, ours?.state === "damaged" ? ours : undefined]
        .find((place) => place?.problem !== undefined);
      const merged: MergedRun = damage !== undefined
        ? { outcome: "damaged", id, from: dir, reason: `${damage.folder}: ${damage.problem}` }
        : await mergeRun(id, { into, from: dir, isThere: ours?.state === "begun" });
      if (merged.outcome === "taken") own.set(id, { id, folder, state: "begun", problem: undefined });
      runs.push(merged);
    }
  }
  return { runs, plan, holes: (plan?.runs ?? []).flatMap((run) => holeOf(into, run) ?? []), sources };
}

/** Returns each folder once, without the target folder. One folder can have several paths. */
function sourcesOf(into: string, from: readonly string[]): string[] {
  const byPlace = new Map(from.toReversed().map((dir) => [Deno.realPathSync(dir), dir]));
  byPlace.delete(Deno.realPathSync(into));
  return [...byPlace.values()].reverse();
}

/** Combines the runs of all plans, starting with the first folder. */
function mergePlans(dirs: readonly string[]): Plan | undefined {
  const plans = dirs.map((dir) => ({ dir, plan: readPlan(dir) })).filter(({ plan }) => plan !== undefined);
  const [first, ...others] = plans as { dir: string; plan: Plan }[];
  if (first === undefined) return undefined;
  const runs = new Map(first.plan.runs.map((run) => [run.id, run]));
  for (const { dir, plan } of others) {
    const requireSame = (what: string, of: (plan: Plan) => string | number) => {
      const [a, b] = [of(first.plan), of(plan)];
      if (a === b) return;
      throw new UserError(
        `Cannot merge ${dir} with ${first.dir}: expected the same ${what}, got ${a} in ${first.dir} and ${b} in ` +
          `${dir}. Keep the sweeps apart, and compare their reports.`,
      );
    };
    requireSame("text", ({ data: { sha256 } }) => sha256);
    requireSame("version of the code in lib/", ({ libSha256 }) => libSha256);
    requireSame("number of threads", ({ threads }) => threads);
    for (const run of plan.runs) if (!runs.has(run.id)) runs.set(run.id, run);
  }
  const isOfOneSpec = others.every(({ plan }) => plan.specSha256 === first.plan.specSha256);
  return {
    ...first.plan,
    specSha256: isOfOneSpec ? first.plan.specSha256 : undefined,
    runs: [...runs.values()],
  };
}

async function mergeRun(
  id: string,
  at: { into: string; from: string; isThere: boolean },
): Promise<MergedRun> {
  const { into, from } = at;
  let theirs: RecordedRun, ours: RecordedRun | undefined;
  try {
    theirs = readWhole(runFolder(from, id));
    ours = at.isThere ? readWhole(runFolder(into, id)) : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { outcome: "damaged", id, from, reason: error.message };
  }
  const difference = ours && differenceOf(ours, theirs);
  if (ours !== undefined && difference !== undefined) {
    const changes = environmentChanges(ours.manifest.environment, theirs.manifest.environment);
    const environment = changes.filter(({ matters }) => matters).map(describeChange);
    return { outcome: "conflict", id, from, difference, environment };
  }
  if (ours !== undefined && !isFarther(theirs, ours)) return { outcome: "kept", id, from };
  try {
    await copyRun(id, { into, from, seen: ours?.events.length });
  } catch (error) {
    if (!(error instanceof ClaimedError)) throw error;
    return { outcome: "busy", id, from, reason: error.message };
  }
  return { outcome: "taken", id, from, before: ours === undefined ? 0 : progressOf(ours).steps };
}

/** Returns the first difference in the common part of two records, or undefined if they agree. */
function differenceOf(a: RecordedRun, b: RecordedRun): Difference | undefined {
  if (a.status === "finished" && b.status === "finished") return compareJournals(a.events, b.events);
  const common = Math.min(progressOf(a).steps, progressOf(b).steps);
  const upTo = ({ events }: RecordedRun) => {
    const { steps, evals } = effectiveEvents(events);
    // The last evaluation may be missing even though its step is recorded.
    return [...steps.filter(({ step }) => step <= common), ...evals.filter(({ step }) => step < common)];
  };
  return compareJournals(upTo(a), upTo(b));
}

/** Returns true if the first record extends the second: it is finished, has a later checkpoint, or has more steps. */
function isFarther(one: RecordedRun, other: RecordedRun): boolean {
  const a = progressOf(one), b = progressOf(other);
  return (a.finished - b.finished || a.checkpoint - b.checkpoint || a.steps - b.steps) > 0;
}

/**
 * Replaces a run by a copy, atomically.
 *
 * @param id The run.
 * @param at The folders, and the number of events that were `seen` in the target's record.
 * @throws {ClaimedError} If another process owns the target's run or has just extended it.
 */
async function copyRun(
  id: string,
  { into, from, seen }: { into: string; from: string; seen: number | undefined },
): Promise<void> {
  const place = runFolder(into, id);
  Deno.mkdirSync(place, { recursive: true });
  const { claim, journal } = runPaths(place);
  using _claim = await takeClaim(claim); // the claim file is removed with the old folder
  // The record may have grown between the comparison and the claim.
  if (seen !== undefined && readJournal(journal, { runId: id }).events.length !== seen) {
    throw new ClaimedError(claim, undefined);
  }
  const source = runPaths(runFolder(from, id));
  replaceFolder(runPlace(place), (folder) => {
    const copy = runPaths(folder);
    // Copy the journal last, so that the journal of an active run reaches the copied checkpoint.
    const { folder: _folder, claim: _claim, journal: last, ...files } = source;
    for (const file of [...Object.values(files), last]) {
      try {
        const target = join(copy.folder, basename(file));
        writing(target, () => Deno.copyFileSync(file, target));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    if (!exists(copy.note) && exists(runPaths(place).note)) {
      Deno.copyFileSync(runPaths(place).note, copy.note);
    }
  });
}

/** Returns the unfinished part of a planned run, or undefined if the run is finished. */
function holeOf(dir: string, run: PlannedRun): Hole | undefined {
  try {
    const recorded = readWhole(runFolder(dir, run.id));
    if (recorded.status === "finished") return undefined;
    return { run, steps: progressOf(recorded).steps, failed: recorded.status === "failed" };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { run, steps: 0, failed: false }; // missing, or damaged and already reported
  }
}

/** Removes a folder unless it contains an unfinished replacement. */
function removeIfEmpty(folder: string): void {
  try {
    Deno.removeSync(folder);
  } catch {
    // Another merge may have started.
  }
}
