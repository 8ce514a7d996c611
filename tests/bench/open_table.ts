/**
 * Opens a sweep's steps as a table once. Prints one line of JSON. Started by `tables.ts`.
 *
 * @module
 */
import { openStepTable } from "../../lib/analysis/mod.ts";
import { tabulateRuns } from "../../lib/record/mod.ts";

/** Folder and action. */
export interface OpenTask {
  dir: string;
  /** `open`: open the table. `tabulate`: update `table.parquet`. */
  what: "open" | "tabulate";
}

/** Result of the measurement. */
export interface Opened {
  /** Time in milliseconds, without process start. */
  ms: number;
  /** Number of rows; NaN for `tabulate`. */
  rows: number;
}

if (import.meta.main) {
  const { dir, what }: OpenTask = JSON.parse(Deno.args[0]!);
  const begin = performance.now();
  const rows = what === "open" ? (await openStepTable(dir)).numRows() : tabulateRuns(dir) && NaN;
  const result: Opened = { ms: performance.now() - begin, rows };
  console.log(JSON.stringify(result));
}
