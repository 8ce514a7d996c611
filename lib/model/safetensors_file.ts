/**
 * Safetensors files on disk. Files are read whole and replaced atomically.
 *
 * @module
 */
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { requireRegular } from "../file/regular.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";

/**
 * Writes a file as {@linkcode encodeSafetensors} encodes it, with its checksum. An existing file is replaced
 * atomically, also in case of a power failure.
 *
 * @throws {RangeError} If the format cannot represent a tensor.
 * @throws {UserError} If the file cannot be written. An existing file is then kept.
 */
export function writeSafetensors(path: string, content: Safetensors): void {
  const bytes = encodeSafetensors(content);
  try {
    atomicWrite(path, bytes);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`Cannot write ${path}: ${clauseOf(cause)}. Choose another folder.`, { cause });
  }
}

/**
 * Reads a file as {@linkcode decodeSafetensors} decodes it.
 *
 * @throws {UserError} If the file is missing, incomplete or damaged, or contains a tensor that is not `F32`, `BF16` or
 * `F16`.
 */
export async function readSafetensors(path: string, options: DecodeOptions = {}): Promise<Safetensors> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    requireRegular(path);
    bytes = await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = cause instanceof Deno.errors.NotFound ? "it does not exist" : clauseOf(cause);
    throw new UserError(`Cannot read ${path}: ${reason}. Restore the file from a copy.`, { cause });
  }
  return decodeSafetensors(bytes, path, options);
}
