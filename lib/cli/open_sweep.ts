/**
 * Opens a sweep's records for commands.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import { EXIT } from "../error/user_error.ts";
import { readingWarnings, readSweep, type SweepRecords } from "../record/mod.ts";

/**
 * Reads the runs of a sweep, and prints a warning for each excluded run. A damaged run sets the exit status of the process
 * to 3; the other runs are still returned.
 *
 * @param dir Folder of the sweep.
 * @param print Receives one line per warning.
 * @param read Reads the folder (default {@linkcode readSweep}).
 * @throws {UserError} If the folder contains no runs.
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
