/**
 * Search for the checkpoint from which an interrupted run resumes, and verification of the run's files.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { readRegular } from "../file/regular.ts";
import {
  effectiveEvents,
  type EvalEvent,
  type NewEvent,
  type RunEvent,
  type RunPaths,
  type RunSpec,
  sha256Hex,
} from "../record/mod.ts";
import { checkpointProgress, type Progress } from "../train/mod.ts";

/** A checkpoint to resume from. */
export interface ResumePoint {
  /** Content of the checkpoint file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Path of the checkpoint file. */
  readonly name: string;
  /** Number of steps done at the checkpoint. */
  readonly step: number;
  /** SHA-256 of the content in hex. */
  readonly sha256: string;
  /** SHA-256 of `best.safetensors` in hex. Undefined if the run has no such file. */
  readonly bestSha256: string | undefined;
  /**
   * The checkpoint file that is missing or outdated, if any. `bytes` must be written to this file before the run
   * resumes.
   */
  readonly missing: "checkpoint" | "best" | undefined;
  /** True if an evaluation is due at this step, but missing from the journal. It must be repeated. */
  readonly evaluate: boolean;
  /** Events that must be added to the journal, because the process was killed before it recorded them. */
  readonly unrecorded: readonly NewEvent[];
}

/** Spec fields that determine the events of a run. */
type Schedule = Pick<RunSpec, "steps" | "evalEvery" | "saveBest">;

/** A verified checkpoint on disk. */
interface Found {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly progress: Progress;
  readonly sha256: string;
  /** Missing journal event of the checkpoint. Undefined if the journal records it. */
  readonly unrecorded: NewEvent | undefined;
}

/**
 * Finds the checkpoint from which a run resumes: the last checkpoint, or the best checkpoint if it is newer. The steps
 * up to a best checkpoint are thus never repeated. A run must start over in these cases:
 *
 * - The run has no checkpoint.
 * - The journal is lost or ends before the checkpoint. (The steps of a checkpoint are recorded before the checkpoint.)
 * - The best checkpoint is missing, and the last checkpoint does not have the same weights.
 * - The journal lacks an evaluation that was due before the checkpoint. Only an evaluation at the step of the
 *   checkpoint can be repeated.
 *
 * @param paths Paths of the run's files.
 * @param run `events`: the events in the journal. `spec`: the run's spec.
 * @returns The checkpoint. Undefined if the run must start over.
 * @throws {UserError} If a checkpoint is damaged, or its SHA-256 is not the one in the journal.
 */
export function findResumePoint(
  paths: RunPaths,
  { events, spec }: { events: readonly RunEvent[]; spec: Schedule },
): ResumePoint | undefined {
  const last = readCheckpoint(paths.checkpoint, { event: "checkpoint", events });
  const { steps, evals } = effectiveEvents(events);
  if (last === undefined || last.progress.step > (steps.at(-1)?.step ?? 0)) return undefined;
  const { bytes, sha256, progress: { step, history } } = last;
  const lost = lostEvaluations(step, { spec, evals });
  const evaluate = lost.includes(step);
  const best = spec.saveBest ? readCheckpoint(paths.best, { event: "best", events }) : undefined;
  const unrecorded = (...files: (Found | undefined)[]) => files.flatMap((file) => file?.unrecorded ?? []);
  if (best !== undefined && best.progress.step > step && isRecorded(best.progress, events)) {
    if (lostEvaluations(best.progress.step, { spec, evals }).length > 0) return undefined;
    return {
      ...{ bytes: best.bytes, sha256: best.sha256, step: best.progress.step, name: paths.best },
      ...{ bestSha256: best.sha256, missing: "checkpoint", evaluate: false, unrecorded: unrecorded(best) },
    };
  }
  if (lost.length > Number(evaluate)) return undefined;
  const point = {
    ...{ bytes, sha256, step, name: paths.checkpoint, evaluate, unrecorded: unrecorded(best, last) },
    ...{ bestSha256: best?.sha256, missing: undefined },
  };
  if (!spec.saveBest) return point;
  const needed = history?.best, found = best?.progress.history?.best;
  if (found?.step === needed?.step && found?.loss === needed?.loss) return point;
  return needed?.step === step
    ? { ...point, bestSha256: sha256, missing: "best", unrecorded: unrecorded(last) }
    : undefined;
}

/** Returns the steps up to `upTo` whose evaluation was due but is missing from the journal, in order. */
function lostEvaluations(
  upTo: number,
  { spec: { evalEvery, steps }, evals }: { spec: Schedule; evals: readonly EvalEvent[] },
): number[] {
  const recorded = new Set(evals.map(({ step }) => step));
  const due = Array.from({ length: Math.floor(upTo / evalEvery) + 1 }, (_, i) => i * evalEvery);
  if (upTo === steps && steps % evalEvery !== 0) due.push(steps);
  return due.filter((step) => !recorded.has(step));
}

/**
 * Returns true if the best checkpoint belongs to a recorded evaluation. A superseded evaluation of its step has another
 * loss.
 */
function isRecorded({ step, history }: Progress, events: readonly RunEvent[]): boolean {
  const evaluation = effectiveEvents(events).evals.find((event) => event.step === step);
  return evaluation !== undefined && history?.best?.step === step &&
    history.best.loss === (evaluation.emaLoss ?? evaluation.loss);
}

/** Reads a checkpoint and compares its SHA-256 with the journal's event for its step. */
function readCheckpoint(
  path: string,
  journal: { event: "checkpoint" | "best"; events: readonly RunEvent[] },
): Found | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const progress = progressIn(bytes, path);
  const sha256 = sha256Hex(bytes);
  // The event is missing if the process was killed between writing the file and the event.
  const recorded = recordedSha256(journal, progress.step);
  if (recorded !== undefined && recorded !== sha256) {
    throw new UserError(
      `Cannot resume from ${path}: expected the file with SHA-256 ${recorded}, as the journal records for step ` +
        `${progress.step}, got ${sha256}. Restore it from a copy, or delete the run's folder to run it again.`,
    );
  }
  const { step } = progress;
  const unrecorded = recorded === undefined ? { event: journal.event, step, sha256 } : undefined;
  return { bytes, progress, sha256, unrecorded };
}

/**
 * Reads a file as bytes. Returns undefined if the file is missing.
 *
 * @throws {UserError} If the file cannot be read.
 */
export function readIfThere(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return readRegular(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `Cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

/** Returns the training progress in a checkpoint. */
function progressIn(bytes: Uint8Array<ArrayBuffer>, path: string): Progress {
  try {
    return checkpointProgress(bytes, path);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(
      `${clauseOf(cause)}. Restore it from a copy, or delete the run's folder to run it again.`,
      { cause },
    );
  }
}

/**
 * Returns the SHA-256 that the journal records for the checkpoint of a step. Ignores events that a `resume` supersedes.
 */
function recordedSha256(
  journal: { event: "checkpoint" | "best"; events: readonly RunEvent[] },
  step: number,
): string | undefined {
  let recorded: string | undefined;
  for (const event of journal.events) {
    if (event.event === "resume" && event.step < step) recorded = undefined;
    else if (event.event === journal.event && event.step === step) recorded = event.sha256;
  }
  return recorded;
}
