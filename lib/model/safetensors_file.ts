/**
 * Safetensors files on disk, read whole and written atomically.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { requireRegular } from "../file/regular.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";

/**
 * Writes a file with its checksum, encoded by {@linkcode encodeSafetensors}. The previous file is replaced atomically,
 * also in case of a power failure.
 *
 * @throws {RangeError} For a tensor that the format cannot represent.
 * @throws {UserError} If the file cannot be written. The previous file is kept.
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
 * Reads a file, decoded by {@linkcode decodeSafetensors}.
 *
 * @throws {UserError} If the file is missing, or not a complete safetensors file.
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
