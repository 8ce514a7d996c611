/**
 * The events of a run's journal, and the one form they have on disk.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import * as v from "valibot";

/** What every event has. */
export interface TimedEvent {
  /** When it was written, as ISO 8601 in UTC. */
  readonly time: string;
  /** Counts the processes that owned the run, from 1; left out: 1. `readJournal` uses it up. */
  readonly generation?: number | undefined;
}

/** The run began. */
export interface StartEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "start";
  /** The run's identity, as in its manifest. */
  readonly runId: string;
  /** Seed of initial weights, batches and dropout. */
  readonly seed: number;
}

/** A training step. */
export interface StepEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "step";
  /** From 1. */
  readonly step: number;
  /** Nats per token, before the update; without label smoothing and z-loss, whatever is minimised. */
  readonly loss: number;
  /** Learning rate. */
  readonly lr: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradNorm: number;
  /** What the gradient scaler multiplied the loss with, in policies that have one. */
  readonly lossScale?: number | undefined;
  /** Figures of the step by layer or parameter, of steps that are probed. */
  readonly probes?:
    | Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>
    | undefined;
  /** Training tokens per second. */
  readonly tokensPerSecond: number;
}

/** An evaluation on the validation part. */
export interface EvalEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "eval";
  /** Steps done before it. */
  readonly step: number;
  /** Nats per token. */
  readonly loss: number;
  /** Bits per byte of text, which compares across vocabularies. */
  readonly bitsPerByte: number;
  /** Nats per token of the weights' moving average, where there is one. */
  readonly emaLoss?: number | undefined;
  /** Bits per byte of the weights' moving average, where there is one. */
  readonly emaBitsPerByte?: number | undefined;
  /** Tokens that were predicted. */
  readonly tokens: number;
  /** How long it took. */
  readonly seconds: number;
}

/** A checkpoint is on disk. */
export interface CheckpointEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "checkpoint";
  /** Steps done before it. */
  readonly step: number;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
}

/** An evaluation was the best so far, and its weights are on disk. */
export interface BestEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "best";
  /** Steps done before it. */
  readonly step: number;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
}

/** The run goes on after `step`; what the journal has of later steps is superseded. */
export interface ResumeEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "resume";
  /** The checkpoint's step. */
  readonly step: number;
}

/** All steps are done, or as many as patience allowed. */
export interface FinishEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "finish";
  /** Steps done. */
  readonly step: number;
  /** Since the process that finished it began. */
  readonly seconds: number;
  /** SHA-256 of the last checkpoint, in hex. */
  readonly checkpointSha256: string;
  /** SHA-256 of the best checkpoint, in hex, of runs that keep it. */
  readonly bestSha256?: string | undefined;
  /** Whether patience ended it before its last step; left out where it did not. */
  readonly stoppedEarly?: true | undefined;
}

/** The run ended with an error. */
export interface FailEvent extends TimedEvent {
  /** Its kind. */
  readonly event: "fail";
  /** The error's message. */
  readonly message: string;
}

/** An event of a run. Losses, norms, rates and seconds may be NaN or infinite. */
export type RunEvent =
  | StartEvent
  | StepEvent
  | EvalEvent
  | CheckpointEvent
  | BestEvent
  | ResumeEvent
  | FinishEvent
  | FailEvent;

/** A schema for each event: the interfaces above, checked. */
function schemaOfEvents(): v.GenericSchema<unknown, RunEvent> {
  // A finite number, or one of three names that JSON has no number for.
  const figure = v.union([
    v.pipe(v.number(), v.finite()),
    v.pipe(v.picklist(["NaN", "Infinity", "-Infinity"]), v.transform(Number)),
  ]);
  const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
  const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
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
    }),
    v.strictObject({ event: v.literal("fail"), ...timed, message: v.string() }),
  ]);
}

const schema = schemaOfEvents();

/** An event without time and generation, which the journal adds. */
export type NewEvent = RunEvent extends infer E ? E extends RunEvent ? Omit<E, "time" | "generation"> : never
  : never;

/** What ends a line: the CRC-32 of the text before it, in hex. */
const SEAL_PREFIX = ',"crc":"', SEAL_SUFFIX = '"}';

/** Characters of a whole seal. */
const SEAL_LENGTH = SEAL_PREFIX.length + 8 + SEAL_SUFFIX.length;

/** Returns an event as one line, without a line end, with its checksum. Numbers that JSON lacks become their names. */
export function formatEvent(event: RunEvent): string {
  const text = formatJson(event).slice(0, -1);
  return `${text}${SEAL_PREFIX}${checksumOf(text)}${SEAL_SUFFIX}`;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/** JSON in which NaN and infinities are their names as text; `indent` spaces a level (default: all on one line). */
export function formatJson(value: unknown, indent: number = 0): string {
  return JSON.stringify(
    value,
    (_key, value) => typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    indent,
  );
}

/**
 * Reads one line. A line of version 0.1 has no checksum.
 *
 * @returns The event, or what is wrong with the line.
 */
export function parseEvent(line: string): { event: RunEvent } | { problem: string } {
  const end = line.length - SEAL_LENGTH;
  const sealed = line.startsWith(SEAL_PREFIX, end) && line.endsWith(SEAL_SUFFIX);
  const text = sealed ? line.slice(0, end) : line;
  if (sealed) {
    const told = line.slice(end + SEAL_PREFIX.length, -SEAL_SUFFIX.length), found = checksumOf(text);
    if (told !== found) return { problem: `expected CRC-32 ${told}, got ${found}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(sealed ? `${text}}` : text);
  } catch (error) {
    return { problem: `it is no JSON (${error instanceof Error ? error.message : error})` };
  }
  if (isPlainStep(value)) return { event: value };
  const result = v.safeParse(schema, value);
  if (result.success) return { event: result.output };
  const [issue] = result.issues;
  return { problem: `${v.getDotPath(issue) ?? "the event"}: ${issue.message}` };
}

/** Fields of every step; some have a loss scale or a generation as well. */
const PLAIN_STEP_FIELDS = 7;

/**
 * Whether a value is a step as nearly all of them are: the fields that every step has, all finite. It says what the
 * schema says, in a tenth of the time; what it turns down is the schema's to judge.
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
