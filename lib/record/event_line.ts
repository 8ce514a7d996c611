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
    const expectedSum = line.slice(end + SEAL_PREFIX.length, -SEAL_SUFFIX.length);
    if (!isChecksum(expectedSum, text)) {
      return { problem: `expected CRC-32 ${expectedSum}, got ${checksumOf(text)}` };
    }
  }
  const step = parsePlainStep(sealed ? text : text.slice(0, -1));
  if (step !== undefined) return { event: step };
  let value: unknown;
  try {
    value = JSON.parse(sealed ? `${text}}` : text);
  } catch (error) {
    return { problem: `it is not JSON (${error instanceof Error ? error.message : error})` };
  }
  const result = v.safeParse(schema, value);
  if (result.success) return { event: result.output };
  const [issue] = result.issues;
  return { problem: describeIssue(issue, "the event") };
}

/** Returns true if hexadecimal digits are the checksum of a text, as {@linkcode checksumOf} writes it. */
function isChecksum(digits: string, text: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const code = digits.charCodeAt(i), digit = code < 58 ? code - 48 : code - 87; // 0 to 9, a to f
    if (digit < 0 || digit > 15 || code > 57 && digit < 10) return false;
    sum = 16 * sum + digit;
  }
  return sum === crc32(text);
}

/** Pattern of a number in JSON. */
const NUMBER = String.raw`(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)`;

/**
 * Pattern of a step with the fields of every step, and at most a loss scale and a generation, in the order in which
 * the trainer writes them, without the closing brace.
 */
const PLAIN_STEP = new RegExp(
  String
    .raw`^\{"event":"step","step":(0|[1-9]\d{0,14}),"lr":${NUMBER},"loss":${NUMBER},"gradNorm":${NUMBER},` +
    String.raw`(?:"lossScale":${NUMBER},)?"tokensPerSecond":${NUMBER},` +
    String.raw`(?:"generation":([2-9]|[1-9]\d{1,14}),)?"time":"([-0-9TZ:.]*)"$`,
);

/**
 * Parses a step with finite numbers as the trainer writes it. Agrees with `JSON.parse` and the schema in less than half
 * of the time. Returns undefined for other texts, which are left to them.
 */
function parsePlainStep(text: string): StepEvent | undefined {
  const found = PLAIN_STEP.exec(text);
  if (found === null) return undefined;
  const lr = Number(found[2]), loss = Number(found[3]), gradNorm = Number(found[4]);
  const tokensPerSecond = Number(found[6]), lossScale = found[5] === undefined ? undefined : Number(found[5]);
  // Texts such as 1e999 are infinite.
  if (!Number.isFinite(lr + loss + gradNorm + tokensPerSecond + (lossScale ?? 0))) return undefined;
  const step = {
    event: "step",
    step: Number(found[1]),
    lr,
    loss,
    gradNorm,
    tokensPerSecond,
    time: found[8]!,
  } as const;
  if (lossScale === undefined && found[7] === undefined) return step;
  return {
    ...step,
    ...(lossScale !== undefined && { lossScale }),
    ...(found[7] !== undefined && { generation: Number(found[7]) }),
  };
}
