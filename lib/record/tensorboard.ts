/**
 * TensorBoard's event files: a run's figures as scalars. The format is TensorFlow's (`tensorflow/core/lib/io/record_writer.h`
 * for the frame of a record, `tensorflow/core/util/event.proto` and `summary.proto` for what is in it).
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import crc32c from "crc-32/crc32c.js";
import { effectiveEvents } from "./journal.ts";
import type { RecordedRun } from "./run_folder.ts";

/**
 * The events of a run for TensorBoard: every step's `train/loss`, `train/lr`, `train/gradNorm` and `train/tokensPerSecond`,
 * every evaluation's figures as `validation/…`, at the times they were made. TensorBoard's scalars are float32, so figures
 * are rounded to that.
 *
 * @returns The file's bytes. Equal runs give equal ones.
 */
export function encodeTensorBoard(run: RecordedRun): Uint8Array {
  const { steps, evals } = effectiveEvents(run.events);
  const began = timeOf(run.events[0]?.time);
  const records = [
    encodeEvent(began, (event) => event.tag(FILE_VERSION, WireType.LengthDelimited).string("brain.Event:2")),
    ...[...steps, ...evals].map(({ event, time, step, ...figures }) =>
      encodeEvent(
        timeOf(time),
        (message) =>
          message.tag(STEP, WireType.Varint).int64(step)
            .tag(SUMMARY, WireType.LengthDelimited)
            .bytes(encodeSummary(event === "step" ? "train" : "validation", figures)),
      )
    ),
  ];
  return concat(records.map(frame));
}

/** Where a run's events belong below a folder that TensorBoard is given. */
export function tensorBoardPath({ manifest: { spec, runId }, events }: RecordedRun): string {
  const name = `${spec.tokenizer}-T${spec.T}-${spec.policy}-seed${spec.seed}-${runId}`;
  const began = Math.floor(timeOf(events[0]?.time));
  return `${name.replaceAll(/[^A-Za-z0-9._-]+/g, "_")}/events.out.tfevents.${began}.losskit`;
}

// Field numbers of tensorflow.Event.
const WALL_TIME = 1, STEP = 2, FILE_VERSION = 3, SUMMARY = 5;
// Of tensorflow.Summary, and of its Value.
const VALUE = 1, TAG = 1, SIMPLE_VALUE = 2;

/** Seconds since 1970; 0 where no time can be read. */
function timeOf(iso: string | undefined): number {
  const milliseconds = Date.parse(iso ?? "");
  return Number.isNaN(milliseconds) ? 0 : milliseconds / 1000;
}

function encodeEvent(wallTime: number, what: (event: BinaryWriter) => BinaryWriter): Uint8Array {
  return what(new BinaryWriter().tag(WALL_TIME, WireType.Bit64).double(wallTime)).finish();
}

/** A group's figures, whatever they are called; those that are missing, and those that are no number, are left out. */
function encodeSummary(group: string, figures: Readonly<Record<string, unknown>>): Uint8Array {
  const summary = new BinaryWriter();
  for (const [name, figure] of Object.entries(figures)) {
    if (typeof figure !== "number") continue;
    summary.tag(VALUE, WireType.LengthDelimited).fork()
      .tag(TAG, WireType.LengthDelimited).string(`${group}/${name}`)
      .tag(SIMPLE_VALUE, WireType.Bit32).float(Math.fround(figure))
      .join();
  }
  return summary.finish();
}

/** A record: its length, that number's checksum, the bytes, their checksum. */
function frame(record: Uint8Array): Uint8Array {
  const framed = new Uint8Array(12 + record.length + 4);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(record.length), true);
  view.setUint32(8, maskedChecksum(framed.subarray(0, 8)), true);
  framed.set(record, 12);
  view.setUint32(12 + record.length, maskedChecksum(record), true);
  return framed;
}

/** CRC-32C, rotated and moved: checksums of what holds checksums would be weak otherwise. */
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
