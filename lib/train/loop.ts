/**
 * The training loop, as a stream of typed events. It writes nothing: who runs it records what it yields.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import { createRandom, getBatch } from "../text/mod.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { evaluate } from "./evaluate.ts";
import { type AdamWConfig, zeroMoments } from "./optimizer.ts";
import { learningRate, type ScheduleConfig } from "./schedule.ts";
import { createTrainStep, type TrainState } from "./step.ts";

/** What a loop trains, on what, for how long. */
export interface TrainOptions {
  /** The model's sizes. */
  readonly model: GptConfig;
  /** The precision policy. */
  readonly policy: PolicyName;
  /** `graph`: a step is one native call; `eager`: op by op. */
  readonly execution: "graph" | "eager";
  /** AdamW's settings. */
  readonly optimizer: AdamWConfig;
  /** The learning rate over the run, and its length. */
  readonly schedule: ScheduleConfig;
  /** Seed of initial weights and batches. */
  readonly seed: number;
  /** Sequences in a batch. */
  readonly B: number;
  /** Tokens in a sequence. */
  readonly T: number;
  /** Tokens to train on. */
  readonly train: Int32Array;
  /** Tokens to evaluate on. */
  readonly validation: Int32Array;
  /** Bytes of UTF-8 by token id. */
  readonly byteLengths: Int32Array;
  /** Steps between evaluations; 0 and the last step are always evaluated. */
  readonly evalEvery: number;
  /** Targets of an evaluation. */
  readonly evalTokens: number;
  /** Steps between checkpoints; the last step always has one. */
  readonly checkpointEvery: number;
  /** A checkpoint to go on from, and its name for errors. */
  readonly resumeFrom?: { bytes: Uint8Array<ArrayBuffer>; name: string } | undefined;
  /** Asks the loop to stop: it ends after the step it is at, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
}

/** What happens in a loop. */
export type TrainEvent =
  | { event: "resume"; step: number }
  | { event: "step"; step: number; loss: number; lr: number; gradNorm: number; tokensPerSecond: number }
  | { event: "eval"; step: number; loss: number; bitsPerByte: number; tokens: number; seconds: number }
  | { event: "checkpoint"; step: number; bytes: Uint8Array<ArrayBuffer> };

/**
 * Trains. Each step leaves the event loop a turn, so that signals are served.
 *
 * Equal options give equal events, but for speeds and seconds, and equal checkpoints; a loop that goes on from a
 * checkpoint ends as one that was never stopped.
 *
 * @throws {UserError} when the checkpoint does not fit.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { B, T, schedule, seed, signal } = options;
  const random = createRandom(seed, "batches");
  let state: TrainState, done = 0;
  if (options.resumeFrom === undefined) {
    const parameters = toParameters(initialParameters(options.model, seed));
    state = { parameters, moments: zeroMoments(parameters) };
  } else {
    const resumed = decodeCheckpoint(options.resumeFrom.bytes, {
      name: options.resumeFrom.name,
      model: options.model,
    });
    state = resumed.state;
    done = resumed.progress.step;
    random.restore(resumed.progress.random);
    yield { event: "resume", step: done };
  }
  using step = createTrainStep(options);
  try {
    if (done === 0) yield evaluateAt(0, state, options);
    while (done < schedule.steps && !signal?.aborted) {
      const at = { step: done + 1, lr: learningRate(done + 1, schedule) };
      const begin = performance.now();
      const batch = getBatch(options.train, { B, T, random });
      const x = tf.tensor2d(batch.x, [B, T], "int32"), y = tf.tensor2d(batch.y, [B, T], "int32");
      const result = step(state, { x, y }, at);
      tf.dispose([x, y]);
      state = result.state;
      done++;
      const tokensPerSecond = B * T / ((performance.now() - begin) / 1000);
      yield { event: "step", ...at, loss: result.loss, gradNorm: result.gradNorm, tokensPerSecond };
      const last = done === schedule.steps;
      if (last || done % options.evalEvery === 0) yield evaluateAt(done, state, options);
      // A turn of the event loop, not a microtask: signals arrive in the former only.
      await new Promise((resolve) => setTimeout(resolve));
      if (last || done % options.checkpointEvery === 0 || signal?.aborted) {
        yield {
          event: "checkpoint",
          step: done,
          bytes: encodeCheckpoint(state, { step: done, random: random.state() }),
        };
      }
    }
  } finally {
    tf.dispose([{ ...state.parameters }, { ...state.moments.m }, { ...state.moments.v }]);
  }
}

function evaluateAt(step: number, state: TrainState, options: TrainOptions): TrainEvent {
  const begin = performance.now();
  const result = evaluate(state.parameters, {
    ...options,
    tokens: options.validation,
    maxTokens: options.evalTokens,
  });
  return { event: "eval", step, ...result, seconds: (performance.now() - begin) / 1000 };
}
