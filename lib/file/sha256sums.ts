/**
 * The file `SHA256SUMS` with the checksums of a folder's files, in the format of coreutils' `sha256sum --check`.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { printable } from "../error/printable.ts";
import { sumOf } from "./checksums.ts";
import { exists } from "./exists.ts";
import { readRegular } from "./regular.ts";

/** Name of the file with the checksums. */
export const SUMS = "SHA256SUMS";

/** Line of the file: a checksum, a space, a space or `*`, and a name. */
const LINE = /^([0-9a-f]{64}) [ *](.+)$/;

/**
 * Returns the content of `SHA256SUMS`.
 *
 * @param sums SHA-256 in hex, by file name.
 */
export function sumsText(sums: ReadonlyMap<string, string>): string {
  return [...sums].map(([name, sha256]) => `${sha256}  ${name}\n`).join("");
}

/**
 * Compares a file with its checksum in `SHA256SUMS` of the same folder. Prints a note on standard error if they differ,
 * since the file was edited, which is allowed, or damaged. Does nothing if `SHA256SUMS` does not list the file.
 *
 * @throws {UserError} If a file cannot be read.
 */
export function noteOtherSum(path: string): void {
  const list = join(dirname(path), SUMS), name = basename(path);
  if (!exists(list)) return;
  const lines = new TextDecoder().decode(readRegular(list)).split("\n");
  const wanted = lines.map((line) => LINE.exec(line)).find((found) => found?.[2] === name)?.[1];
  if (wanted === undefined) return;
  if (sumOf(name, readRegular(path)).sha256 === wanted) return;
  console.error(
    `note: ${printable(path)} was edited or damaged: its SHA-256 differs from the one in ${SUMS}`,
  );
}
