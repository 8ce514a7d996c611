/**
 * Execution of one run: trains the model of a spec and records the events in the run's folder.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import { requireNoFault } from "../error/user_code.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { makeFolder } from "../file/make_folder.ts";
import { completeReplacement, isBetweenFolders } from "../file/replace_folder.ts";
import { emulationOf, precisionLabel, underflowWarning } from "../precision/mod.ts";
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
  type RunEvent,
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
import { useTensorFlow } from "../tensorflow/mod.ts";
import { perplexity, train, type TrainEvent } from "../train/mod.ts";
import { prepareForRun } from "./corpus.ts";
import { changesThatMatter, currentEnvironment } from "./environment.ts";
import { findText, planFolder } from "./find_text.ts";
import { runPlace } from "./merge_place.ts";
import { initialParametersOf } from "./initial_model.ts";
import { NonFiniteWatch, trainOptions } from "./non_finite.ts";
import { loadCode } from "./own_code.ts";
import { findResumePoint } from "./resume_point.ts";
import { modelOf } from "./model_of.ts";
import { measurePeakMemory } from "./peak_memory.ts";
import { writeRunTokenizer } from "./run_tokenizer.ts";

/** Exit status of a run: 0 if it is finished, 75 if it was interrupted. All other outcomes throw an error. */
export type RunExit = 0 | 75;

/** Folder, signals and output of a run. */
export interface ExecuteOptions {
  /** The run's folder. */
  readonly folder: string;
  /** Aborting this signal stops the run after the current step, with a checkpoint. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Receives log lines. */
  readonly print: (line: string) => void;
  /** True to resume a run that was started in another environment. Default: false, so that the run starts over. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** Options of the claim, the lock file that gives one process ownership of the run. */
  readonly claim?: ClaimOptions | undefined;
}

/**
 * Executes a run, or resumes it from its last checkpoint. A finished run is left unchanged. The journal lines
 * of steps are synced to disk in the background. A checkpoint is written atomically, after the journal lines of its steps
 * are on disk.
 *
 * @param run `spec`: the run's spec. `data`: the recorded name, path and hash of its text. `libSha256`: SHA-256 of
 * losskit's sources.
 * @param options Folder, signals and output.
 * @throws {ClaimedError} If another process owns the run.
 * @throws {UserError} If a file is damaged or the folder is not writable. With exit status 4 if a loss is NaN or
 * infinite and `allowDivergence` is false.
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
  const journal = readJournal(paths.journal, { runId, steps: spec.steps });
  if (journal.dropped !== undefined) {
    options.print(`warning: ${paths.journal}: dropped a half-written last line`);
  }
  if (journal.superseded > 0) {
    options.print(`warning: ${paths.journal}: ignored ${supersededLines(journal.superseded)}`);
  }
  if (statusOf(journal.events) === "finished") return EXIT.ok;
  const requireOwned = () => claim.requireHeld();
  const owner = { generation: claim.begin(journal.generation), requireOwned };

  const begin = performance.now(), memory = measurePeakMemory();
  const dir = planFolder(options.folder);
  const { corpus } = await findText(run.data, { dir });
  using prepared = await prepareForRun(corpus, spec, dir);
  const tensorflow = await useTensorFlow({ threads: spec.threads });
  const environment = await currentEnvironment(tensorflow);
  const startOver = !options.allowEnvironmentChange && reasonToStartOver(paths, { journal, environment });
  if (startOver) options.print(`starting over: ${startOver}`);
  const resumeFrom = startOver ? undefined : findResumePoint(paths, { events: journal.events, spec });
  requireOwned();
  // A run that starts over must not see old checkpoints.
  if (resumeFrom === undefined) { for (const path of [paths.checkpoint, paths.best]) removeIfThere(path); }
  using writer = new JournalWriter(paths.journal, resumeFrom === undefined ? 0 : journal.validBytes, owner);
  // The manifest is written after the journal is emptied, so that it never describes steps of another environment.
  const emulated = emulationOf(spec, environment.device);
  const tokenizerSha256 = writeRunTokenizer(paths.tokenizer, prepared.tokenizer); // before the manifest refers to it
  writeManifest(paths.manifest, {
    ...{ format: "losskit-run/1", runId, tokenizerSha256, emulated, environment, ...run },
  });
  await loadCode(spec, { dir, isolated: true });
  const model = modelOf(spec, prepared.tokenizer.vocabSize);
  if (resumeFrom === undefined) {
    writer.write({ event: "start", runId, seed: spec.seed });
    options.print(summarizeModel(model));
  }
  const signal = AbortSignal.any([claim.lost, ...(options.signal ? [options.signal] : [])]);
  const parameters = () => initialParametersOf(spec, { model, dir });
  const training = { ...trainOptions(spec, { model, data: prepared, parameters }), signal };
  const events = train({ ...training, resumeFrom });
  const nonFinite = new NonFiniteWatch(training, {
    ...{ paths, print: options.print },
    former: resumeFrom === undefined ? [] : continued(journal.events, resumeFrom),
  });
  let step = 0, stoppedEarly = false;
  // A run that was killed after its last checkpoint only needs its `finish` event.
  let { sha256: checkpointSha256, bestSha256 } = resumeFrom ?? { sha256: "", bestSha256: undefined };
  /** Saves a checkpoint and returns its SHA-256. */
  const save = (event: TrainEvent & { event: "checkpoint" | "best" }): string => {
    writer.sync(); // the steps of a checkpoint are on disk before it
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
      requireNoFault();
      step = event.step;
      if (event.event === "checkpoint") checkpointSha256 = save(event);
      else if (event.event === "best") bestSha256 = save(event);
      else if (event.event === "earlyStop") {
        stoppedEarly = true;
        options.print(`step ${step}: stopped early (best step: ${event.bestStep ?? "none"})`);
      } else {
        writer.write(event.event === "eval" ? { ...event, peakBytes: memory.take() } : event);
        writer.syncSoon();
        if (event.event === "resume") { for (const line of resumeFrom?.unrecorded ?? []) writer.write(line); }
        if (event.event === "eval") options.print(describeEvaluation(event));
        if (event.event === "step" && event.underflow !== undefined) {
          const warning = underflowWarning(precisionLabel(spec), event.underflow);
          if (warning !== undefined) options.print(warning);
        }
        const found = await nonFinite.take(event);
        if (found !== undefined) writer.write({ event: "nonFinite", ...found });
        if (!spec.allowDivergence) requireFinite(event);
      }
    }
  } catch (error) {
    if (!(error instanceof ClaimedError)) recordFailure(writer, error);
    throw error;
  }
  if (step < spec.steps && !stoppedEarly) return EXIT.interrupted;
  writer.write({
    event: "finish",
    step,
    seconds: (performance.now() - begin) / 1000,
    peakBytes: memory.take(),
    checkpointSha256,
    bestSha256,
    ...(stoppedEarly && { stoppedEarly }),
    events: (resumeFrom === undefined ? 0 : journal.events.length) + writer.events,
  });
  writer.sync();
  return EXIT.ok;
}

