/**
 * Reads a sweep's records, and warns about runs whose records are unreadable.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import { readingWarnings, readSweep, type SweepRecords } from "../record/mod.ts";

/**
 * Reads the runs of a sweep. Prints a warning for each run that is excluded because its record is unreadable.
 *
 * @param dir Folder of the sweep.
 * @param print Receives one line per warning.
 * @param read Reads the folder. Default: {@linkcode readSweep}.
 * @throws {UserError} If the folder contains no runs.
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
