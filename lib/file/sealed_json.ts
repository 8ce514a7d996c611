/**
 * JSON files with a checksum of their content, so that a flipped bit is noticed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { parseJson } from "./json.ts";

/** The field that holds the checksum, the last one of the object. */
const CHECKSUM = "checksum";

/**
 * Returns an object as JSON text with a checksum.
 *
 * @param value The object. Fields that JSON has no form for are left out.
 * @param indent Spaces a level. Default: 2.
 */
export function sealJson(value: object, indent: number = 2): string {
  const content = parseJson(JSON.stringify(value), { anyKey: true }) as object;
  return `${JSON.stringify({ ...content, [CHECKSUM]: checksumOf(content) }, null, indent)}\n`;
}

/**
 * Checks the checksum of what a JSON file holds, and returns the content without it. White space does not count.
 *
 * @param value The file's value. One without a checksum, such as of version 0.1, is returned as it is.
 * @throws {SyntaxError} if the content is not what was written.
 */
export function unsealJson(value: unknown): unknown {
  if (!isSealed(value)) return value;
  const { [CHECKSUM]: told, ...content } = value;
  const found = checksumOf(content);
  if (told === found) return content;
  throw new SyntaxError(
    `expected content with checksum ${
      String(told).slice(0, 64)
    }, got ${found}. Restore the file from a copy, ` +
      `or, if you changed it on purpose, delete its field "${CHECKSUM}"`,
  );
}

/** Whether a JSON value has a checksum. */
export function isSealed(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.hasOwn(value, CHECKSUM);
}

function checksumOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
