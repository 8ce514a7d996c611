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
  /** Number of the owner process, from 1. Default: 1. `readJournal` removes this field. */
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
  /** Learning rate. */
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
   * Share of gradient elements that are 0 in the run's precision and not in float32; at the first step of precisions with
   * an unscaled format of less range than float32.
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
  /** Bits per byte of text, comparable across vocabularies. */
  readonly bitsPerByte: number;
  /** Validation loss of the weights' moving average in nats per token, if the run keeps an average. */
  readonly emaLoss?: number | undefined;
  /** Bits per byte of the weights' moving average, if the run keeps an average. */
  readonly emaBitsPerByte?: number | undefined;
  /** Number of predicted tokens. */
  readonly tokens: number;
  /** Duration in seconds. */
  readonly seconds: number;
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

/** Resumption of the run after `step`. Supersedes recorded later steps. */
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
  /** SHA-256 of the last checkpoint, in hexadecimal. */
  readonly checkpointSha256: string;
  /** SHA-256 of the best checkpoint, in hexadecimal, if the run keeps one. */
  readonly bestSha256?: string | undefined;
  /** True after early stopping. Otherwise omitted. */
  readonly stoppedEarly?: true | undefined;
  /** Number of earlier events in the journal, which detects lost lines. Undefined in losskit 0.1. */
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
  /** Part of the step. `weights`: the weights were not finite before the first replayed step. */
  readonly pass: "forward" | "backward" | "update" | "weights";
  /** Layer. Empty outside of layers. */
  readonly layer: string;
  /** Class of the operation. Empty outside of operations. */
  readonly opClass: string;
  /** TensorFlow's name of the op, or a rounding. Empty for `weights`. */
  readonly op: string;
  /** For `update` and `weights`: the first parameter with a non-finite value. */
  readonly parameter?: string | undefined;
  /** Inputs of the op. */
  readonly inputs: readonly Extremes[];
  /** Result of the op. */
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

/** An event without time and generation, which the journal adds. */
export type NewEvent = RunEvent extends infer E ? E extends RunEvent ? Omit<E, "time" | "generation"> : never
  : never;
