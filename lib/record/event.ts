/**
 * Events of a run's journal, and their serialization.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
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

/** Returns a schema for all events, in accordance with the interfaces above. */
function schemaOfEvents(): v.GenericSchema<unknown, RunEvent> {
  // A finite number, or the name of one that JSON lacks.
  const figure = v.union([
    v.pipe(v.number(), v.finite()),
    v.pipe(v.picklist(["NaN", "Infinity", "-Infinity"]), v.transform(Number)),
  ]);
  const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
  const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
  const name = v.pipe(v.string(), v.maxLength(200));
  const extremes = v.strictObject({
    ...{ format: name, shape: v.array(count) },
    ...{ min: figure, max: figure, nonFinite: figure, largest: figure },
  });
  const timed = {
    time: v.string(),
    generation: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(2))),
  };
  return v.variant("event", [
    v.strictObject({ event: v.literal("start"), ...timed, runId: v.string(), seed: v.number() }),
    v.strictObject({
      event: v.literal("step"),
      ...timed,
      step: count,
      loss: figure,
      lr: figure,
      gradNorm: figure,
      lossScale: v.optional(figure),
      probes: v.optional(
        v.record(v.string(), v.record(v.string(), v.union([figure, v.array(figure)]))),
      ),
      underflow: v.optional(figure),
      tokensPerSecond: figure,
    }),
    v.strictObject({
      event: v.literal("eval"),
      ...timed,
      step: count,
      loss: figure,
      bitsPerByte: figure,
      emaLoss: v.optional(figure),
      emaBitsPerByte: v.optional(figure),
      tokens: count,
      seconds: figure,
    }),
    v.strictObject({ event: v.literal("checkpoint"), ...timed, step: count, sha256 }),
    v.strictObject({ event: v.literal("best"), ...timed, step: count, sha256 }),
    v.strictObject({ event: v.literal("resume"), ...timed, step: count }),
    v.strictObject({
      event: v.literal("finish"),
      ...timed,
      step: count,
      seconds: figure,
      checkpointSha256: sha256,
      bestSha256: v.optional(sha256),
      stoppedEarly: v.optional(v.literal(true)),
      events: v.optional(count),
    }),
    v.strictObject({
      event: v.literal("nonFinite"),
      ...timed,
      step: count,
      evaluation: v.optional(v.boolean()),
      pass: v.picklist(["forward", "backward", "update", "weights"]),
      layer: name,
      opClass: name,
      op: name,
      parameter: v.optional(name),
      inputs: v.array(extremes),
      output: extremes,
    }),
    v.strictObject({ event: v.literal("fail"), ...timed, message: v.string() }),
  ]);
}

const schema = schemaOfEvents();

/** An event without time and generation, which the journal adds. */
export type NewEvent = RunEvent extends infer E ? E extends RunEvent ? Omit<E, "time" | "generation"> : never
  : never;

/** End of a line: the CRC-32 of the preceding text, in hexadecimal. */
const SEAL_PREFIX = ',"crc":"', SEAL_SUFFIX = '"}';

/** Length of the checksum with its delimiters. */
const SEAL_LENGTH = SEAL_PREFIX.length + 8 + SEAL_SUFFIX.length;

/** Returns an event as one line with its checksum, without a line break. Numbers that JSON lacks become their names. */
export function formatEvent(event: RunEvent): string {
  const text = formatJson(event).slice(0, -1);
  return `${text}${SEAL_PREFIX}${checksumOf(text)}${SEAL_SUFFIX}`;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/** Returns JSON with NaN and infinities as strings. `indent`: spaces per level (default 0: one line). */
export function formatJson(value: unknown, indent: number = 0): string {
  return JSON.stringify(
    value,
    (_key, value) => typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    indent,
  );
}

/** Returns true if a line ends with a checksum, valid or not. */
export function hasChecksum(line: string): boolean {
  return line.startsWith(SEAL_PREFIX, line.length - SEAL_LENGTH) && line.endsWith(SEAL_SUFFIX);
}

/**
 * Parses one line. Lines of version 0.1 have no checksum.
 *
 * @returns The event, or the problem of the line.
 */
export function parseEvent(line: string): { event: RunEvent } | { problem: string } {
  const end = line.length - SEAL_LENGTH, sealed = hasChecksum(line);
  const text = sealed ? line.slice(0, end) : line;
  if (sealed) {
    const expectedSum = line.slice(end + SEAL_PREFIX.length, -SEAL_SUFFIX.length), found = checksumOf(text);
    if (expectedSum !== found) return { problem: `expected CRC-32 ${expectedSum}, got ${found}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(sealed ? `${text}}` : text);
  } catch (error) {
    return { problem: `it is not JSON (${error instanceof Error ? error.message : error})` };
  }
  if (isPlainStep(value)) return { event: value };
  const result = v.safeParse(schema, value);
  if (result.success) return { event: result.output };
  const [issue] = result.issues;
  return { problem: describeIssue(issue, "the event") };
}

/** Number of fields of every step. Some steps also have a loss scale or a generation. */
const PLAIN_STEP_FIELDS = 7;

/**
 * Returns true for a step with exactly the standard fields, all finite. Agrees with the schema in a tenth of the time;
 * other values are left to the schema.
 */
function isPlainStep(value: unknown): value is StepEvent {
  const { event, time, step, loss, lr, gradNorm, tokensPerSecond, lossScale, generation } =
    (value ?? {}) as Partial<StepEvent>;
  const scaled = lossScale !== undefined, later = generation !== undefined;
  return event === "step" && typeof time === "string" && Number.isSafeInteger(step) && step! >= 0 &&
    Number.isFinite(loss) && Number.isFinite(lr) && Number.isFinite(gradNorm) &&
    Number.isFinite(tokensPerSecond) && (!scaled || Number.isFinite(lossScale)) &&
    (!later || Number.isSafeInteger(generation) && generation > 1) &&
    Object.keys(value!).length === PLAIN_STEP_FIELDS + Number(scaled) + Number(later);
}
