/**
 * SHA-256. This module has no npm dependencies, so that code that computes losskit's own hash can import it without an
 * import map.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Returns the SHA-256 of bytes, or of a text in UTF-8, in hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
