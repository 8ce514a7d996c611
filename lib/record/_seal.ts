/**
 * SHA-256 checksums stored inside the file that they cover. The checksum is computed with zeros in its own place.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Placeholder of the checksum before {@linkcode seal}. */
export const UNSEALED: string = "0".repeat(64);

/**
 * Replaces the last {@linkcode UNSEALED} of a file by its checksum, in place.
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

/** Returns true if the content matches the stored checksum. */
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
