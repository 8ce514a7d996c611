/**
 * Safetensors files on disk: read whole, and written whole or not at all.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { requireRegular } from "../file/regular.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";

/**
 * Writes a file with its checksum, as {@linkcode encodeSafetensors} makes it. It replaces what was there at once: who
 * reads meanwhile, or after a power cut, finds the old file or the new one.
 *
 * @throws {RangeError} for a tensor that the format cannot hold.
 * @throws {UserError} when it cannot be written; what was there stays.
 */
export function writeSafetensors(path: string, content: Safetensors): void {
  const bytes = encodeSafetensors(content);
  try {
    atomicWrite(path, bytes);
  } catch (cause) {
    throw new UserError(`Cannot write ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/**
 * Reads a file, as {@linkcode decodeSafetensors} does.
 *
 * @throws {UserError} when it is not there, or no whole safetensors file.
 */
export async function readSafetensors(path: string, options: DecodeOptions = {}): Promise<Safetensors> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    requireRegular(path);
    bytes = await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = cause instanceof Deno.errors.NotFound
      ? "it does not exist"
      : cause instanceof Error
      ? cause.message
      : cause;
    throw new UserError(`Cannot read ${path}: ${reason}`, { cause });
  }
  return decodeSafetensors(bytes, path, options);
}
