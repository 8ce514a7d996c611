/**
 * The records of a sweep's folder, with a warning for each run that is left out.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import { readingWarnings, readSweep, type SweepRecords } from "../record/mod.ts";

/**
 * Reads a sweep's runs, and prints a warning for each run that is left out.
 *
 * @param dir The sweep's folder.
 * @param print Receives one line per warning.
 * @param read Reads the folder (default {@linkcode readSweep}).
 * @throws {UserError} if the folder holds no runs.
 */
export function openRecords(
  dir: string,
  print: (line: string) => void,
  read: (dir: string) => SweepRecords = readSweep,
): SweepRecords {
  const records = read(dir);
  for (const warning of readingWarnings(dir, records)) print(`warning: ${printable(warning)}`);
  return records;
}
