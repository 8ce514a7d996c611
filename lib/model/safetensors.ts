/**
 * The safetensors format in memory: eight bytes with the header's length, a JSON header, and the tensors' bytes.
 *
 * Tensors are float32, bfloat16 or float16. Files written by losskit contain a checksum, which other readers ignore. A
 * malformed file is refused with an error that names the reason.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { shownValue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { readHeader } from "./_safetensors_header.ts";
import { loadedNumbers, STORED_BYTES, storedBytes, type StoredDtype } from "./_stored_numbers.ts";
import { type ParameterRecord, type ParameterValues, sizeOf } from "./parameters.ts";

/** Tensors and metadata of a safetensors file. */
export interface Safetensors {
  /** Tensors by name, in the file's order. */
  tensors: ParameterRecord;
  /** Metadata: strings by key. */
  metadata: Record<string, string>;
}

/** Alignment of the first tensor in bytes. The header is padded with spaces to reach it. */
const ALIGNMENT = 8;

/** Metadata key of the checksum. */
const CHECKSUM = "losskit.sha256";

/**
 * Encodes tensors and metadata as the bytes of a file. Equal tensors and metadata in equal order give equal bytes.
 *
 * Tensors with 4 bytes per number precede those with 2, so that all are aligned. Otherwise the order is kept. The key
 * `losskit.sha256` is added to the metadata. It holds a checksum, which {@linkcode decodeSafetensors} verifies.
 *
 * @throws {RangeError} If a tensor's number of values does not match its shape, its type is not `F32`, `BF16` or `F16`,
 * or its name is `__metadata__`, which the format reserves.
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array<ArrayBuffer> {
  const stored = Object.entries(tensors).map(([name, tensor]) => storedTensor(name, tensor));
  stored.sort((a, b) => STORED_BYTES[b.dtype] - STORED_BYTES[a.dtype]);
  let offset = 0;
  const header = new Map<string, unknown>([
    ["__metadata__", { ...metadata, [CHECKSUM]: checksum(stored, metadata) }],
  ]);
  for (const { name, dtype, shape, bytes } of stored) {
    header.set(name, { dtype, shape, data_offsets: [offset, offset += bytes.length] });
  }
  let text = JSON.stringify(Object.fromEntries(header));
  const length = new TextEncoder().encode(text).length;
  text += " ".repeat((ALIGNMENT - length % ALIGNMENT) % ALIGNMENT);
  const head = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + head.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let place = 8 + head.length;
  for (const { bytes } of stored) {
    file.set(bytes, place);
    place += bytes.length;
  }
  return file;
}

/** Options for decoding a file. */
export interface DecodeOptions {
  /**
   * Returns true to skip the tensor of the given name. Skipped tensors may have any type. The checksum includes them.
   * Default: no tensor is skipped.
   */
  readonly skip?: ((name: string) => boolean) | undefined;
}

/**
 * Decodes the bytes of a file. bfloat16 and float16 numbers are converted to float32, which is exact.
 *
 * @param file The bytes of the file.
 * @param name Name of the file for errors.
 * @param options `skip`: selects tensors to skip.
 * @throws {UserError} If the bytes are not a complete safetensors file, do not match their checksum, or contain a
 * tensor that is not `F32`, `BF16` or `F16`.
 */
export function decodeSafetensors(
  file: Uint8Array<ArrayBuffer>,
  name: string,
  options: DecodeOptions = {},
): Safetensors {
  const refuse = (reason: string, remedy = "Restore the file from a copy."): never => {
    throw new UserError(
      `Cannot read ${name}: expected a complete safetensors file of floating-point tensors, but ${reason}. ${remedy}`,
    );
  };
  if (isGitLfsPointer(file)) {
    refuse("it is a pointer of Git LFS", "Download the file itself with git lfs pull.");
  }
  const { entries, metadata: { [CHECKSUM]: told, ...metadata } } = readHeader(file, refuse);
  const damaged = Object.keys(metadata).find(isAlmostChecksum);
  if (damaged !== undefined) refuse(`the name of its checksum is damaged: ${shownValue(damaged)}`);
  if (told !== undefined) {
    const stored = entries.map((entry) => ({ ...entry, bytes: file.subarray(entry.begin, entry.end) }));
    const found = checksum(stored, metadata);
    if (found !== told) {
      refuse(
        `its checksum is ${shownValue(told)}, that of its content ${found}: it was damaged or changed`,
        `Restore the file from a copy. To change it on purpose, remove ${CHECKSUM} from its metadata.`,
      );
    }
  }
  const tensors = entries.filter((entry) => !options.skip?.(entry.name)).map(
    ({ name, dtype, shape, begin, end }): [string, ParameterValues] => {
      if (!isStoredDtype(dtype)) {
        return refuse(
          `the tensor ${shownValue(name)} is of type ${dtype}`,
          "Convert the model to float32, bfloat16 or float16.",
        );
      }
      const values = loadedNumbers(file.slice(begin, end).buffer, dtype);
      return [name, { shape, values, ...(dtype !== "F32" && { dtype }) }];
    },
  );
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** Returns true for a text file that Git LFS keeps in place of a large file. */
function isGitLfsPointer(file: Uint8Array): boolean {
  const start = "version https://git-lfs";
  return new TextDecoder().decode(file.subarray(0, start.length)) === start;
}

/** Returns true if a metadata key is {@linkcode CHECKSUM} with up to four damaged characters. */
function isAlmostChecksum(key: string): boolean {
  const same = Array.from(CHECKSUM).filter((character, i) => key[i] === character).length;
  return key.length === CHECKSUM.length && same >= CHECKSUM.length - 4;
}

/** A tensor as it is stored in a file. */
interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

function storedTensor(
  name: string,
  { shape, values, dtype = "F32" }: ParameterValues,
): StoredTensor & { dtype: StoredDtype } {
  const refuse = (reason: string) => {
    throw new RangeError(`Cannot write the tensor ${shownValue(name)} as safetensors: ${reason}`);
  };
  if (name === "__metadata__") refuse("expected another name, since the format reserves this one");
  if (!isStoredDtype(dtype)) refuse(`expected the type F32, BF16 or F16, got ${dtype}`);
  if (values.length !== sizeOf(shape)) {
    refuse(`expected ${sizeOf(shape)} values for its shape [${shape}], got ${values.length}`);
  }
  return { name, dtype, shape, bytes: storedBytes(values, dtype) };
}

function isStoredDtype(dtype: string): dtype is StoredDtype {
  return Object.hasOwn(STORED_BYTES, dtype);
}

/**
 * Returns the SHA-256 of a file's content in hex. It does not depend on the order of tensors and metadata in the file.
 *
 * The hashed bytes are, in this order: the metadata as a JSON list of pairs sorted by key, and a line feed. Then for
 * each tensor, sorted by name: the JSON of `[name, dtype, shape]`, a line feed, and the tensor's bytes. Names are
 * sorted by UTF-16 code units.
 */
function checksum(tensors: readonly StoredTensor[], metadata: Record<string, string>): string {
  const byName = <T>(key: (item: T) => string) => (a: T, b: T) => key(a) < key(b) ? -1 : 1;
  const pairs = Object.entries(metadata).sort(byName(([key]) => key));
  const hash = createHash("sha256").update(`${JSON.stringify(pairs)}\n`);
  for (const { name, dtype, shape, bytes } of [...tensors].sort(byName(({ name }) => name))) {
    hash.update(`${JSON.stringify([name, dtype, shape])}\n`).update(bytes);
  }
  return hash.digest("hex");
}
