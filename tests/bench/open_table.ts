/**
 * Opens a sweep's steps as a table, once, in this process. Prints one line of JSON. `tables.ts` starts it.
 *
 * @module
 */
import { openStepTable } from "../../lib/analysis/mod.ts";
import { tabulateRuns } from "../../lib/record/mod.ts";

/** What to do with which folder. */
export interface OpenTask {
  dir: string;
  /** `open` it, or bring its `table.parquet` up to date (`tabulate`). */
  what: "open" | "tabulate";
}

/** How it went. */
export interface Opened {
  /** Milliseconds, the start of the process left out. */
  ms: number;
  /** Rows of the table; NaN: none was opened. */
  rows: number;
}

if (import.meta.main) {
  const { dir, what }: OpenTask = JSON.parse(Deno.args[0]!);
  const begin = performance.now();
  const rows = what === "open" ? (await openStepTable(dir)).numRows() : tabulateRuns(dir) && NaN;
  const result: Opened = { ms: performance.now() - begin, rows };
  console.log(JSON.stringify(result));
}
