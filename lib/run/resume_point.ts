/**
 * Where a run that was left goes on: at its checkpoint, if its files fit each other.
 *
 * @module
 */
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

/** A checkpoint to go on from. */
export interface ResumePoint {
  /** The file's bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its path. */
  readonly name: string;
  /** The step that it is of. */
  readonly step: number;
  /** SHA-256 of the bytes, in hex. */
  readonly sha256: string;
  /** SHA-256 of the best checkpoint, where one is kept. */
  readonly bestSha256: string | undefined;
  /** The file that these bytes have to be written to as well before the run goes on. */
  readonly missing: "checkpoint" | "best" | undefined;
  /** Whether the evaluation at this step is due and not in the journal. */
  readonly evaluate: boolean;
  /** Lines for files that the journal does not tell of: the process was killed before it wrote them. */
  readonly unrecorded: readonly NewEvent[];
}

/** What a run's spec says of its events. */
type Schedule = Pick<RunSpec, "steps" | "evalEvery" | "saveBest">;

/** A checkpoint on disk, read and found whole. */
interface Found {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly progress: Progress;
  readonly sha256: string;
  /** The line that the journal has to have of it; undefined: it has it. */
  readonly unrecorded: NewEvent | undefined;
}

/**
 * Finds the checkpoint that a run goes on from: the last one, or the best one where that is of a later step, so that the
 * best one is never of a step that is made again, and maybe otherwise. Without a checkpoint a run starts over; so it does
 * where the journal was lost, or does not reach the checkpoint (steps are written before the checkpoint that stands for
 * them), or where the best checkpoint that it counts on is gone and is not the last one too, or where the journal lacks an
 * evaluation that was due before the checkpoint. One that was due at the checkpoint's step is repeated.
 *
 * @param paths The run's files.
 * @param run Its journal's events, and its spec.
 * @returns What to go on from; undefined: start over.
 * @throws {UserError} for a file that is damaged: no whole checkpoint, or not the one that the journal tells of.
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

/** The steps up to one at which an evaluation was due that the journal lacks, in order. */
function lostEvaluations(
  upTo: number,
  { spec: { evalEvery, steps }, evals }: { spec: Schedule; evals: readonly EvalEvent[] },
): number[] {
  const recorded = new Set(evals.map(({ step }) => step));
  const due = Array.from({ length: Math.floor(upTo / evalEvery) + 1 }, (_, i) => i * evalEvery);
  if (upTo === steps && steps % evalEvery !== 0) due.push(steps);
  return due.filter((step) => !recorded.has(step));
}

/** Whether a best checkpoint is of an evaluation that counts: one of another pass over its step has another loss. */
function isRecorded({ step, history }: Progress, events: readonly RunEvent[]): boolean {
  const evaluation = effectiveEvents(events).evals.find((event) => event.step === step);
  return evaluation !== undefined && history?.best?.step === step &&
    history.best.loss === (evaluation.emaLoss ?? evaluation.loss);
}

/** Reads a checkpoint, and holds it against what the journal says of the one at its step. */
function readCheckpoint(
  path: string,
  journal: { event: "checkpoint" | "best"; events: readonly RunEvent[] },
): Found | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const progress = progressIn(bytes, path);
  const sha256 = sha256Hex(bytes);
  // A run that was killed between the file and the event has no such line.
  const told = toldSha256(journal, progress.step);
  if (told !== undefined && told !== sha256) {
    throw new UserError(
      `Cannot resume from ${path}: wanted the file with SHA-256 ${told}, as the journal tells of step ` +
        `${progress.step}: it has ${sha256}. Restore it from a copy, or delete the run's folder to have it run again.`,
    );
  }
  const { step } = progress;
  const unrecorded = told === undefined ? { event: journal.event, step, sha256 } : undefined;
  return { bytes, progress, sha256, unrecorded };
}

/**
 * The bytes of a checkpoint; undefined: there is none.
 *
 * @throws {UserError} when there is one that cannot be read.
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

/** What a checkpoint holds beside tensors, or what to do about a file that is none. */
function progressIn(bytes: Uint8Array<ArrayBuffer>, path: string): Progress {
  try {
    return checkpointProgress(bytes, path);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(
      `${cause.message}. Restore it from a copy, or delete the run's folder to have it run again.`,
      { cause },
    );
  }
}

/** The checksum that a journal tells of a step's checkpoint; what a `resume` supersedes does not count. */
function toldSha256(
  journal: { event: "checkpoint" | "best"; events: readonly RunEvent[] },
  step: number,
): string | undefined {
  let told: string | undefined;
  for (const event of journal.events) {
    if (event.event === "resume" && event.step < step) told = undefined;
    else if (event.event === journal.event && event.step === step) told = event.sha256;
  }
  return told;
}
