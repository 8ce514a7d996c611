/**
 * The trainer: one object that owns the whole training state.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import * as tf from "@tensorflow/tfjs";
import { atomicWrite } from "../file/atomic_write.ts";
import { readRegular } from "../file/regular.ts";
import { UserError } from "../error/user_error.ts";
import { Gpt } from "../model/mod.ts";
import { type CheckedIds, withCheckedIds } from "../model/token_ids.ts";
import { overridesProblem } from "../precision/mod.ts";
import { drawsRandomly } from "../tensorflow/mod.ts";
import { createRandom, IGNORE_INDEX, type Sampling } from "../text/mod.ts";
import { decodeCheckpoint, encodeCheckpoint, type Progress } from "./checkpoint.ts";
import type { TrainingBatch, TrainingData } from "./dataset.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";
import { LOOP_FIELDS } from "../options/loop_fields.ts";
import { evaluate, type Evaluation, TargetLosses } from "./evaluate.ts";
import type { BatchTensors } from "./loss.ts";
import { initialState } from "./initial_state.ts";
import type { Probes } from "./probes.ts";
import { learningRate } from "./schedule.ts";
import { requireBatch } from "./_training_batch.ts";
import { createTrainStep, disposeState, type StepConfig, type TrainState, type TrainStep } from "./step.ts";
import { canUnderflow, underflowShare } from "./underflow.ts";
import {
  optimizerConfig,
  type ResolvedOptions,
  resolveTrainerOptions,
  type TrainerOptions,
} from "./trainer_options.ts";

/** Result of a training step. */
export interface TrainingStep {
  /** Number of steps done, including this step. */
  readonly step: number;
  /** Loss before the update in nats per token, without label smoothing and z-loss. */
  readonly loss: number;
  /** Global gradient norm before clipping. NaN or infinite if the gradient scaler skipped the update. */
  readonly gradNorm: number;
  /** Learning rate of the step. */
  readonly lr: number;
  /** Factor of the gradient scaler in this step. Omitted if the policy has no gradient scaler. */
  readonly lossScale?: number;
  /** Probes of the step. Omitted unless requested. */
  readonly probes?: Probes;
}

/** Options of {@linkcode Trainer.evaluate}. */
export interface TrainerEvaluateOptions {
  /**
   * Number of bytes at the start of the validation text that are evaluated, or `all`. With the same number, models with
   * different tokenizers are evaluated on the same text. Default: 16,384, or `all` if `maxTokens` is given.
   */
  readonly maxBytes?: number | "all" | undefined;
  /**
   * Maximum number of targets from the start of the validation split, rounded down to whole windows, but at least one
   * window. `all`: only `maxBytes` limits the evaluation. Default: all.
   */
  readonly maxTokens?: number | "all" | undefined;
  /** B, windows (sequences) per batch. Default: the batch size of the last step, or 12 before the first step. */
  readonly batchSize?: number | undefined;
  /** T, tokens per window. Default: the model's `blockSize`, or less if the validation split is shorter. */
  readonly blockSize?: number | undefined;
}

/** Result of {@linkcode Trainer.evaluate}. */
export interface TrainerEvaluation extends Evaluation {
  /** Mean loss of the moving average of the weights, in nats per token. Omitted without a moving average. */
  readonly emaLoss?: number;
  /** Bits per byte of the moving average of the weights. Omitted without a moving average. */
  readonly emaBitsPerByte?: number;
}

/**
 * Known names of a trainer's options. They include all fields of a run's spec, so that a whole spec can be given.
 */
export const TRAINER_NAMES: readonly string[] = [
  ...Object.keys(RUN_FIELDS),
  ...optionNames<Omit<TrainerOptions, keyof typeof RUN_FIELDS>>({ loss: true }),
];

/** Known names of an evaluation's options. */
const EVALUATE_NAMES = optionNames<TrainerEvaluateOptions>({
  maxBytes: true,
  maxTokens: true,
  batchSize: true,
  blockSize: true,
});

/** Name of a step in errors. */
const ACTION = "train on the batch";

/** Batch position in the checkpoints of a trainer that the caller gives batches to. */
const NO_CURSOR = { windows: 0 } as const;

/**
 * A trainer of a model. It owns the optimizer state, the moving average and the gradient scaler. `using` or `dispose`
 * frees them. The model owns the weights.
 */
export class Trainer implements Disposable {
  /** The trained model. */
  readonly model: Gpt;
  /** Options, completed with defaults. */
  readonly options: ResolvedOptions;
  readonly #steps = new Map<boolean, TrainStep>();
  #losses: TargetLosses | undefined;
  #state: Omit<TrainState, "parameters">;
  #done = 0;
  #batchSize = 12;
  #isDisposed = false;

  /**
   * Creates a trainer. If the precision stores weights in another format than float32, rounds the model's weights at
   * once.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(model: Gpt, options: TrainerOptions = {}) {
    this.model = model;
    this.options = resolveTrainerOptions(options);
    const problem = overridesProblem(this.options.overrides, model.config.nLayer);
    if (problem !== undefined) {
      throw new RangeError(`Cannot create a trainer: expected valid overrides, got ${problem}.`);
    }
    this.#state = initialState(model, this.options);
  }

  /** Number of steps done, including those before a resume. */
  get stepsDone(): number {
    return this.#done;
  }

