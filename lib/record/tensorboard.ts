/**
 * Encoding of runs as TensorBoard event files. TensorFlow's `tensorflow/core/lib/io/record_writer.h` defines the
 * framing of records, `tensorflow/core/util/event.proto` and `summary.proto` define their content, and
 * `tensorboard/plugins/hparams/plugin_data.proto` defines hyperparameters.
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import defer * as crc32c from "crc-32/crc32c.js"; // makes its tables at once
import { canonicalJson } from "./canonical_json.ts";
import type { StepEvent } from "./event.ts";
import { effectiveEvents } from "./journal.ts";
import type { RecordedRun } from "./run_folder.ts";

/**
 * Encodes a run as a TensorBoard event file. The spec becomes hyperparameters. Every step has `train/loss`, `train/lr`,
 * `train/gradNorm` and `train/tokensPerSecond`. Probed steps have `probes/SCOPE/METRIC`. Evaluations have their metrics
 * as `validation/…`, and `memory/peakBytes` if it is recorded. All have the recorded times. Values are rounded to
 * float32, TensorBoard's type.
 *
 * @returns The content of the file. The same record always gives the same bytes.
 */
export function encodeTensorBoard(run: RecordedRun): Uint8Array {
  const { steps, evals } = effectiveEvents(run.events);
  const began = timeOf(run.events[0]?.time);
  const records = [
    encodeEvent(began, (event) => event.tag(FILE_VERSION, WireType.LengthDelimited).string("brain.Event:2")),
    encodeEvent(
      began,
      (event) => withSession(event, "_hparams_/session_start_info", sessionStart(run, began)),
    ),
    ...[...steps, ...evals].map(({ time, step, ...event }) =>
      encodeEvent(
        timeOf(time),
        (message) =>
          message.tag(STEP, WireType.Varint).int64(step)
            .tag(SUMMARY, WireType.LengthDelimited)
            .bytes(encodeSummary(tagged(event))),
      )
    ),
    ...run.status === "unfinished" ? [] : [
      encodeEvent(
        timeOf(run.events.at(-1)?.time),
        (event) => withSession(event, "_hparams_/session_end_info", sessionEnd(run)),
      ),
    ],
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

// Field numbers of SummaryMetadata, of its PluginData, and of a Summary's Value.
const METADATA = 9, PLUGIN_DATA = 1, PLUGIN_NAME = 1, CONTENT = 2;
// Field numbers of tensorboard.hparams.HParamsPluginData, SessionStartInfo and SessionEndInfo.
const SESSION_START = 3, SESSION_END = 4;
const HPARAMS = 1, GROUP_NAME = 4, START_TIME = 5;
const STATUS = 1, END_TIME = 2;
// Field numbers of a map's entry and of google.protobuf.Value.
const KEY = 1, ENTRY = 2, NUMBER = 2, STRING = 3, BOOLEAN = 4;
/** Values of tensorboard.hparams.Status. */
const SUCCESS = 1, FAILURE = 2;

/** Adds a summary that holds data of the HParams plugin. */
function withSession(event: BinaryWriter, tag: string, data: Uint8Array): BinaryWriter {
  return event.tag(SUMMARY, WireType.LengthDelimited).fork()
    .tag(VALUE, WireType.LengthDelimited).fork()
    .tag(TAG, WireType.LengthDelimited).string(tag)
    .tag(METADATA, WireType.LengthDelimited).fork()
    .tag(PLUGIN_DATA, WireType.LengthDelimited).fork()
    .tag(PLUGIN_NAME, WireType.LengthDelimited).string("hparams")
    .tag(CONTENT, WireType.LengthDelimited).bytes(data)
    .join().join().join().join();
}

/** Encodes the start of a session: the spec, grouped by run. Lists become text. */
function sessionStart({ manifest: { spec, runId } }: RecordedRun, began: number): Uint8Array {
  const data = new BinaryWriter();
  const session = data.tag(SESSION_START, WireType.LengthDelimited).fork();
  for (const [name, value] of Object.entries(spec)) {
    session.tag(HPARAMS, WireType.LengthDelimited).fork()
      .tag(KEY, WireType.LengthDelimited).string(name)
      .tag(ENTRY, WireType.LengthDelimited).fork();
    if (typeof value === "number") session.tag(NUMBER, WireType.Bit64).double(value);
    else if (typeof value === "boolean") session.tag(BOOLEAN, WireType.Varint).bool(value);
    else {
      session.tag(STRING, WireType.LengthDelimited).string(
        typeof value === "string" ? value : canonicalJson(value ?? null),
      );
    }
    session.join().join();
  }
  session.tag(GROUP_NAME, WireType.LengthDelimited).string(runId)
    .tag(START_TIME, WireType.Bit64).double(began).join();
  return data.finish();
}

function sessionEnd({ status, events }: RecordedRun): Uint8Array {
  return new BinaryWriter().tag(SESSION_END, WireType.LengthDelimited).fork()
    .tag(STATUS, WireType.Varint).int32(status === "finished" ? SUCCESS : FAILURE)
    .tag(END_TIME, WireType.Bit64).double(timeOf(events.at(-1)?.time))
    .join().finish();
}

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
    ...Object.entries(figures).map(([name, value]): [string, unknown] => [
      `${name === "peakBytes" ? "memory" : group}/${name}`,
      value,
    ]),
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
  const sum = crc32c.default.buf(bytes) >>> 0;
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
