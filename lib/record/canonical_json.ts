/**
 * Canonical JSON: equal values have equal texts, so that their checksums agree.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * Returns JSON with sorted keys and without white space.
 *
 * @throws {TypeError} For values that JSON cannot represent: NaN, infinities, functions.
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
    `Cannot write JSON: expected finite numbers, text, booleans, null, lists or objects, got ${value}`,
  );
}

/** Returns the SHA-256 in hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
