/**
 * Encoding of runs as TensorBoard event files. The format is TensorFlow's: `tensorflow/core/lib/io/record_writer.h` for
 * the framing of records, `tensorflow/core/util/event.proto` and `summary.proto` for their content.
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import crc32c from "crc-32/crc32c.js";
import type { StepEvent } from "./event.ts";
import { effectiveEvents } from "./journal.ts";
import type { RecordedRun } from "./run_folder.ts";

/**
 * Encodes a run for TensorBoard: `train/loss`, `train/lr`, `train/gradNorm` and `train/tokensPerSecond` of every step,
 * `probes/SCOPE/METRIC` of probed steps, and the metrics of every evaluation as `validation/…`, at the recorded times. Values are rounded to float32,
 * TensorBoard's type.
 *
 * @returns The content of the file. Equal runs give equal bytes.
 */
export function encodeTensorBoard(run: RecordedRun): Uint8Array {
  const { steps, evals } = effectiveEvents(run.events);
  const began = timeOf(run.events[0]?.time);
  const records = [
    encodeEvent(began, (event) => event.tag(FILE_VERSION, WireType.LengthDelimited).string("brain.Event:2")),
    ...[...steps, ...evals].map(({ time, step, ...event }) =>
      encodeEvent(
        timeOf(time),
        (message) =>
          message.tag(STEP, WireType.Varint).int64(step)
            .tag(SUMMARY, WireType.LengthDelimited)
            .bytes(encodeSummary(tagged(event))),
      )
    ),
  ];
  return concat(records.map(frame));
}

/** Returns the path of a run's event file, relative to TensorBoard's log directory. */
export function tensorBoardPath({ manifest: { spec, runId }, events }: RecordedRun): string {
  const name = `${spec.tokenizer}-T${spec.T}-${spec.policy}-seed${spec.seed}-${runId}`;
  const began = Math.floor(timeOf(events[0]?.time));
  return `${name.replaceAll(/[^A-Za-z0-9._-]+/g, "_")}/events.out.tfevents.${began}.losskit`;
}

// Field numbers of tensorflow.Event.
const WALL_TIME = 1, STEP = 2, FILE_VERSION = 3, SUMMARY = 5;
// Field numbers of tensorflow.Summary and of its Value.
const VALUE = 1, TAG = 1, SIMPLE_VALUE = 2;

/** Returns seconds since 1970, or 0 for an invalid time. */
function timeOf(iso: string | undefined): number {
  const milliseconds = Date.parse(iso ?? "");
  return Number.isNaN(milliseconds) ? 0 : milliseconds / 1000;
}

function encodeEvent(wallTime: number, what: (event: BinaryWriter) => BinaryWriter): Uint8Array {
  return what(new BinaryWriter().tag(WALL_TIME, WireType.Bit64).double(wallTime)).finish();
}

/** Returns the metrics of an event by their tags: `train/loss`, `validation/loss`, `probes/h.0/flushed`. */
function tagged(
  { event, probes = {}, ...figures }: {
    event: string;
    probes?: StepEvent["probes"];
    [name: string]: unknown;
  },
): [tag: string, value: unknown][] {
  const group = event === "step" ? "train" : "validation";
  return [
    ...Object.entries(figures).map(([name, value]): [string, unknown] => [`${group}/${name}`, value]),
    ...Object.entries(probes).flatMap(([scope, metrics]) =>
      Object.entries(metrics).map(([name, value]): [string, unknown] => [`probes/${scope}/${name}`, value])
    ),
  ];
}

/** Encodes metrics under their tags. Omits missing values and non-numbers. */
function encodeSummary(metrics: readonly (readonly [tag: string, value: unknown])[]): Uint8Array {
  const summary = new BinaryWriter();
  for (const [tag, figure] of metrics) {
    if (typeof figure !== "number") continue;
    summary.tag(VALUE, WireType.LengthDelimited).fork()
      .tag(TAG, WireType.LengthDelimited).string(tag)
      .tag(SIMPLE_VALUE, WireType.Bit32).float(Math.fround(figure))
      .join();
  }
  return summary.finish();
}

/** Frames a record: its length, the checksum of the length, the content, the checksum of the content. */
function frame(record: Uint8Array): Uint8Array {
  const framed = new Uint8Array(12 + record.length + 4);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(record.length), true);
  view.setUint32(8, maskedChecksum(framed.subarray(0, 8)), true);
  framed.set(record, 12);
  view.setUint32(12 + record.length, maskedChecksum(record), true);
  return framed;
}

/** Returns the CRC-32C, masked as in TensorFlow, because plain checksums of data with checksums are weak. */
function maskedChecksum(bytes: Uint8Array): number {
  const sum = crc32c.buf(bytes) >>> 0;
  return ((sum >>> 15 | sum << 17) + 0xa282ead8) >>> 0;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
