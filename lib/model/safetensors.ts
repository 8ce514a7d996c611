/**
 * The safetensors format in memory: eight bytes of header length, a JSON header, the tensors' bytes.
 *
 * Format: Hugging Face's safetensors, of floating tensors in float32, bfloat16 and float16. Files that are written here
 * hold a checksum of their own, which others pass over. Every malformed file is refused with its reason.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { UserError } from "../error/user_error.ts";
import { readHeader, shown } from "./_safetensors_header.ts";
import { loadedNumbers, STORED_BYTES, storedBytes, type StoredDtype } from "./_stored_numbers.ts";
import { type ParameterRecord, type ParameterValues, sizeOf } from "./parameters.ts";

/** Tensors and the free text that stands beside them. */
export interface Safetensors {
  /** Tensors by name, in the file's order. */
  tensors: ParameterRecord;
  /** Text by key. */
  metadata: Record<string, string>;
}

/** The header is padded to this, so that tensors begin aligned. */
const ALIGNMENT = 8;

/** The key of the checksum in a file's metadata. */
const CHECKSUM = "losskit.sha256";

/**
 * The bytes of a file. The same tensors and metadata in the same order give the same bytes.
 *
 * Tensors of 4 bytes a number come before those of 2, so that all lie aligned; otherwise they keep their order. The
 * metadata gets the key `losskit.sha256`, which {@linkcode decodeSafetensors} holds the file against.
 *
 * @throws {RangeError} for a tensor whose values do not fill its shape, or whose name the format keeps for itself.
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

/** What may be wanted of a file besides all of it. */
export interface DecodeOptions {
  /** Tensors that are passed over, whatever their type, by name. Their bytes count in the checksum. */
  readonly skip?: ((name: string) => boolean) | undefined;
}

/**
 * Reads a file's bytes. Numbers of bfloat16 and float16 are widened to float32, which is exact.
 *
 * @param file The bytes.
 * @param name What to call the file in errors.
 * @param options What to pass over.
 * @throws {UserError} when they are no whole safetensors file, differ from the checksum in it, or hold a tensor that is
 * of another type than F32, BF16 and F16.
 */
export function decodeSafetensors(
  file: Uint8Array<ArrayBuffer>,
  name: string,
  options: DecodeOptions = {},
): Safetensors {
  const refuse = (reason: string): never => {
    throw new UserError(
      `Cannot read ${name}: wanted a whole safetensors file of floating tensors: ${reason}`,
    );
  };
  const { entries, metadata: { [CHECKSUM]: told, ...metadata } } = readHeader(file, refuse);
  if (told !== undefined) {
    const stored = entries.map((entry) => ({ ...entry, bytes: file.subarray(entry.begin, entry.end) }));
    const found = checksum(stored, metadata);
    if (found !== told) {
      refuse(
        `its checksum is ${
          shown(told)
        }, that of its content ${found}: it was damaged, or changed after it was written ` +
          `(whoever changes it leaves ${CHECKSUM} out of its metadata)`,
      );
    }
  }
  const tensors = entries.filter((entry) => !options.skip?.(entry.name)).map(
    ({ name, dtype, shape, begin, end }): [string, ParameterValues] => {
      if (!isStoredDtype(dtype)) return refuse(`the tensor ${shown(name)} is of type ${dtype}`);
      const values = loadedNumbers(file.slice(begin, end).buffer, dtype);
      return [name, { shape, values, ...(dtype !== "F32" && { dtype }) }];
    },
  );
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** A tensor as a file holds it. */
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
    throw new RangeError(`Cannot write the tensor ${shown(name)} as safetensors: ${reason}`);
  };
  if (name === "__metadata__") refuse("wanted another name: the format keeps this one for itself");
  if (!isStoredDtype(dtype)) refuse(`its type must be F32, BF16 or F16: it is ${dtype}`);
  if (values.length !== sizeOf(shape)) {
    refuse(`wanted ${sizeOf(shape)} values for its shape [${shape}]: it has ${values.length}`);
  }
  return { name, dtype, shape, bytes: storedBytes(values, dtype) };
}

function isStoredDtype(dtype: string): dtype is StoredDtype {
  return Object.hasOwn(STORED_BYTES, dtype);
}

/**
 * SHA-256, in hex, of what a file says: the metadata as JSON, a list of pairs in the order of their keys, and a line
 * feed; then each tensor in the order of the names, as JSON `[name, dtype, shape]`, a line feed, and its bytes. Orders
 * are those of UTF-16 units. So it does not depend on how the file lays them out.
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
