/**
 * SHA-256 checksums stored inside the file that they cover. The checksum is computed while its 64 digits in the file
 * are zeros.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Placeholder for the checksum: 64 zeros. {@linkcode seal} replaces it. */
export const UNSEALED: string = "0".repeat(64);

/**
 * Replaces the last placeholder {@linkcode UNSEALED} in a file's content by the checksum of the content. Changes the
 * bytes in place.
 *
 * @throws {Error} If the placeholder is missing.
 */
export function seal(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = file.lastIndexOf(UNSEALED);
  if (at < 0) throw new Error("Cannot seal a file: expected a place for the checksum, got none");
  file.write(digest(file, at), at, "latin1");
  return bytes;
}

/** Returns true if a file's content matches the checksum stored in it. */
export function isIntact(bytes: ArrayBuffer, checksum: string): boolean {
  const file = Buffer.from(bytes);
  const at = checksum.length === UNSEALED.length ? file.lastIndexOf(checksum) : -1;
  return at >= 0 && digest(file, at) === checksum;
}

/** Returns the SHA-256 in lowercase hexadecimal of a file with its checksum at `at`. */
function digest(file: Uint8Array, at: number): string {
  return createHash("sha256").update(file.subarray(0, at)).update(UNSEALED)
    .update(file.subarray(at + UNSEALED.length)).digest("hex");
}
