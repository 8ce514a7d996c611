/**
 * Bytes as text of as many characters, as BPE files write tokens.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Returns bytes as a string with one character a byte, U+0000 to U+00FF. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
