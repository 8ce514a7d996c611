/**
 * JSON with one form for one value, and checksums of it.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * JSON with sorted keys and no white space.
 *
 * @throws {TypeError} for what JSON has no form for: NaN, infinities, functions.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    entries.sort(([a], [b]) => a < b ? -1 : 1);
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
  }
  throw new TypeError(
    `Cannot write JSON: wanted finite numbers, text, booleans, null, lists, records: given ${value}`,
  );
}

/** SHA-256 in hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
