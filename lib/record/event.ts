/**
 * Events of a run's journal.
 *
 * @module
 */
import type { Extremes } from "../precision/mod.ts";

/** Common fields of all events. */
export interface TimedEvent {
  /** Time of writing, ISO 8601 in UTC. */
  readonly time: string;
  /**
   * Generation of the process that wrote the event: the number of processes that have owned the run, from 1. Default:
   * 1. `readJournal` removes this field.
   */
  readonly generation?: number | undefined;
}

/** Start of a run. */
export interface StartEvent extends TimedEvent {
  /** Event type. */
  readonly event: "start";
  /** Run ID, as in the manifest. */
  readonly runId: string;
  /** Seed of initial weights, batches and dropout. */
  readonly seed: number;
}

/** A training step. */
export interface StepEvent extends TimedEvent {
  /** Event type. */
  readonly event: "step";
  /** Step, from 1. */
  readonly step: number;
  /** Training loss before the update, in nats per token, without label smoothing and z-loss. */
  readonly loss: number;
  /** Learning rate of the step. */
  readonly lr: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradNorm: number;
  /** Factor of the gradient scaler, for policies with a scaler. */
  readonly lossScale?: number | undefined;
  /** Metrics by layer or parameter, for probed steps. */
  readonly probes?:
    | Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>
    | undefined;
  /**
   * Share of gradient elements that are 0 in the run's precision, but not in float32. Recorded at the first step if the
   * precision has an unscaled format with a smaller range than float32.
   */
  readonly underflow?: number | undefined;
  /** Training tokens per second. */
  readonly tokensPerSecond: number;
}

/** An evaluation on the validation split. */
export interface EvalEvent extends TimedEvent {
  /** Event type. */
  readonly event: "eval";
  /** Number of completed steps. */
  readonly step: number;
  /** Validation loss in nats per token. */
  readonly loss: number;
  /** Validation loss in bits per byte of text. Comparable between vocabularies. */
  readonly bitsPerByte: number;
  /** Validation loss of the weights' moving average in nats per token, if the run keeps an average. */
  readonly emaLoss?: number | undefined;
  /** Validation loss of the weights' moving average in bits per byte, if the run keeps an average. */
  readonly emaBitsPerByte?: number | undefined;
  /** Number of evaluated tokens. */
  readonly tokens: number;
  /** Duration of the evaluation in seconds. */
  readonly seconds: number;
  /**
   * Peak resident memory of the process in bytes since the previous evaluation, or since the start of the process's work
   * on the run. Host memory only. Undefined if the system does not report it, and in journals of losskit 0.1.
   */
  readonly peakBytes?: number | undefined;
}

/** A saved checkpoint. */
export interface CheckpointEvent extends TimedEvent {
  /** Event type. */
  readonly event: "checkpoint";
  /** Number of completed steps. */
  readonly step: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

/** A saved checkpoint of the best evaluation so far. */
export interface BestEvent extends TimedEvent {
  /** Event type. */
  readonly event: "best";
  /** Number of completed steps. */
  readonly step: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Resumption of the run after `step`. Later steps that are already in the journal are superseded: the run computes them
 * again.
 */
export interface ResumeEvent extends TimedEvent {
  /** Event type. */
  readonly event: "resume";
  /** Step of the checkpoint. */
  readonly step: number;
}

/** End of the run, after all steps or early stopping. */
export interface FinishEvent extends TimedEvent {
  /** Event type. */
  readonly event: "finish";
  /** Number of completed steps. */
  readonly step: number;
  /** Seconds since the start of the process that finished the run. */
  readonly seconds: number;
  /** Peak resident memory since the last evaluation, as in {@linkcode EvalEvent}. */
  readonly peakBytes?: number | undefined;
  /** SHA-256 of the last checkpoint, in hexadecimal. */
  readonly checkpointSha256: string;
  /** SHA-256 of the best checkpoint, in hexadecimal, if the run keeps one. */
  readonly bestSha256?: string | undefined;
  /** True if early stopping ended the run. Otherwise omitted. */
  readonly stoppedEarly?: true | undefined;
  /**
   * Number of earlier events in the journal. Readers use the number to detect lost lines. Undefined in journals of
   * losskit 0.1.
   */
  readonly events?: number | undefined;
}

/** The first NaN or infinite number of the run, found by a replay of the step. Recorded once, after the step's event. */
export interface NonFiniteEvent extends TimedEvent {
  /** Event type. */
  readonly event: "nonFinite";
  /** Step, from 1. For an evaluation, the number of steps before it. */
  readonly step: number;
  /** True if the number is in an evaluation. Otherwise omitted. */
  readonly evaluation?: boolean | undefined;
  /** Phase of the step. `weights`: the weights were not finite before the first replayed step. */
  readonly pass: "forward" | "backward" | "update" | "weights";
  /** Name of the layer. Empty if the operation is in no layer. */
  readonly layer: string;
  /** Operation class, such as `linear`. Empty if the number does not come from an operation with a class. */
  readonly opClass: string;
  /** TensorFlow's name of the operation, or the name of a rounding. Empty for `weights`. */
  readonly op: string;
  /** For `update` and `weights`: the first parameter with a non-finite value. */
  readonly parameter?: string | undefined;
  /** Extreme values of the operation's inputs. */
  readonly inputs: readonly Extremes[];
  /** Extreme values of the operation's result. */
  readonly output: Extremes;
}

/** Failure of the run. */
export interface FailEvent extends TimedEvent {
  /** Event type. */
  readonly event: "fail";
  /** Error message. */
  readonly message: string;
}

/** An event of a run. Losses, norms, learning rates and seconds may be NaN or infinite. */
export type RunEvent =
  | StartEvent
  | StepEvent
  | EvalEvent
  | CheckpointEvent
  | BestEvent
  | ResumeEvent
  | FinishEvent
  | NonFiniteEvent
  | FailEvent;

/** An event to be written. The journal adds the time and the generation. */
export type NewEvent = RunEvent extends infer E ? E extends RunEvent ? Omit<E, "time" | "generation"> : never
  : never;

/**
 * Fields that measure the machine. They are no results: runs are equal whatever the values of these fields are.
 */
export const MEASUREMENTS: readonly string[] = ["time", "tokensPerSecond", "seconds", "peakBytes"];
