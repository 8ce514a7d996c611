/**
 * `SHA256SUMS` in a folder: checksums of its files in the format of coreutils' `sha256sum --check`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { exists } from "./exists.ts";
import { readRegular } from "./regular.ts";

/** Name of the file. */
export const SUMS = "SHA256SUMS";

/** Line of the file: a checksum, a space, a space or `*`, and a name. */
const LINE = /^([0-9a-f]{64}) [ *](.+)$/;

/** Returns the content of the file for checksums by file name. */
export function sumsText(sums: ReadonlyMap<string, string>): string {
  return [...sums].map(([name, sha256]) => `${sha256}  ${name}\n`).join("");
}

/**
 * Verifies a file that `SHA256SUMS` in its folder lists. Other files are not checked.
 *
 * @throws {UserError} If the file has another checksum, or cannot be read.
 */
export function requireListedSum(path: string): void {
  const list = join(dirname(path), SUMS), name = basename(path);
  if (!exists(list)) return;
  const lines = new TextDecoder().decode(readRegular(list)).split("\n");
  const wanted = lines.map((line) => LINE.exec(line)).find((found) => found?.[2] === name)?.[1];
  if (wanted === undefined) return;
  const found = createHash("sha256").update(readRegular(path)).digest("hex");
  if (found === wanted) return;
  throw new UserError(
    `Cannot use ${path}: expected the file with SHA-256 ${wanted}, as ${list} lists, got ${found}. ` +
      `Restore the file from a copy, or, if you changed it on purpose, remove its line from ${SUMS}.`,
  );
}
