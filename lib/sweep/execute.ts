/**
 * One run, from its spec to its folder: the only place where training meets the record.
 *
 * @module
 */
import { EXIT } from "../error/user_error.ts";
import {
  atomicWrite,
  collectEnvironment,
  type DataSource,
  JournalWriter,
  readJournal,
  runIdOf,
  runPaths,
  type RunSpec,
  sha256Hex,
  statusOf,
  writeManifest,
} from "../record/mod.ts";
import { summarizeModel } from "../model/mod.ts";
import { type PolicyName, probeRounding, useTensorFlow } from "../tensorflow/mod.ts";
import { prepareCorpus } from "../text/mod.ts";
import { perplexity, train, type TrainEvent } from "../train/mod.ts";
import { reloadCorpus } from "./corpus.ts";
import { findResumePoint } from "./resume_point.ts";
import { modelOf } from "./run_problem.ts";
import { tokenizerOf } from "./spec.ts";

/** How a run ended: 0 finished, 75 interrupted. Everything else throws. */
export type RunExit = 0 | 75;

/**
 * Runs, or goes on with, one run. A finished one is left as it is.
 *
 * @param run Spec, text and code.
 * @param options The run's `folder`, a `signal` that asks it to stop after the step it is at, and where to `print`.
 */
export async function executeRun(
  run: { spec: RunSpec; data: DataSource; libSha256: string },
  options: { folder: string; signal?: AbortSignal; print: (line: string) => void },
): Promise<RunExit> {
  const { spec } = run;
  const paths = runPaths(options.folder);
  const journal = readJournal(paths.journal);
  if (journal.dropped !== undefined) {
    options.print(`warning: ${paths.journal}: dropped a half-written last line`);
  }
  if (statusOf(journal.events) === "finished") return EXIT.ok;

  const runId = runIdOf({ spec, dataSha256: run.data.sha256, libSha256: run.libSha256 });
  const begin = performance.now();
  const prepared = prepareCorpus(await reloadCorpus(run.data), { tokenizer: tokenizerOf(spec) });
  const tensorflow = await useTensorFlow({ threads: spec.threads });
  const environment = await collectEnvironment({
    tensorflowVersion: tensorflow.runtime.version,
    wheelSha256: tensorflow.wheelSha256,
    device: tensorflow.device,
    rounding: probeRounding(),
  });
  Deno.mkdirSync(options.folder, { recursive: true });
  writeManifest(paths.manifest, { format: "losskit-run/1", runId, environment, ...run });

  const resumeFrom = findResumePoint(paths, { events: journal.events, saveBest: spec.saveBest });
  if (resumeFrom === undefined) removeIfThere(paths.best); // of a run that is made again from its start
  using writer = new JournalWriter(paths.journal, resumeFrom === undefined ? 0 : journal.validBytes);
  const model = modelOf(spec, prepared.tokenizer.vocabSize);
  if (resumeFrom === undefined) {
    writer.write({ event: "start", runId, seed: spec.seed });
    options.print(summarizeModel(model));
  }
  const events = train({
    ...spec,
    model,
    policy: spec.policy as PolicyName,
    optimizer: spec,
    schedule: spec,
    loss: { labelSmoothing: spec.labelSmoothing, zLoss: spec.zLoss },
    earlyStop: spec,
    train: prepared.train,
    validation: prepared.validation,
    byteLengths: prepared.tokenizer.byteLengths,
    resumeFrom,
    signal: options.signal,
  });
  let step = 0, stoppedEarly = false;
  // A run that was killed after its last checkpoint has only its end to write.
  let { sha256: checkpointSha256, bestSha256 } = resumeFrom ?? { sha256: "", bestSha256: undefined };
  /** Saves a checkpoint, and returns its checksum. */
  const save = (path: string, event: TrainEvent & { event: "checkpoint" | "best" }): string => {
    writer.sync(); // the steps that a checkpoint stands for are on disk before it
    atomicWrite(path, event.bytes);
    const sha256 = sha256Hex(event.bytes);
    writer.write({ event: event.event, step: event.step, sha256 });
    return sha256;
  };
  try {
    for await (const event of events) {
      step = event.step;
      if (event.event === "checkpoint") checkpointSha256 = save(paths.checkpoint, event);
      else if (event.event === "best") bestSha256 = save(paths.best, event);
      else if (event.event === "earlyStop") {
        stoppedEarly = true;
        options.print(`step ${step}: stopped early, no better since step ${event.bestStep ?? "none"}`);
      } else {
        writer.write(event);
        if (event.event === "eval") options.print(describeEvaluation(event));
      }
    }
  } catch (error) {
    writer.write({ event: "fail", message: error instanceof Error ? error.message : String(error) });
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
