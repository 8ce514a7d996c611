/**
 * One run, from its spec to its folder: the only place where training meets the record.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import {
  atomicWrite,
  collectEnvironment,
  type DataSource,
  effectiveEvents,
  JournalWriter,
  readJournal,
  runIdOf,
  runPaths,
  type RunSpec,
  sha256Hex,
  statusOf,
  writeManifest,
} from "../record/mod.ts";
import { type PolicyName, probeRounding, useTensorFlow } from "../tensorflow/mod.ts";
import { prepareCorpus } from "../text/mod.ts";
import { checkpointStep, train } from "../train/mod.ts";
import { reloadCorpus } from "./corpus.ts";
import { modelOf, tokenizerOf } from "./spec.ts";

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
    rounding: probeRounding(),
  });
  Deno.mkdirSync(options.folder, { recursive: true });
  writeManifest(paths.manifest, { format: "losskit-run/1", runId, environment, ...run });

  // Without a checkpoint the run starts over, and so does its journal; so it does where the journal was lost, or does
  // not reach the checkpoint: its steps are written before the checkpoint that stands for them.
  const found = readCheckpoint(paths.checkpoint);
  const recorded = effectiveEvents(journal.events).steps.at(-1)?.step ?? 0;
  const resumeFrom = found !== undefined && checkpointStep(found.bytes, found.name) <= recorded
    ? found
    : undefined;
  using writer = new JournalWriter(paths.journal, resumeFrom === undefined ? 0 : journal.validBytes);
  if (resumeFrom === undefined) writer.write({ event: "start", runId, seed: spec.seed });
  const events = train({
    ...spec,
    model: modelOf(spec, prepared.tokenizer.vocabSize),
    policy: spec.policy as PolicyName,
    optimizer: spec,
    schedule: spec,
    train: prepared.train,
    validation: prepared.validation,
    byteLengths: prepared.tokenizer.byteLengths,
    resumeFrom,
    signal: options.signal,
  });
  let step = 0, checkpointSha256 = "";
  try {
    for await (const event of events) {
      step = event.step;
      if (event.event !== "checkpoint") {
        writer.write(event);
        if (event.event === "eval") {
          options.print(
            `step ${step}: validation loss ${event.loss.toFixed(4)} nats, ${
              event.bitsPerByte.toFixed(4)
            } bits/byte`,
          );
        }
        continue;
      }
      writer.sync(); // the steps that a checkpoint stands for are on disk before it
      atomicWrite(paths.checkpoint, event.bytes);
      checkpointSha256 = sha256Hex(event.bytes);
      writer.write({ event: "checkpoint", step, sha256: checkpointSha256 });
    }
  } catch (error) {
    writer.write({ event: "fail", message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
  if (step < spec.steps) return EXIT.interrupted;
  writer.write({ event: "finish", step, seconds: (performance.now() - begin) / 1000, checkpointSha256 });
  writer.sync();
  return EXIT.ok;
}

function readCheckpoint(path: string): { bytes: Uint8Array<ArrayBuffer>; name: string } | undefined {
  try {
    return { bytes: Deno.readFileSync(path), name: path };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new UserError(
      `Cannot read the checkpoint ${path}: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
