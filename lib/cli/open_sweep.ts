/**
 * The records of a sweep's folder, as commands open them.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import { EXIT } from "../error/user_error.ts";
import { readingWarnings, readSweep, type SweepRecords } from "../record/mod.ts";

/**
 * Reads a sweep's runs, and tells of those that are left out. A damaged one makes the process end with status 3, after the
 * others were used.
 *
 * @param dir The sweep's folder.
 * @param print Takes a line a warning.
 * @param read Reads the folder (default {@linkcode readSweep}).
 * @throws {UserError} when the folder holds no runs.
 */
export function openSweep(
  dir: string,
  print: (line: string) => void,
  read: (dir: string) => SweepRecords = readSweep,
): SweepRecords {
  const records = read(dir);
  for (const warning of readingWarnings(dir, records)) print(`warning: ${printable(warning)}`);
  if (records.leftOut.some(({ damaged }) => damaged)) Deno.exitCode ||= EXIT.someFailed;
  return records;
}
