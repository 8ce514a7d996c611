/**
 * Measurement of the cost of a run's steps, on random tokens in a separate process.
 *
 * As a program, `measure_step.ts RUN_SPEC V` prints the cost as JSON. V is the number of tokens in the vocabulary.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { type RunSpec, runSpecSchema } from "../record/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { train } from "../train/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import * as v from "valibot";
import { denoArguments } from "../file/package.ts";
import type { Cost } from "./estimate.ts";
import { modelOf } from "./model_of.ts";
import { loadCode, ownOptions } from "./own_code.ts";

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
  return await costOf(run, vocabSize);
}

/**
 * Checks the user-written modules of a run before the run starts, by training some steps with one sequence per
 * micro-batch.
 *
 * @param run The run.
 * @param vocabSize Number of tokens in the vocabulary.
 * @throws {UserError} If a function of a module fails, or returns tensors of unexpected shapes. The message names the
 * function.
 */
export async function checkCode(run: RunSpec, vocabSize: number): Promise<void> {
  await costOf({ ...run, B: run.accumulate, evalTokens: run.T }, vocabSize);
}

async function costOf(run: RunSpec, vocabSize: number): Promise<Cost> {
  const { success, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...denoArguments(import.meta.url), JSON.stringify(run), String(vocabSize)],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (success) {
    const result: Cost | { problem: string } = JSON.parse(text(stdout).split("\n").at(-1)!);
    if ("problem" in result) throw new UserError(result.problem);
    return result;
  }
  throw new UserError(
    `Cannot measure a step of ${run.tokenizer}, T ${run.T}, ${run.policy}: ${
      signal === null ? reasonIn(text(stderr)) : `signal ${signal} ended the process`
    }`,
  );
}

/** Returns the last line of a process's messages that is not part of a stack trace. */
function reasonIn(messages: string): string {
  const lines = messages.split("\n").filter((line) => !/^\s+at /.test(line) && line.trim() !== "");
  return lines.at(-1)?.replace(/^error: Uncaught (\(in promise\) )?/, "") ?? "no message";
}

async function measure(run: RunSpec, vocabSize: number): Promise<Cost> {
  const begin = performance.timeOrigin;
  await useTensorFlow({ threads: run.threads });
  await loadCode(run, { dir: "." }); // the parent process has read it
  const own = ownOptions(run), { B, T } = run, random = createRandom(1, "measured tokens");
  const tokens = Int32Array.from({ length: (B + 1) * T + 2 }, () => random.integer(vocabSize));
  let startSeconds = NaN, evaluation = { seconds: 0, tokens: 1 }, first = NaN;
  const times: number[] = [];
  const stop = new AbortController();
  const events = train({
    ...run,
    ...own,
    model: modelOf(run, vocabSize),
    policy: run.policy as PolicyName,
    ...{ steps: STEPS + 1, warmupSteps: 0, decaySteps: 0 },
    schedule: typeof own.schedule === "function" ? own.schedule : "constant",
    patience: 0,
    saveBest: false,
    data: {
      train: tokens,
      validation: tokens,
      tokenizer: { byteLengths: new Int32Array(vocabSize).fill(1) },
    },
    batchSize: B,
    blockSize: T,
    evalEvery: STEPS + 1,
    evalBytes: "all",
    evalTokens: Math.min(B, 8) * T,
    checkpointEvery: STEPS + 1,
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

/** Returns the peak resident memory of this process in bytes, or undefined if the system does not report it. */
function peakBytes(): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const run = v.parse(runSpecSchema, JSON.parse(Deno.args[0]!));
  const problemOf = (error: unknown) => {
    const isTold = error instanceof UserError || error instanceof RangeError || error instanceof TypeError;
    if (isTold && error.message.startsWith("Cannot ")) return { problem: error.message };
    throw error;
  };
  console.log(JSON.stringify(await measure(run, Number(Deno.args[1])).catch(problemOf)));
}
