/**
 * Events as lines of a journal: schema, checksum, formatting and parsing.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
import type { RunEvent, StepEvent } from "./event.ts";

/** Returns a schema for all events, in accordance with the interfaces of `event.ts`. */
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
      peakBytes: v.optional(count),
    }),
    v.strictObject({ event: v.literal("checkpoint"), ...timed, step: count, sha256 }),
    v.strictObject({ event: v.literal("best"), ...timed, step: count, sha256 }),
    v.strictObject({ event: v.literal("resume"), ...timed, step: count }),
    v.strictObject({
      event: v.literal("finish"),
      ...timed,
      step: count,
      seconds: figure,
      peakBytes: v.optional(count),
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

/** End of a line: the CRC-32 of the preceding text, in hexadecimal. */
const SEAL_PREFIX = ',"crc":"', SEAL_SUFFIX = '"}';

/** Length of the checksum with its delimiters. */
const SEAL_LENGTH = SEAL_PREFIX.length + 8 + SEAL_SUFFIX.length;

/**
 * Returns an event as one line of JSON with a checksum, without a line break. NaN and infinities become strings, such
 * as `"NaN"`.
 */
export function formatEvent(event: RunEvent): string {
  const text = formatJson(event).slice(0, -1);
  return `${text}${SEAL_PREFIX}${checksumOf(text)}${SEAL_SUFFIX}`;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/**
 * Returns JSON with NaN and infinities as strings. `indent` is the number of spaces per level. Default: 0, which gives
 * one line.
 */
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
 * Parses one line of a journal. The checksum is optional, because lines of losskit 0.1 have none.
 *
 * @returns The event, or a description of the problem if the line is invalid.
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
