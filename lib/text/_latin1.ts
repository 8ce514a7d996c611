/**
 * Conversion of bytes to Latin-1 strings, as BPE files store tokens.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Returns bytes as a string with one character per byte, U+0000 to U+00FF. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
