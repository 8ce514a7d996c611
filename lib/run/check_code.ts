/**
 * Check of a run's user-written modules before the run starts, on random tokens in a separate process.
 *
 * As a program, trains some steps, and repeats the last one after a resume with a fresh import of the modules.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { requireNoFault, requireSharedState, sharedState } from "../error/user_code.ts";
import { UserError } from "../error/user_error.ts";
import { completeConfig } from "../model/mod.ts";
import { canonicalJson, formatJson, type RunSpec, sha256Hex } from "../record/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { learningRate, train } from "../train/mod.ts";
import { deliver, resultOf } from "./_isolated.ts";
import { watchRandomSources } from "./_random_sources.ts";
import { type Sample, sampleTraining } from "./_sample_training.ts";
import { modelOf, stepFlops } from "./model_of.ts";
import { entriesOf, importAgain, loadCode, modulesOf, ownArchitecture, ownOptions } from "./own_code.ts";

/** Trained steps. The last one is repeated after a resume. */
const STEPS = 3;

/** Largest number of steps whose learning rates are computed in advance. */
const RATES = 100_000;

/**
 * Checks the user-written modules of a run, by training some steps with one sequence per micro-batch.
 *
 * @param run The run.
 * @param vocabSize Number of tokens in the vocabulary.
 * @throws {UserError} If a function of a module fails, returns tensors of unexpected shapes, or gives other results
 * after a resume. The message names the function.
 */
export async function checkCode(run: RunSpec, vocabSize: number): Promise<void> {
  const sample: Sample = { run: { ...run, B: run.accumulate }, vocabSize };
  await resultOf(import.meta.url, sample, `train steps with ${entriesOf(modulesOf(run))}`);
}

async function check(sample: Sample): Promise<void> {
  const { run } = sample;
  await useTensorFlow({ threads: run.threads });
  const firstSource = watchRandomSources(), backend = tf.getBackend();
  await loadCode(run, { dir: ".", isolated: true });
  const action = `Cannot use ${entriesOf(modulesOf(run))}`, before = sharedState();
  requireBackend(backend, action);
  const initial = initialResults(sample);
  const trained = await trainSome(sample);
  const folder = Deno.makeTempDirSync({ prefix: "losskit-" });
  try {
    await importAgain(run, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  const compare = (first: Results, second: Results, when: string) => {
    for (const [what, value] of second) {
      if (first.get(what) === value) continue;
      const given = `${shortened(first.get(what))} for ${what}, and ${shortened(value)} ${when}`;
      throw new UserError(
        `${action}: expected results that depend on the arguments alone, got ${given}. ` +
          `Remove ${firstSource() ?? "random numbers, clocks and counters"} from the module.`,
      );
    }
  };
  compare(initial, initialResults(sample), "after another import");
  const resumed = await trainSome(sample, trained.checkpoint);
  compare(trained.results, resumed.results, "after a resume");
  requireSharedState(before, action);
  requireBackend(backend, action);
}

/** Requires that users' code has left TF.js as it was. */
function requireBackend(backend: string, action: string): void {
  const found = tf.getBackend(), isDebugging = tf.env().getBool("DEBUG");
  if (found === backend && !isDebugging) return;
  throw new UserError(
    `${action}: expected a module that leaves TF.js as it is, got ${
      isDebugging ? "its debug mode" : `its backend ${found}`
    }. Remove the call.`,
  );
}

/** Values that a repetition must give again, as text, by their names. */
type Results = ReadonlyMap<string, string>;

/** Returns the definitions of parameters, and the learning rates of all steps, as far as users' code gives them. */
function initialResults({ run, vocabSize }: Sample): Results {
  const results = new Map<string, string>();
  const definitions = ownArchitecture(run)?.parameters(completeConfig(modelOf(run, vocabSize))) ?? {};
  for (const [name, definition] of Object.entries(definitions)) {
    results.set(`the parameter ${name}`, canonicalJson(definition));
  }
  if (ownArchitecture(run) !== undefined) results.set("flops()", String(stepFlops(run, vocabSize)));
  const { schedule } = ownOptions(run);
  for (let step = 1; typeof schedule === "function" && step <= Math.min(run.steps, RATES); step++) {
    results.set(`the learning rate of step ${step}`, String(learningRate(step, { ...run, schedule })));
  }
  return results;
}

/**
 * Trains up to {@linkcode STEPS} steps, or the rest of them after a checkpoint. `checkpoint` is that before the last
 * step.
 */
async function trainSome(
  sample: Sample,
  resumed?: Uint8Array<ArrayBuffer>,
): Promise<{ results: Results; checkpoint: Uint8Array<ArrayBuffer> | undefined }> {
  const last = Math.min(STEPS, sample.run.steps), stop = new AbortController();
  const results = new Map<string, string>();
  let checkpoint: Uint8Array<ArrayBuffer> | undefined;
  const events = train({
    ...sampleTraining(sample),
    ...{ evalEvery: last, checkpointEvery: Math.max(1, last - 1), signal: stop.signal },
    ...(resumed !== undefined && { resumeFrom: { bytes: resumed, name: "the checkpoint of the check" } }),
  });
  for await (const event of events) {
    requireNoFault();
    if (event.event === "checkpoint" && event.step < last) checkpoint = event.bytes;
    if (event.event === "checkpoint") results.set(`weights at step ${event.step}`, sha256Hex(event.bytes));
    if (event.event !== "step" && event.event !== "eval") continue;
    if (event.step === last) stop.abort();
    const { seconds: _seconds, tokensPerSecond: _speed, ...values } = {
      ...event,
      seconds: 0,
      tokensPerSecond: 0,
    };
    for (const [field, value] of Object.entries(values)) {
      results.set(
        `${event.event === "eval" ? "validation " : ""}${field} at step ${event.step}`,
        typeof value === "object" ? formatJson(value) : String(value), // probes may be infinite
      );
    }
  }
  return { results, checkpoint };
}

/** Returns at most 40 characters of a value's text. */
function shortened(value = "none"): string {
  return value.length <= 40 ? value : `${value.slice(0, 39)}…`;
}

if (import.meta.main) await deliver(check);
