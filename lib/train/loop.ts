/**
 * The training loop, as a stream of typed events. The loop writes no files: the caller records the events.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import * as tf from "@tensorflow/tfjs";
import { Gpt, gpt, type GptConfig, type ParameterRecord } from "../model/mod.ts";
import type { RUN_FIELDS } from "../options/run_fields.ts";
import { LOOP_FIELDS, withOneEvalLimit } from "../options/loop_fields.ts";
import { type OptionsOf, withDefaults } from "../options/run_field.ts";
import { createBatches } from "../text/mod.ts";
import { batchTensors, type TrainingData } from "./dataset.ts";
import { addEvaluation, NO_HISTORY } from "./early_stop.ts";
import { EventLoopWaits } from "./_event_loop.ts";
import type { Probes } from "./probes.ts";
import { Trainer, TRAINER_NAMES } from "./trainer.ts";
import type { TrainerOptions } from "./trainer_options.ts";

/** Options of {@linkcode train}: model, data, trainer and loop. */
export interface TrainOptions extends TrainerOptions, OptionsOf<typeof LOOP_FIELDS> {
  /** The model, which is trained in place. From a config, a model is created, and freed at the end. */
  readonly model: Gpt | GptConfig;
  /** Tokens to train and evaluate on. */
  readonly data: TrainingData;
  /** Returns the initial weights if `model` is a config. Default: random weights from `seed`. */
  readonly parameters?: (() => ParameterRecord) | undefined;
  /**
   * Seed of a random perturbation of the initial weights by at most one unit in the last place, if `model` is a config.
   * Default: 0, no perturbation.
   */
  readonly perturb?: number | undefined;
  /** Seed of a random permutation of the MLPs' hidden units, if `model` is a config. Default: 0, no permutation. */
  readonly reorder?: number | undefined;
  /** Training steps. Default: 500. */
  readonly steps?: number | undefined;
  /** B, sequences per batch. Default: 12. */
  readonly batchSize?: number | undefined;
  /** T, tokens per sequence. Default: the model's `blockSize`. */
  readonly blockSize?: number | undefined;
  /**
   * A checkpoint to resume from. `bytes`: content of the file. `name`: name of the file, for errors. `evaluate`: true
   * to repeat the evaluation at the checkpoint's step, if its record was lost (default: false). Default: start at step
   * 0.
   */
  readonly resumeFrom?:
    | { bytes: Uint8Array<ArrayBuffer>; name: string; evaluate?: boolean | undefined }
    | undefined;
  /** Aborting this signal ends the loop after the current step, with a checkpoint. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** An event of {@linkcode train}. `step` is the number of steps done. */
export type TrainEvent =
  /** The start of a resumed run, with the step of its checkpoint. */
  | { event: "resume"; step: number }
  | StepDone
  | EvaluationEvent
  /** An improvement of the validation loss, if `saveBest` is true. `bytes`: the checkpoint at that step. */
  | { event: "best"; step: number; bytes: Uint8Array<ArrayBuffer> }
  /** The end of the run by early stopping. No further step follows. */
  | { event: "earlyStop"; step: number; bestStep: number | undefined }
  /** A checkpoint. `bytes`: content of the checkpoint file. */
  | { event: "checkpoint"; step: number; bytes: Uint8Array<ArrayBuffer> };

/** A completed step. If the gradient scaler skipped the update, `gradNorm` is NaN or infinite. */
export type StepDone = {
  event: "step";
  /** Number of the step, from 1. */
  step: number;
  /** Loss before the update in nats per token, without label smoothing and z-loss. */
  loss: number;
  /** Learning rate of the step. */
  lr: number;
  /** Global gradient norm before clipping. */
  gradNorm: number;
  /** Factor of the gradient scaler in this step. Omitted if the policy has no gradient scaler. */
  lossScale?: number;
  /** Probes of the step. Omitted unless `probeEvery` requests them for this step. */
  probes?: Probes;
  /** Share of gradient elements that underflow to 0. Only at the first step, and only if a format can underflow. */
  underflow?: number;
  /** Trained tokens per second in this step. */
  tokensPerSecond: number;
};

/** An evaluation: the validation loss of the weights, and of their moving average if there is one. */
export type EvaluationEvent = {
  event: "eval";
  /** Number of steps done before the evaluation. */
  step: number;
  /** Mean validation loss of the weights, in nats per token. */
  loss: number;
  /** Validation loss of the weights in bits per byte. */
  bitsPerByte: number;
  /** Mean validation loss of the moving average, in nats per token. Omitted without a moving average. */
  emaLoss?: number;
  /** Validation loss of the moving average in bits per byte. Omitted without a moving average. */
  emaBitsPerByte?: number;
  /** Number of evaluated targets. */
  tokens: number;
  /** Duration of the evaluation in seconds. */
  seconds: number;
};

/**
 * Trains a model, and yields an event for each step, evaluation and checkpoint. The loop waits for the event loop before
 * each checkpoint, and after the first step that ends 100 ms or more after the last wait, so that signals are delivered.
 *
 * Equal options give equal events, except for times and speeds, and equal checkpoints. A resumed loop gives the same
 * result as an uninterrupted one.
 *
 * @throws {RangeError} If an option is unknown or out of range. Fields of a run's spec that `train` does not use are
 * ignored.
 * @throws {TypeError} If `data.train` or `data.validation` is missing.
 * @throws {UserError} If the checkpoint does not match the options.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  requireKnownNames(options, NAMES, "train");
  requireData(options.data);
  const owned = options.model instanceof Gpt
    ? undefined
    : gpt(options.model, { ...options, parameters: options.parameters?.() });
  const model = owned ?? options.model as Gpt;
  try {
    using trainer = new Trainer(model, { ...options, steps: options.steps ?? DEFAULT_STEPS });
    yield* trainWith(trainer, options);
  } finally {
    owned?.dispose();
  }
}

/** Known names of options. */
const NAMES: readonly string[] = [
  ...TRAINER_NAMES,
  ...optionNames<Omit<TrainOptions, keyof TrainerOptions | keyof typeof RUN_FIELDS>>({
    ...{ model: true, data: true, parameters: true, batchSize: true, blockSize: true },
    ...{ resumeFrom: true, signal: true },
  }),
];

function requireData(data: TrainingData | undefined): void {
  if (data?.train !== undefined && data.validation !== undefined) return;
  throw new TypeError(
    `Cannot train: expected data with the tokens \`train\` and \`validation\`, got ${
      data === undefined ? "none" : Object.keys(data).join(", ")
    }. Use loadDataset().`,
  );
}

/** Default number of steps. */
const DEFAULT_STEPS = 500;

async function* trainWith(
  trainer: Trainer,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, void, undefined> {
  const { data, signal, batchSize = 12, blockSize = trainer.model.config.blockSize } = options;
  const { sampling, evalEvery, evalBytes, evalTokens, checkpointEvery, saveBest, probeEvery, ...earlyStop } =
    withDefaults(LOOP_FIELDS, withOneEvalLimit(options), "train");
  const { seed, steps } = trainer.options;
  const batches = createBatches(data.train, { B: batchSize, T: blockSize, sampling, seed });
  let history = NO_HISTORY;
  if (options.resumeFrom !== undefined) {
    const { bytes, name } = options.resumeFrom;
    const progress = trainer.restore(bytes, { name, sampling });
    history = progress.history;
    batches.restore(progress.cursor);
    yield { event: "resume", step: trainer.stepsDone };
  }
  // The history is kept only if an option depends on it.
  const keepsHistory = saveBest || earlyStop.patience > 0;
  const bytes = () => trainer.checkpoint({ cursor: batches.cursor(), ...(keepsHistory && { history }) });
  let stopped = earlyStop.patience > 0 && history.waited >= earlyStop.patience;
  const earlyEnd = (): TrainEvent => ({
    event: "earlyStop",
    step: trainer.stepsDone,
    bestStep: history.best?.step,
  });
  const evaluateNow = (): EvaluationEvent => {
    const begin = performance.now();
    const { positionLoss: _, ...result } = trainer.evaluate(data, {
      ...{ batchSize, blockSize, maxBytes: evalBytes, maxTokens: evalTokens },
    });
    const seconds = (performance.now() - begin) / 1000;
    return { event: "eval", step: trainer.stepsDone, ...result, seconds };
  };
  function* evaluation(): Generator<TrainEvent> {
    const { step, ...result } = evaluateNow();
    yield { step, ...result };
    const found = addEvaluation(history, { step, loss: result.emaLoss ?? result.loss }, earlyStop);
    history = found.history;
    stopped = found.stop;
    if (saveBest && found.improved) yield { event: "best", step, bytes: bytes() };
    if (stopped) yield earlyEnd();
  }
  if (options.resumeFrom?.evaluate) yield evaluateNow(); // the checkpoint's history already includes it
  if (stopped) yield earlyEnd(); // the checkpoint is from the end of the run
  if (options.resumeFrom === undefined) yield* evaluation();
  const waits = new EventLoopWaits();
  while (trainer.stepsDone < steps && !stopped && !signal?.aborted) {
    const begin = performance.now();
    const batch = batchTensors(batches.next(), batches.padded);
    const probed = probeEvery > 0 && trainer.stepsDone % probeEvery === 0;
    const underflow = trainer.stepsDone === 0 ? trainer.underflow(batch) : undefined;
    const { step, lr, ...result } = trainer.step(batch, { probed });
    tf.dispose([batch.x, batch.y]);
    const tokensPerSecond = batchSize * blockSize / ((performance.now() - begin) / 1000);
    yield {
      event: "step",
      step,
      lr,
      ...result,
      ...(underflow !== undefined && { underflow }),
      tokensPerSecond,
    };
    if (step === steps || step % evalEvery === 0) yield* evaluation();
    const isSaved = step === steps || stopped || step % checkpointEvery === 0;
    await waits.wait({ always: isSaved });
    if (isSaved || signal?.aborted) {
      yield { event: "checkpoint", step, bytes: bytes() };
    }
  }
}
