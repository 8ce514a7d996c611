/**
 * Measurement of the cost of a run's steps, on random tokens in a separate process.
 *
 * As a program, delivers the cost to the parent process.
 *
 * @module
 */
import type { RunSpec } from "../record/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { train } from "../train/mod.ts";
import { deliver, resultOf } from "./_isolated.ts";
import { type Sample, sampleTraining } from "./_sample_training.ts";
import type { Cost } from "./estimate.ts";
import { loadCode } from "./own_code.ts";
import { peakBytes } from "./peak_memory.ts";

/** Measured steps after the first one, and the time limit in milliseconds that ends the measurement early. */
const STEPS = 5, LONGEST = 8000;

/**
 * Measures the time and the memory that a run requires, by training some of its steps.
 *
 * @param run The run.
 * @param vocabSize Number of tokens in the vocabulary.
 * @throws {UserError} If the process fails, for example because memory is exhausted.
 */
export async function measureCost(run: RunSpec, vocabSize: number): Promise<Cost> {
  const sample: Sample = { run, vocabSize };
  return await resultOf(
    import.meta.url,
    sample,
    `measure a step of ${run.tokenizer}, T ${run.T}, ${run.policy}`,
  );
}

async function measure(sample: Sample): Promise<Cost> {
  const { run } = sample, { B, T } = run;
  const begin = performance.timeOrigin;
  await useTensorFlow({ threads: run.threads });
  await loadCode(run, { dir: ".", isolated: true }); // the parent process has read it
  const options = sampleTraining(sample);
  let startSeconds = NaN, evaluation = { seconds: 0, tokens: 1 }, first = NaN;
  const times: number[] = [];
  const stop = new AbortController();
  const events = train({
    ...options,
    ...{ steps: STEPS + 1, warmupSteps: 0, decaySteps: 0 },
    schedule: typeof options.schedule === "function" ? options.schedule : "constant",
    ...{ evalEvery: STEPS + 1, checkpointEvery: STEPS + 1 },
    signal: stop.signal,
  });
  for await (const event of events) {
    if (event.event === "eval") evaluation = event;
    if (event.event !== "step") continue;
    times.push(B * T / event.tokensPerSecond);
    if (times.length === 1) {
      startSeconds = (Date.now() - begin) / 1000;
      first = performance.now();
    } else if (performance.now() - first > LONGEST) stop.abort();
  }
  const later = times.slice(1).sort((a, b) => a - b);
  return {
    startSeconds,
    stepSeconds: later[Math.floor(later.length / 2)] ?? times[0]!,
    evalSecondsPerToken: evaluation.seconds / evaluation.tokens,
    bytes: peakBytes(),
  };
}

if (import.meta.main) await deliver(measure);
