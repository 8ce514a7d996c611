/**
 * The events of a run's journal, and the one form they have on disk.
 *
 * @module
 */
import * as v from "valibot";

/** A finite number, or one of three names that JSON has no number for. */
const figure = v.union([
  v.pipe(v.number(), v.finite()),
  v.pipe(v.picklist(["NaN", "Infinity", "-Infinity"]), v.transform(Number)),
]);
const step = v.pipe(v.number(), v.integer(), v.minValue(0));
const time = v.string();
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const schema = v.variant("event", [
  /** The run began. */
  v.strictObject({ event: v.literal("start"), time, runId: v.string(), seed: v.number() }),
  /** A training step, from 1. */
  v.strictObject({
    event: v.literal("step"),
    time,
    step,
    /** Nats per token, before the update. */
    loss: figure,
    lr: figure,
    /** Before clipping. */
    gradNorm: figure,
    tokensPerSecond: figure,
  }),
  /** An evaluation on the validation part, after `step` steps. */
  v.strictObject({
    event: v.literal("eval"),
    time,
    step,
    /** Nats per token. */
    loss: figure,
    bitsPerByte: figure,
    tokens: step,
    seconds: figure,
  }),
  /** A checkpoint is on disk. */
  v.strictObject({ event: v.literal("checkpoint"), time, step, sha256 }),
  /** The run goes on after `step`; what the journal has of later steps is superseded. */
  v.strictObject({ event: v.literal("resume"), time, step }),
  /** All steps are done. */
  v.strictObject({ event: v.literal("finish"), time, step, seconds: figure, checkpointSha256: sha256 }),
  /** The run ended with an error. */
  v.strictObject({ event: v.literal("fail"), time, message: v.string() }),
]);

/** An event of a run. Numbers may be NaN or infinite. */
export type RunEvent = v.InferOutput<typeof schema>;
/** A training step. */
export type StepEvent = Extract<RunEvent, { event: "step" }>;
/** An evaluation. */
export type EvalEvent = Extract<RunEvent, { event: "eval" }>;

/** An event without its time, which the journal adds. */
export type NewEvent = RunEvent extends infer E ? E extends RunEvent ? Omit<E, "time"> : never : never;

/** One line, without its end: numbers that JSON lacks become their names. */
export function formatEvent(event: RunEvent): string {
  return JSON.stringify(
    event,
    (_key, value) => typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}

/**
 * Reads one line.
 *
 * @returns The event, or what is wrong with the line.
 */
export function parseEvent(line: string): { event: RunEvent } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { problem: `it is no JSON (${error instanceof Error ? error.message : error})` };
  }
  const result = v.safeParse(schema, value);
  if (result.success) return { event: result.output };
  const [issue] = result.issues;
  return { problem: `${v.getDotPath(issue) ?? "the event"}: ${issue.message}` };
}
