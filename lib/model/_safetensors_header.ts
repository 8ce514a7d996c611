/**
 * Parsing of a safetensors header. The header is validated against the file before any tensor is read.
 *
 * @module
 */
import { shownValue } from "../error/schema_issue.ts";
import { parseJson } from "../file/json.ts";

/** Bytes per element of each type, by the type's name in the format. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map(Object.entries({
  ...{ F64: 8, I64: 8, U64: 8, C64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2 },
  ...{ I8: 1, U8: 1, BOOL: 1, F8_E4M3: 1, F8_E5M2: 1, F8_E8M0: 1, F8_E4M3FNUZ: 1, F8_E5M2FNUZ: 1 },
}));

/** Maximum length of a header in bytes, as in Hugging Face's reader. */
const MAX_HEADER = 100_000_000;

/** Header entry of a tensor. */
export interface TensorEntry {
  /** Name of the tensor. */
  readonly name: string;
  /** Element type, as the format names it: `F32`, `BF16`. */
  readonly dtype: string;
  /** Shape of the tensor. */
  readonly shape: number[];
  /** Offset of the tensor's first byte in the file. */
  readonly begin: number;
  /** Offset after the tensor's last byte in the file. */
  readonly end: number;
}

/** A parsed header. */
export interface SafetensorsHeader {
  /** Tensors in the order of their bytes, without gaps. */
  readonly entries: readonly TensorEntry[];
  /** Metadata: strings by key. */
  readonly metadata: Record<string, string>;
}

/**
 * Parses and validates the header of a complete file.
 *
 * @param file The bytes of the file.
 * @param refuse Throws an error with the given reason why the file is invalid.
 */
export function readHeader(
  file: Uint8Array<ArrayBuffer>,
  refuse: (reason: string) => never,
): SafetensorsHeader {
  if (file.length < 8) refuse(`it is ${file.length} bytes long`);
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > file.length) {
    refuse(`its header claims ${length} bytes of ${file.length}`);
  }
  if (file[8] !== 0x7b) refuse("its header does not begin with {");
  let header: Record<string, unknown>;
  try {
    header = parseJson(file.subarray(8, 8 + length), { anyKey: true }) as Record<string, unknown>;
  } catch (error) {
    return refuse(`its header: ${error instanceof Error ? error.message : error}`);
  }
  const found = new Map(Object.entries(header));
  const metadata = readMetadata(found.get("__metadata__"), refuse);
  found.delete("__metadata__");
  const entries = [...found].map(([name, entry]) => readEntry(name, { entry, start: 8 + length, refuse }));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 8 + length;
  for (const { name, begin, end } of entries) {
    if (begin !== expected || end > file.length) {
      const place = (byte: number) => byte - 8 - length;
      refuse(
        `the tensor ${shownValue(name)} lies at bytes ${place(begin)} to ${place(end)} of ${
          place(file.length)
        }, ` +
          `instead of beginning at ${place(expected)}, the end of the previous tensor`,
      );
    }
    expected = end;
  }
  if (expected !== file.length) refuse(`${file.length - expected} bytes belong to no tensor`);
  return { entries, metadata };
}

function readMetadata(given: unknown, refuse: (reason: string) => never): Record<string, string> {
  if (given === undefined || given === null) return {}; // null: as in Hugging Face's reader
  const isRecord = typeof given === "object" && given !== null && !Array.isArray(given);
  if (isRecord && Object.values(given).every((text) => typeof text === "string")) {
    return given as Record<string, string>;
  }
  return refuse("its metadata is not a record of text");
}

function readEntry(
  name: string,
  { entry, start, refuse }: { entry: unknown; start: number; refuse: (reason: string) => never },
): TensorEntry {
  const fields = new Map(Object.entries(Object(entry)));
  const [dtype, shape, offsets] = ["dtype", "shape", "data_offsets"].map((field) => fields.get(field));
  const isWholes = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
  if (!isWholes(shape) || !isWholes(offsets) || offsets.length !== 2) {
    return refuse(`the tensor ${shownValue(name)} has no shape or no offsets`);
  }
  const size = typeof dtype === "string" ? ELEMENT_BYTES.get(dtype) : undefined;
  if (typeof dtype !== "string" || size === undefined) {
    return refuse(`the tensor ${shownValue(name)} is of the unknown type ${shownValue(dtype)}`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = size * shape.reduce((product, one) => product * one, 1);
  if (end - begin !== bytes) {
    refuse(
      `the tensor ${shownValue(name)} of shape ${
        shownValue(shape)
      } in ${dtype} lies at bytes ${begin} to ${end}, ` +
        `instead of ${bytes} bytes`,
    );
  }
  return { name, dtype, shape, begin: start + begin, end: start + end };
}
