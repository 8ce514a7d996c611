/**
 * The training loop, as a stream of typed events. It writes nothing: who runs it records what it yields.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import { describePolicy, type PrecisionOverride } from "../precision/mod.ts";
import { type PolicyName, roundsStochastically } from "../tensorflow/mod.ts";
import { createBatches, createRandom, type Sampling, type Tokens } from "../text/mod.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { addEvaluation, type EarlyStopConfig, NO_HISTORY } from "./early_stop.ts";
import { evaluate } from "./evaluate.ts";
import { type BatchTensors, IGNORE_INDEX, type LossConfig } from "./loss.ts";
import { initialOptimizerState, type OptimizerConfig, zerosLike } from "./optimizer.ts";
import type { Probes } from "./probes.ts";
import { initialScaler } from "./scaler.ts";
import { learningRate, type ScheduleConfig } from "./schedule.ts";
import { COMPENSATION, isCompensated, roundWeights, stateFormats } from "./state_format.ts";
import { createTrainStep, disposeState, type TrainState } from "./step.ts";

/** What a loop trains, on what, for how long. */
export interface TrainOptions {
  /** The model's sizes. */
  readonly model: GptConfig;
  /** The precision policy. */
  readonly policy: PolicyName;
  /** Formats of layers and classes of operations, which count before the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** `graph`: a step is one native call; `eager`: op by op. */
  readonly execution: "graph" | "eager";
  /** The optimizer and its settings. */
  readonly optimizer: OptimizerConfig;
  /** The learning rate over the run, and its length. */
  readonly schedule: ScheduleConfig;
  /** What is minimised. Default: the mean loss of all positions. */
  readonly loss?: LossConfig | undefined;
  /** Micro-batches of a step, a divisor of B. Default: 1. */
  readonly accumulate?: number | undefined;
  /** Decay of the weights' moving average, which is evaluated too; 0 (default): none. */
  readonly emaDecay?: number | undefined;
  /** Seed of initial weights, batches and dropout. */
  readonly seed: number;
  /** Sequences in a batch. */
  readonly B: number;
  /** Tokens in a sequence. */
  readonly T: number;
  /** Tokens to train on. */
  readonly train: Tokens;
  /** How batches are chosen among them. Default: random. */
  readonly sampling?: Sampling | undefined;
  /** Tokens to evaluate on. */
  readonly validation: Tokens;
  /** Bytes of UTF-8 by token id. */
  readonly byteLengths: Int32Array;
  /** Steps between evaluations; 0 and the last step are always evaluated. */
  readonly evalEvery: number;
  /** Targets of an evaluation, or all of the validation part. */
  readonly evalTokens: number | "all";
  /**
   * When to end before the last step: the loss of the moving average, where there is one, or else of the weights has not
   * become lower by more than `minDelta` in `patience` evaluations. Default: never.
   */
  readonly earlyStop?: EarlyStopConfig | undefined;
  /** Whether to give a checkpoint at every evaluation that is the best so far. Default: no. */
  readonly saveBest?: boolean | undefined;
  /** Steps between checkpoints; the last step always has one. */
  readonly checkpointEvery: number;
  /** Steps between probes, the first step being the first with them; 0 (default): none are taken. */
  readonly probeEvery?: number | undefined;
  /**
   * A checkpoint to resume from, and its name for errors. `evaluate`: the evaluation at its step is repeated, because its
   * record was lost. Default: no.
   */
  readonly resumeFrom?:
    | { bytes: Uint8Array<ArrayBuffer>; name: string; evaluate?: boolean | undefined }
    | undefined;
  /** Asks the loop to stop: it ends after the step it is at, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
}

/** What happens in a loop. */
export type TrainEvent =
  | { event: "resume"; step: number }
  | StepDone
  | EvaluationEvent
  /** At an evaluation that is the best so far: what `checkpoint` would be then. */
  | { event: "best"; step: number; bytes: Uint8Array<ArrayBuffer> }
  /** Patience is at an end: no step comes after this one. */
  | { event: "earlyStop"; step: number; bestStep: number | undefined }
  | { event: "checkpoint"; step: number; bytes: Uint8Array<ArrayBuffer> };

/** A step; a skipped one has a gradient norm that is not finite. */
export type StepDone = {
  event: "step";
  step: number;
  loss: number;
  lr: number;
  gradNorm: number;
  lossScale?: number;
  probes?: Probes;
  tokensPerSecond: number;
};

/** The losses of the validation part: of the weights, and of their moving average where there is one. */
export type EvaluationEvent = {
  event: "eval";
  step: number;
  loss: number;
  bitsPerByte: number;
  emaLoss?: number;
  emaBitsPerByte?: number;
  tokens: number;
  seconds: number;
};

/**
 * Trains. Each step leaves the event loop a turn, so that signals are served.
 *
 * Equal options give equal events, but for speeds and seconds, and equal checkpoints; a loop that goes on from a
 * checkpoint ends as one that was never stopped.
 *
 * @throws {UserError} when the checkpoint does not fit.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { B, T, schedule, signal, saveBest = false, earlyStop = { patience: 0, minDelta: 0 } } = options;
  const batches = createBatches(options.train, { ...options, sampling: options.sampling ?? "random" });
  let state: TrainState, done = 0, history = NO_HISTORY;
  if (options.resumeFrom === undefined) state = initialState(options);
  else {
    const resumed = decodeCheckpoint(options.resumeFrom.bytes, { ...options, name: options.resumeFrom.name });
    ({ state, progress: { step: done, history } } = resumed);
    batches.restore(resumed.progress.cursor);
    yield { event: "resume", step: done };
  }
  // A run that looks back at no evaluation keeps none.
  const keepsHistory = saveBest || earlyStop.patience > 0;
  const bytes = () =>
    encodeCheckpoint(state, {
      step: done,
      cursor: batches.cursor(),
      ...(keepsHistory && { history }),
    });
  let stopped = earlyStop.patience > 0 && history.waited >= earlyStop.patience;
  const earlyEnd = (): TrainEvent => ({ event: "earlyStop", step: done, bestStep: history.best?.step });
  function* evaluation(): Generator<TrainEvent> {
    const event = evaluateAt(done, state, options);
    yield event;
    const found = addEvaluation(history, { step: done, loss: event.emaLoss ?? event.loss }, earlyStop);
    history = found.history;
    stopped = found.stop;
    if (saveBest && found.improved) yield { event: "best", step: done, bytes: bytes() };
    if (stopped) yield earlyEnd();
  }
  const loss = batches.padded ? { ...options.loss, ignoreIndex: IGNORE_INDEX } : options.loss;
  using step = createTrainStep({ ...options, loss });
  try {
    // The checkpoint's history has this evaluation already.
    if (options.resumeFrom?.evaluate) yield evaluateAt(done, state, options);
    if (stopped) yield earlyEnd(); // the checkpoint is of the end
    if (options.resumeFrom === undefined) yield* evaluation();
    while (done < schedule.steps && !stopped && !signal?.aborted) {
      const at = { step: done + 1, lr: learningRate(done + 1, schedule) };
      const begin = performance.now();
      const batch = batches.next();
      const tensors = {
        x: tf.tensor2d(batch.x, [B, T], "int32"),
        y: tf.tensor2d(batch.y, [B, T], "int32"),
        ...keysOf(options, at.step),
      };
      const { state: next, ...figures } = step(state, tensors, { ...at, probed: isProbed(at.step, options) });
      tf.dispose(tensors);
      state = next;
      done++;
      const tokensPerSecond = B * T / ((performance.now() - begin) / 1000);
      yield { event: "step", ...at, ...figures, tokensPerSecond };
      if (done === schedule.steps || done % options.evalEvery === 0) yield* evaluation();
      // A turn of the event loop, not a microtask: signals arrive in the former only.
      await new Promise((resolve) => setTimeout(resolve));
      const last = done === schedule.steps || stopped;
      if (last || done % options.checkpointEvery === 0 || signal?.aborted) {
        yield { event: "checkpoint", step: done, bytes: bytes() };
      }
    }
  } finally {
    disposeState(state);
  }
}

function isProbed(step: number, { probeEvery = 0 }: TrainOptions): boolean {
  return probeEvery > 0 && (step - 1) % probeEvery === 0;
}

/** The state before the first step: the moving average begins at the initial weights. */
function initialState(options: TrainOptions): TrainState {
  const values = initialParameters(options.model, options.seed);
  const formats = stateFormats(Object.keys(values), options);
  const parameters = roundWeights(toParameters(values), formats);
  const moments = initialOptimizerState(parameters, options.optimizer);
  return {
    parameters,
    ...(describePolicy(options.policy).scaled && { scaler: initialScaler() }),
    moments: isCompensated(formats) ? { ...moments, [COMPENSATION]: zerosLike(parameters) } : moments,
    ...((options.emaDecay ?? 0) > 0 && { ema: toParameters(values) }),
  };
}

/** What a step's dropout and rounding draw from: it follows from seed and step, so that a checkpoint need not hold it. */
function keysOf(options: TrainOptions, step: number): Pick<BatchTensors, "dropoutKey" | "roundingKey"> {
  const key = (use: string) => {
    const random = createRandom(options.seed, `${use}/${step}`);
    return tf.tensor1d([random.nextUint32() | 0, random.nextUint32() | 0], "int32");
  };
  return {
    ...((options.model.dropout ?? 0) > 0 && { dropoutKey: key("dropout") }),
    ...(roundsStochastically(options) && { roundingKey: key("rounding") }),
  };
}

function evaluateAt(step: number, state: TrainState, options: TrainOptions): EvaluationEvent {
  const begin = performance.now();
  const given = { ...options, tokens: options.validation, maxTokens: options.evalTokens };
  const { loss, bitsPerByte, tokens } = evaluate(state.parameters, given);
  const average = state.ema && evaluate(state.ema, given);
  return {
    event: "eval",
    step,
    ...{ loss, bitsPerByte, tokens },
    ...(average && { emaLoss: average.loss, emaBitsPerByte: average.bitsPerByte }),
    seconds: (performance.now() - begin) / 1000,
  };
}