  /**
   * Trains one step: forward pass, backward pass, clipping, update and moving average. A compiled step without gradient
   * accumulation is one native call.
   *
   * @param batch Inputs `x` and targets `y`, int32 [B, T]. The caller owns them.
   * @param options `probed`: true to compute probes, too (default: false).
   * @returns The step's loss, gradient norm and learning rate.
   * @throws {TypeError} If the batch is not int32 [B, T].
   * @throws {RangeError} If T is above the model's `blockSize`, or an id is outside of its vocabulary.
   */
  step(batch: TrainingBatch, { probed = false }: { probed?: boolean } = {}): TrainingStep {
    this.#requireOpen(ACTION);
    requireBatch(batch, ACTION);
    const { padded = true } = batch;
    const at = { step: this.#done + 1, lr: learningRate(this.#done + 1, this.options) };
    const keys = this.#keys(at.step);
    const state = { ...this.#state, parameters: this.model.parameters };
    const { state: next, ...result } = withCheckedIds(
      this.#ids(batch),
      () => this.#stepOf(padded)(state, { x: batch.x, y: batch.y, ...keys }, { ...at, probed }),
    );
    tf.dispose({ ...keys });
    const { parameters, ...rest } = next;
    this.model.setParameters(parameters);
    this.#state = rest;
    this.#done++;
    this.#batchSize = batch.x.shape[0];
    return { ...at, ...result };
  }

  /**
   * Measures the underflow of gradients on a batch. Of the gradient elements that are not 0 in float32, returns the
   * share that is 0 in the trainer's precision. The weights are not changed.
   *
   * @param batch Inputs `x` and targets `y`, int32 [B, T]. The caller owns them.
   * @returns The share, from 0 to 1. Undefined if gradients cannot underflow in the trainer's precision.
   */
  underflow(batch: TrainingBatch): number | undefined {
    this.#requireOpen(ACTION);
    requireBatch(batch, ACTION);
    const { policy, overrides } = this.options;
    if (!canUnderflow({ policy, overrides })) return undefined;
    const { x, y, padded = true } = batch, keys = this.#keys(this.#done + 1);
    const config = { ...this.#objective(padded), policy, overrides };
    const share = withCheckedIds(
      this.#ids(batch),
      () => underflowShare(this.model.parameters, { x, y, ...keys }, config),
    );
    tf.dispose({ ...keys });
    return share;
  }

  /**
   * Computes the validation loss of the weights, and of their moving average if there is one.
   *
   * @param data The data. Only the validation split is used.
   * @param options Limits and sizes of the evaluation.
   * @returns The loss in nats per token, bits per byte, the number of targets, and the loss by position.
   * @throws {RangeError} For an unknown option, or data with a larger vocabulary than the model's.
   */
  evaluate(data: TrainingData, options: TrainerEvaluateOptions = {}): TrainerEvaluation {
    this.#requireOpen("evaluate");
    requireKnownNames(options, EVALUATE_NAMES, "evaluate");
    const { config } = this.model, { length: vocabSize } = data.tokenizer.byteLengths;
    if (vocabSize > config.vocabSize) {
      throw new RangeError(
        `Cannot evaluate: expected data with a vocabulary of at most ${config.vocabSize} tokens, the model's ` +
          `vocabSize, got ${vocabSize}. Use the data that the model was created for.`,
      );
    }
    const given = {
      model: config,
      policy: this.options.policy,
      overrides: this.options.overrides,
      tokens: data.validation,
      byteLengths: data.tokenizer.byteLengths,
      B: options.batchSize ?? this.#batchSize,
      T: options.blockSize ?? Math.min(config.blockSize, data.validation.length - 1),
      maxBytes: options.maxBytes ?? (options.maxTokens === undefined ? LOOP_FIELDS.evalBytes.default : "all"),
      maxTokens: options.maxTokens ?? "all",
    };
    const losses = this.#losses ??= new TargetLosses({ ...this.options, model: config });
    const own = evaluate(this.model.parameters, given, losses);
    const average = this.#state.ema && evaluate(this.#state.ema, given, losses);
    return { ...own, ...(average && { emaLoss: average.loss, emaBitsPerByte: average.bitsPerByte }) };
  }

  /**
   * Encodes the training state as the bytes of a checkpoint. Equal states give equal bytes.
   *
   * @param progress Position of the batch stream, and evaluation history. Default: none, since the caller draws the
   * batches.
   */
  checkpoint(progress: Omit<Progress, "step"> = { cursor: NO_CURSOR }): Uint8Array<ArrayBuffer> {
    this.#requireOpen("encode a checkpoint");
    return encodeCheckpoint({ ...this.#state, parameters: this.model.parameters }, {
      ...progress,
      step: this.#done,
    });
  }

  /**
   * Restores the training state from the bytes of a checkpoint.
   *
   * @param bytes Bytes of the checkpoint.
   * @param expected `name`: name of the file, for errors. `sampling`: sampling method of the batches, or `any` to
   * accept every method (default: random).
   * @returns Step, position of the batch stream, and evaluation history.
   * @throws {UserError} If the checkpoint is damaged, or has another model, optimizer, policy or sampling method.
   */
  restore(
    bytes: Uint8Array<ArrayBuffer>,
    expected: { name: string; sampling?: Sampling | "any" | undefined },
  ): ReturnType<typeof decodeCheckpoint>["progress"] {
    const { state: { parameters, ...rest }, progress } = decodeCheckpoint(bytes, {
      ...this.options,
      ...expected,
      model: this.model.config,
      optimizer: optimizerConfig(this.options),
    });
    disposeState({ ...this.#state, parameters: {} });
    this.model.setParameters(parameters);
    this.#state = rest;
    this.#done = progress.step;
    return progress;
  }

  /**
   * Writes weights, optimizer state, gradient scaler, moving average and step to a safetensors file, atomically.
   *
   * @throws {UserError} If the file cannot be written.
   */
  save(path: string): void {
    this.#requireOpen("save a checkpoint");
    try {
      atomicWrite(path, this.checkpoint());
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw new UserError(`Cannot save ${path}: ${clauseOf(cause)}. Choose another folder.`, { cause });
    }
  }

  /**
   * Restores the training state from a file that {@linkcode Trainer.save} wrote. To continue with the next batch, use
   * `data.batches({ …, start: trainer.stepsDone })`.
   *
   * @throws {UserError} If the file cannot be read, or does not match the model and options.
   */
  resume(path: string): void {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = readRegular(path);
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw new UserError(`Cannot resume from ${path}: ${clauseOf(cause)}. Correct the path.`, { cause });
    }
    this.restore(bytes, { name: path, sampling: "any" });
  }

  /**
   * Frees the optimizer state, the moving average and the compiled functions. The weights of the model are not freed.
   */
  dispose(): void {
    this.#isDisposed = true;
    disposeState({ ...this.#state, parameters: {} });
    for (const step of this.#steps.values()) step[Symbol.dispose]();
    this.#steps.clear();
    this.#losses?.dispose();
    this.#losses = undefined;
  }

  /** Frees the optimizer state, the moving average and the compiled functions, as {@linkcode Trainer.dispose} does. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #requireOpen(action: string): void {
    if (this.#isDisposed) {
      throw new TypeError(
        `Cannot ${action}: expected a trainer with its state, got a disposed one. Create another.`,
      );
    }
  }

  #ids({ x, y }: TrainingBatch): CheckedIds {
    return { x, y, vocabSize: this.model.config.vocabSize, action: ACTION };
  }

  #stepOf(padded: boolean): TrainStep {
    const known = this.#steps.get(padded);
    if (known !== undefined) return known;
    const step = createTrainStep({
      ...this.options,
      ...this.#objective(padded),
      optimizer: optimizerConfig(this.options),
    });
    this.#steps.set(padded, step);
    return step;
  }

  #objective(padded: boolean): Pick<StepConfig, "model" | "criterion"> & Required<Pick<StepConfig, "loss">> {
    const { labelSmoothing, zLoss, loss } = this.options;
    return {
      model: this.model.config,
      criterion: loss,
      loss: { labelSmoothing, zLoss, ...(padded && { ignoreIndex: IGNORE_INDEX }) },
    };
  }

  /** Returns the keys of a step's dropout and rounding. They depend only on seed and step, and need no checkpoint. */
  #keys(step: number): Pick<BatchTensors, "dropoutKey" | "roundingKey"> {
    const key = (use: string) => {
      const random = createRandom(this.options.seed, `${use}/${step}`);
      return tf.tensor1d([random.nextUint32() | 0, random.nextUint32() | 0], "int32");
    };
    return {
      ...((this.model.config.dropout ?? 0) > 0 && { dropoutKey: key("dropout") }),
      ...(drawsRandomly(this.options) && { roundingKey: key("rounding") }),
    };
  }
}

/**
 * Creates a trainer. Every option has a default, so that `createTrainer(model)` trains with AdamW in float32. By
 * default, the learning rate rises to 1e-3 in 10 steps of warm-up. If `steps` is given, the rate then decays along a
 * cosine to 1e-4 at the last step. Otherwise the rate stays constant.
 *
 * @param model The model, which is trained in place.
 * @param options Precision policy, schedule, optimizer, loss and other options.
 * @throws {TypeError} If the model is not a {@linkcode Gpt}.
 * @throws {RangeError} If an option is unknown or out of range. Fields of a run's spec that a trainer does not use are
 * ignored.
 */
export function createTrainer(model: Gpt, options: TrainerOptions = {}): Trainer {
  if (!(model instanceof Gpt)) {
    throw new TypeError(
      `Cannot create a trainer: expected a model, got ${typeof model}. Create one with gpt(…).`,
    );
  }
  requireKnownNames(options, TRAINER_NAMES, "create a trainer");
  return new Trainer(model, options);
}
