/**
 * Texts that reports embed in compressed form.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";

/** Returns an embedded text of a report by its id, such as `data`. */
export function embedded(html: string, id: string): string {
  const text = new RegExp(`<script type="text/plain" id="${id}">([A-Za-z0-9+/=]*)</script>`).exec(html)![1]!;
  return gunzipSync(Buffer.from(text, "base64")).toString();
}
