/**
 * One run, from its spec to its folder: the only place where training meets the record.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { makeFolder } from "../file/make_folder.ts";
import { completeReplacement, isBetweenFolders } from "../file/replace_folder.ts";
import { emulationOf } from "../precision/mod.ts";
import {
  atomicWrite,
  type Claim,
  ClaimedError,
  type ClaimOptions,
  type DataSource,
  type Environment,
  type Journal,
  JournalWriter,
  readJournal,
  readManifest,
  removeLeftovers,
  requirePlace,
  runIdOf,
  type RunPaths,
  runPaths,
  type RunSpec,
  sha256Hex,
  statusOf,
  supersededLines,
  takeClaim,
  writeManifest,
} from "../record/mod.ts";
import { summarizeModel } from "../model/mod.ts";
import { type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import { perplexity, train, type TrainEvent } from "../train/mod.ts";
import { prepareForRun } from "./corpus.ts";
import { changesThatMatter, currentEnvironment } from "./environment.ts";
import { findText, planFolder } from "./find_text.ts";
import { runPlace } from "./merge_place.ts";
import { findResumePoint } from "./resume_point.ts";
import { modelOf } from "./run_problem.ts";
import { writeRunTokenizer } from "./run_tokenizer.ts";

/** How a run ended: 0 finished, 75 interrupted. Everything else throws. */
export type RunExit = 0 | 75;

/** Where a run is recorded, and how it is stopped. */
export interface ExecuteOptions {
  /** The run's folder. */
  readonly folder: string;
  /** Asks it to stop after the step it is at. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what is worth saying, line by line. */
  readonly print: (line: string) => void;
  /** Whether a run that began in another environment is gone on with. Default: no, it starts over. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** How the run is claimed. */
  readonly claim?: ClaimOptions | undefined;
}

/**
 * Runs, or goes on with, one run. A finished one is left as it is. A line of the journal is on disk before the step after
 * next begins; a checkpoint is there whole or not at all, and the steps that it stands for are on disk before it.
 *
 * @param run Spec, text and code.
 * @param options Where, and how it is stopped.
 * @throws {ClaimedError} when another process works on it.
 * @throws {UserError} for damaged files or a folder that cannot be written to; with status 4 when the run diverged and
 * its spec forbids that.
 */
export async function executeRun(
  run: { spec: RunSpec; data: DataSource; libSha256: string },
  options: ExecuteOptions,
): Promise<RunExit> {
  const { spec } = run;
  const paths = runPaths(options.folder);
  requirePlace(options.folder);
  using claim = await claimFolder(options);
  removeLeftovers(options.folder);
  const runId = runIdOf({ spec, dataSha256: run.data.sha256, libSha256: run.libSha256 });
  const journal = readJournal(paths.journal, runId);
  if (journal.dropped !== undefined) {
    options.print(`warning: ${paths.journal}: dropped a half-written last line`);
  }
  if (journal.superseded > 0) {
    options.print(`warning: ${paths.journal}: ignored ${supersededLines(journal.superseded)}`);
  }
  if (statusOf(journal.events) === "finished") return EXIT.ok;
  const requireOwned = () => claim.requireHeld();
  const owner = { generation: claim.begin(journal.generation), requireOwned };

  const begin = performance.now();
  const { corpus } = await findText(run.data, { dir: planFolder(options.folder) });
  using prepared = await prepareForRun(corpus, spec);
  const tensorflow = await useTensorFlow({ threads: spec.threads });
  const environment = await currentEnvironment(tensorflow);
  const startOver = !options.allowEnvironmentChange && reasonToStartOver(paths, { journal, environment });
  if (startOver) options.print(`starting over: ${startOver}`);
  const resumeFrom = startOver ? undefined : findResumePoint(paths, { events: journal.events, spec });
  requireOwned();
  // What a run that is made again from its start must never meet.
  if (resumeFrom === undefined) { for (const path of [paths.checkpoint, paths.best]) removeIfThere(path); }
  using writer = new JournalWriter(paths.journal, resumeFrom === undefined ? 0 : journal.validBytes, owner);
  // After the journal was emptied: no manifest ever stands beside steps of another environment.
  const emulated = emulationOf(spec, environment.device);
  const tokenizerSha256 = writeRunTokenizer(paths.tokenizer, prepared.tokenizer); // before the manifest names it
  writeManifest(paths.manifest, {
    ...{ format: "losskit-run/1", runId, tokenizerSha256, emulated, environment, ...run },
  });
  const model = modelOf(spec, prepared.tokenizer.vocabSize);
  if (resumeFrom === undefined) {
    writer.write({ event: "start", runId, seed: spec.seed });
    options.print(summarizeModel(model));
  }
  const events = train({
    ...spec,
    model,
    policy: spec.policy as PolicyName,
    data: prepared,
    batchSize: spec.B,
    blockSize: spec.T,
    resumeFrom,
    signal: AbortSignal.any([claim.lost, ...(options.signal ? [options.signal] : [])]),
  });
  let onDisk: Promise<void> | undefined; // of the last line
  let step = 0, stoppedEarly = false;
  // A run that was killed after its last checkpoint has only its end to write.
  let { sha256: checkpointSha256, bestSha256 } = resumeFrom ?? { sha256: "", bestSha256: undefined };
  /** Saves a checkpoint, and returns its checksum. */
  const save = (event: TrainEvent & { event: "checkpoint" | "best" }): string => {
    writer.sync(); // the steps that a checkpoint stands for are on disk before it
    claim.requireHeld({ always: true });
    atomicWrite(paths[event.event], event.bytes, {
      beforeRename: () => claim.requireHeld({ always: true }),
    });
    const sha256 = sha256Hex(event.bytes);
    writer.write({ event: event.event, step: event.step, sha256 });
    return sha256;
  };
  try {
    if (resumeFrom?.missing !== undefined) save({ ...resumeFrom, event: resumeFrom.missing });
    for await (const event of events) {
      if (claim.lost.aborted) throw new ClaimedError(paths.claim, undefined);
      step = event.step;
      if (event.event === "checkpoint") checkpointSha256 = save(event);
      else if (event.event === "best") bestSha256 = save(event);
      else if (event.event === "earlyStop") {
        stoppedEarly = true;
        options.print(`step ${step}: stopped early, no better since step ${event.bestStep ?? "none"}`);
      } else {
        await onDisk; // the line before this one, which the disk took while this step was made
        writer.write(event);
        onDisk = writer.syncSoon();
        if (event.event === "resume") { for (const line of resumeFrom?.unrecorded ?? []) writer.write(line); }
        if (event.event === "eval") options.print(describeEvaluation(event));
        if (!spec.allowDivergence) requireFinite(event);
      }
    }
    await onDisk;
  } catch (error) {
    if (!(error instanceof ClaimedError)) recordFailure(writer, error);
    throw error;
  }
  if (step < spec.steps && !stoppedEarly) return EXIT.interrupted;
  writer.write({
    event: "finish",
    step,
    seconds: (performance.now() - begin) / 1000,
    checkpointSha256,
    bestSha256,
    ...(stoppedEarly && { stoppedEarly }),
  });
  writer.sync();
  return EXIT.ok;
}

