/**
 * Merging sweeps' folders: runs that were made in several places come into one. Nothing that is recorded is lost: a run is
 * replaced only by one that goes on from it.
 *
 * @module
 */
import { basename, join } from "node:path";
import { UserError } from "../error/user_error.ts";
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
  runFolder,
  runPaths,
  takeClaim,
} from "../record/mod.ts";
import { completeMerges, mergeStaging, runPlace } from "../run/merge_place.ts";
import { addToPlan, type Plan, type PlannedRun, readPlan } from "./plan.ts";
import { readWhole } from "../run/read_whole.ts";
import { progressOf } from "../run/run_progress.ts";

/** What a merge did with a run that one of the other folders has. */
export type MergedRun =
  /** It was not there, or less of it. */
  | { readonly outcome: "taken"; readonly id: string; readonly from: string; readonly before: number }
  /** It was there already, as far as in the other folder or farther. */
  | { readonly outcome: "kept"; readonly id: string; readonly from: string }
  /** Both have it, with other results: it was left as it was. */
  | {
    readonly outcome: "conflict";
    readonly id: string;
    readonly from: string;
    readonly difference: Difference;
    /** What differs in where they were made and may be the reason, in words. */
    readonly environment: readonly string[];
  }
  /** Another process works on it in the folder that takes runs: it was left as it was. */
  | { readonly outcome: "busy"; readonly id: string; readonly from: string; readonly reason: string }
  /** It cannot be read in one of the two: it was left as it was. */
  | { readonly outcome: "damaged"; readonly id: string; readonly from: string; readonly reason: string };

/** A planned run that is not finished. */
export interface Hole {
  /** The run. */
  readonly run: PlannedRun;
  /** Steps that are recorded. */
  readonly steps: number;
  /** Whether it ended with an error. */
  readonly failed: boolean;
}

/** What a merge came to. */
export interface MergeReport {
  /** Every run of the other folders, once for each. */
  readonly runs: readonly MergedRun[];
  /** What is missing of the plan; none where there is no plan. */
  readonly holes: readonly Hole[];
  /** The merged plan; undefined: no folder has one. */
  readonly plan: Plan | undefined;
}

/**
 * Merges sweeps' folders into one. A second time, it changes nothing.
 *
 * @param into The folder that takes the runs; made where there is none.
 * @param from The others, which are only read; `into` among them is passed over, but must be there then.
 * @throws {UserError} when a folder is no sweep's, or their plans are of other texts, code or threads.
 */
export async function mergeSweeps(into: string, from: readonly string[]): Promise<MergeReport> {
  for (const dir of from) listRuns(dir); // refuses what is no sweep's folder, before anything is written
  const plan = mergePlans([into, ...from]);
  try {
    Deno.mkdirSync(join(into, "runs"), { recursive: true });
    return await merge(into, { from, plan });
  } catch (cause) {
    if (cause instanceof UserError || (cause as { code?: unknown })?.code === undefined) throw cause;
    // What the system says of a full disk, a file in the way or a folder that is read-only.
    throw new UserError(
      `Cannot merge into ${into}: wanted a folder that can be written to: ${(cause as Error).message}. ` +
        "What was merged before that is whole; the same command goes on.",
      { cause },
    );
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
  for (const dir of from.filter((dir) => Deno.realPathSync(dir) !== Deno.realPathSync(into))) {
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
  return { runs, plan, holes: (plan?.runs ?? []).flatMap((run) => holeOf(into, run) ?? []) };
}

/** All runs of all plans, the first folder's first. */
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
        `Cannot merge ${dir} with ${first.dir}: wanted sweeps of one ${what}: it is ${a} in ${first.dir}, ${b} in ` +
          `${dir}. Keep them apart, and compare their reports.`,
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

/** Where two records of one run part, in what both have. */
function differenceOf(a: RecordedRun, b: RecordedRun): Difference | undefined {
  if (a.status === "finished" && b.status === "finished") return compareJournals(a.events, b.events);
  const common = Math.min(progressOf(a).steps, progressOf(b).steps);
  const upTo = ({ events }: RecordedRun) => {
    const { steps, evals } = effectiveEvents(events);
    // An evaluation may be the one thing that was not written any more.
    return [...steps.filter(({ step }) => step <= common), ...evals.filter(({ step }) => step < common)];
  };
  return compareJournals(upTo(a), upTo(b));
}

/** Whether one record of a run has what another lacks: the end, a later checkpoint, or at least more steps. */
function isFarther(one: RecordedRun, other: RecordedRun): boolean {
  const a = progressOf(one), b = progressOf(other);
  return (a.finished - b.finished || a.checkpoint - b.checkpoint || a.steps - b.steps) > 0;
}

/**
 * Puts a copy of a run into its place, whole or not at all.
 *
 * @param id The run.
 * @param at The folders, and how many events were `seen` of the run that is there.
 * @throws {ClaimedError} when another process works on the run that is there, or has just done so.
 */
async function copyRun(
  id: string,
  { into, from, seen }: { into: string; from: string; seen: number | undefined },
): Promise<void> {
  const place = runFolder(into, id);
  Deno.mkdirSync(place, { recursive: true });
  const { claim, journal } = runPaths(place);
  using _claim = await takeClaim(claim); // its file goes with what was there
  // Whoever worked on it may have gone on between the comparison and the claim.
  if (seen !== undefined && readJournal(journal, id).events.length !== seen) {
    throw new ClaimedError(claim, undefined);
  }
  const source = runPaths(runFolder(from, id));
  replaceFolder(runPlace(place), (folder) => {
    const copy = runPaths(folder);
    // The journal last: of a run that is being worked on, it reaches the checkpoint then.
    const { folder: _folder, claim: _claim, journal: last, ...files } = source;
    for (const file of [...Object.values(files), last]) {
      try {
        Deno.copyFileSync(file, join(copy.folder, basename(file)));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  });
}

/** What a folder lacks of a planned run; undefined: nothing. */
function holeOf(dir: string, run: PlannedRun): Hole | undefined {
  try {
    const recorded = readWhole(runFolder(dir, run.id));
    if (recorded.status === "finished") return undefined;
    return { run, steps: progressOf(recorded).steps, failed: recorded.status === "failed" };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { run, steps: 0, failed: false }; // it is not there, or damaged and told of
  }
}

/** Removes a folder, unless it holds something that the next merge completes. */
function removeIfEmpty(folder: string): void {
  try {
    Deno.removeSync(folder);
  } catch {
    // Another merge may have begun.
  }
}
