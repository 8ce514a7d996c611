/**
 * A checksum inside the file that it covers: SHA-256 over all bytes, with zeros in place of the checksum itself.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** The text that stands where the checksum goes, before {@linkcode seal}. */
export const UNSEALED: string = "0".repeat(64);

/**
 * Writes a file's checksum over its last {@linkcode UNSEALED}, in place.
 *
 * @throws {Error} when there is no such text.
 */
export function seal(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = file.lastIndexOf(UNSEALED);
  if (at < 0) throw new Error("Cannot seal a file: expected a place for the checksum, got none");
  file.write(digest(file, at), at, "latin1");
  return bytes;
}

/** Whether a file still is what was sealed with this checksum. */
export function isIntact(bytes: ArrayBuffer, checksum: string): boolean {
  const file = Buffer.from(bytes);
  const at = checksum.length === UNSEALED.length ? file.lastIndexOf(checksum) : -1;
  return at >= 0 && digest(file, at) === checksum;
}

/** SHA-256 in lowercase hex, of a file whose checksum stands at `at`. */
function digest(file: Uint8Array, at: number): string {
  return createHash("sha256").update(file.subarray(0, at)).update(UNSEALED)
    .update(file.subarray(at + UNSEALED.length)).digest("hex");
}
