/**
 * SHA-256, apart from modules with dependencies: code that identifies losskit itself imports it without an import map.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Returns the SHA-256 in hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
