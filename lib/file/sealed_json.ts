/**
 * JSON files with a checksum of their content, which detects flipped bits.
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
 * Verifies the checksum of a JSON value, and returns the content without the checksum. White space does not matter.
 *
 * @param value The file's value. A value without a checksum, as version 0.1 wrote it, is returned unchanged.
 * @param remedy Remedy for the user. Default: restore the file, or delete the checksum of a deliberate change.
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

/** Returns whether a JSON value has a checksum. */
export function isSealed(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.hasOwn(value, CHECKSUM);
}

function checksumOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