/**
 * Claims a run's folder, which is created if it is missing, after completing what a merge left of it. A merge that is at
 * work may move another folder into the place between the two: then this is done again.
 */
async function claimFolder({ folder, print, claim: options }: ExecuteOptions): Promise<Claim> {
  const place = runPlace(folder);
  for (;;) {
    completeReplacement(place);
    makeFolder(folder);
    const claim = await takeClaim(runPaths(folder).claim, { print, ...options });
    if (!isBetweenFolders(place)) return claim;
    claim[Symbol.dispose]();
  }
}

/** Why what a folder holds is not gone on with, if so. */
function reasonToStartOver(
  { manifest }: RunPaths,
  { journal, environment }: { journal: Journal; environment: Environment },
): string | undefined {
  if (journal.events.length === 0) return undefined;
  let recorded: Environment;
  try {
    recorded = readManifest(manifest).environment;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `it is not known where its steps were made: ${error.message}`;
  }
  const changes = changesThatMatter(recorded, environment);
  return changes === undefined ? undefined : `its steps were made in another environment: ${changes}`;
}

function requireFinite(event: TrainEvent): void {
  if (event.event !== "step" && event.event !== "eval") return;
  if (Number.isFinite(event.loss)) return;
  throw new UserError(
    `The run diverged: ${
      event.event === "eval" ? "validation loss" : "loss"
    } is ${event.loss} at step ${event.step}, ` +
      "which its spec forbids (allowDivergence is false)",
    { exitCode: EXIT.diverged },
  );
}

/** Leaves the cause in the journal, unless that is what cannot be written. */
function recordFailure(writer: JournalWriter, error: unknown): void {
  try {
    writer.write({ event: "fail", message: error instanceof Error ? error.message : String(error) });
    writer.sync();
  } catch {
    // The disk is full or gone; the error itself is thrown.
  }
}

function describeEvaluation(event: TrainEvent & { event: "eval" }): string {
  const average = event.emaLoss === undefined
    ? ""
    : `; of averaged weights ${event.emaLoss.toFixed(4)} nats, ${event.emaBitsPerByte?.toFixed(4)} bits/byte`;
  return `step ${event.step}: validation loss ${event.loss.toFixed(4)} nats (perplexity ${
    perplexity(event.loss).toFixed(2)
  }), ${event.bitsPerByte.toFixed(4)} bits/byte${average}`;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
