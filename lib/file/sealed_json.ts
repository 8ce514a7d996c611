/**
 * JSON files with a checksum of their content, to detect damage.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { parseJson } from "./json.ts";

/** The field that holds the checksum, the last one of the object. */
const CHECKSUM = "checksum";

/**
 * Returns an object as JSON text with the additional field `checksum`, the SHA-256 of the object's compact JSON.
 *
 * @param value The object. Fields that JSON cannot represent are omitted.
 * @param indent Spaces per level. Default: 2.
 */
export function sealJson(value: object, indent: number = 2): string {
  const content = parseJson(JSON.stringify(value), { anyKey: true }) as object;
  return `${JSON.stringify({ ...content, [CHECKSUM]: checksumOf(content) }, null, indent)}\n`;
}

/** Remedy for damage in a file that a user may edit. */
const EDITABLE =
  `Restore the file from a copy, or, if you changed it on purpose, delete its field "${CHECKSUM}"`;

/**
 * Verifies the checksum of a parsed JSON object, and returns the object without the checksum. The checksum depends on
 * the order of fields, but not on white space in the file.
 *
 * @param value Parsed value of the file. A value without a checksum, as version 0.1 wrote it, is returned unchanged.
 * @param remedy Remedy in the error. Default: restore the file from a copy, or delete the field `checksum` after a
 * deliberate change.
 * @throws {SyntaxError} If the content does not match the checksum.
 */
export function unsealJson(value: unknown, remedy: string = EDITABLE): unknown {
  if (!isSealed(value)) return value;
  const { [CHECKSUM]: told, ...content } = value;
  const found = checksumOf(content);
  if (told === found) return content;
  throw new SyntaxError(
    `expected content with checksum ${String(told).slice(0, 64)}, got ${found}. ${remedy}`,
  );
}

/** Returns true if a JSON value is an object with a checksum. */
export function isSealed(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.hasOwn(value, CHECKSUM);
}

function checksumOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
