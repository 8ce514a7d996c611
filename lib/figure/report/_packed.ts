/**
 * Compressed texts that pages embed.
 *
 * @module
 */
import { gzipSync } from "node:zlib";

/** Returns a text compressed by gzip, in base64. */
export function packed(text: string): string {
  return gzipSync(text, { level: 9 }).toString("base64");
}