/**
 * Claims a run's folder, and creates it if it is missing. Completes an interrupted merge first. Retries if a running
 * merge replaces the folder in between.
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

/** Appends a resume event, which supersedes the recorded events after a checkpoint. */
function continued(events: readonly RunEvent[], { step }: { step: number }): RunEvent[] {
  return [...events, { event: "resume", step, time: "" }];
}

/** Returns the reason why recorded steps cannot be resumed, or undefined if they can. */
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
    return `the environment of its steps is unknown: ${reasonOf(error)}`;
  }
  const changes = changesThatMatter(recorded, environment);
  return changes === undefined ? undefined : `its steps were computed in another environment: ${changes}`;
}

function requireFinite(event: TrainEvent): void {
  if (event.event !== "step" && event.event !== "eval") return;
  if (Number.isFinite(event.loss)) return;
  const metric = event.event === "eval" ? "validation loss" : "loss";
  throw new UserError(
    `Cannot continue the diverged run: expected a finite ${metric}, got ${event.loss} at step ${event.step}. ` +
      "To record diverged runs, set allowDivergence to true, or omit --fail-on-divergence.",
    { exitCode: EXIT.diverged },
  );
}

/** Records the error in the journal if the journal is writable. */
function recordFailure(writer: JournalWriter, error: unknown): void {
  try {
    writer.write({ event: "fail", message: error instanceof Error ? error.message : String(error) });
    writer.sync();
  } catch {
    // The disk is full or gone. The caller throws the original error.
  }
}

function describeEvaluation(event: TrainEvent & { event: "eval" }): string {
  const average = event.emaLoss === undefined
    ? ""
    : `; averaged weights: ${event.emaLoss.toFixed(4)} nats, ${event.emaBitsPerByte?.toFixed(4)} bits/byte`;
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
