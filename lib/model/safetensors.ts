/**
 * The safetensors format in memory: eight bytes of header length, a JSON header, the tensors' bytes.
 *
 * Format: Hugging Face's safetensors. float32 only so far; every malformed file is refused with its reason.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import type { ParameterRecord } from "./parameters.ts";

/** Tensors and the free text that stands beside them. */
export interface Safetensors {
  /** Tensors by name, in the file's order. */
  tensors: ParameterRecord;
  /** Text by key. */
  metadata: Record<string, string>;
}

/** The header is padded to this, so that tensors begin aligned. */
const ALIGNMENT = 8;

/** The longest header that the format's own reader accepts. */
const MAX_HEADER = 100_000_000;

/** The bytes of a file. The same tensors and metadata in the same order give the same bytes. */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset += values.byteLength] };
  }
  let text = JSON.stringify(header);
  const bytes = new TextEncoder().encode(text).length;
  text += " ".repeat((ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT);
  const head = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + head.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let place = 8 + head.length;
  for (const { values } of Object.values(tensors)) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place);
    place += values.byteLength;
  }
  return file;
}

/**
 * Reads a file's bytes.
 *
 * @param file The bytes.
 * @param name What to call the file in errors.
 * @throws {UserError} when they are no whole safetensors file of float32 tensors.
 */
export function decodeSafetensors(file: Uint8Array<ArrayBuffer>, name: string): Safetensors {
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot read ${name}: wanted a whole safetensors file of float32 tensors: ${reason}`);
  };
  if (file.length < 8) refuse(`it is ${file.length} bytes long`);
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > file.length) {
    refuse(`its header claims ${length} bytes of ${file.length}`);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(8, 8 + length)));
  } catch (error) {
    refuse(`its header is no JSON in UTF-8 (${error instanceof Error ? error.message : error})`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    refuse("its header is no JSON object");
  }
  const tensors: ParameterRecord = {};
  let metadata: Record<string, string> = {};
  let expected = 0;
  for (const [key, entry] of Object.entries(header as Record<string, unknown>)) {
    if (key === "__metadata__") {
      const texts = entry as Record<string, string>;
      if (
        typeof entry !== "object" || entry === null ||
        Object.values(texts).some((text) => typeof text !== "string")
      ) {
        refuse("its metadata is no record of text");
      }
      metadata = texts;
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = entry as {
      dtype: string;
      shape: number[];
      data_offsets: number[];
    };
    const whole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
    if (!Array.isArray(shape) || !shape.every(whole) || !Array.isArray(offsets) || offsets.length !== 2) {
      refuse(`the tensor ${key} has no shape or no offsets`);
    }
    if (dtype !== "F32") refuse(`the tensor ${key} is of type ${dtype}`);
    const [begin, end] = offsets as [number, number];
    const count = shape.reduce((product, size) => product * size, 1);
    if (
      !whole(begin) || !whole(end) || begin !== expected || end - begin !== 4 * count ||
      8 + length + end > file.length
    ) {
      refuse(
        `the tensor ${key} of shape [${shape}] lies at bytes ${begin} to ${end}, wanted ${expected} to ${
          expected + 4 * count
        }`,
      );
    }
    tensors[key] = {
      shape,
      values: new Float32Array(file.slice(8 + length + begin, 8 + length + end).buffer),
    };
    expected = end;
  }
  if (8 + length + expected !== file.length) {
    refuse(`${file.length - 8 - length - expected} bytes belong to no tensor`);
  }
  return { tensors, metadata };
}
