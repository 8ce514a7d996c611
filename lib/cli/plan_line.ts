/**
 * The line that describes a sweep before its runs start.
 *
 * @module
 */
import { count } from "../analysis/mod.ts";
import { printable } from "../error/printable.ts";
import type { PlacedSweep } from "../study/mod.ts";

/**
 * Returns the number of runs and tokens, the folder, and the share of the machine. For the built-in sweep, the line fits a
 * terminal of 80 columns.
 */
export function planLine({ plan: { runs, threads }, dir, workers }: PlacedSweep): string {
  const tokens = runs.reduce((sum, { spec: { steps, B, T } }) => sum + steps * B * T, 0);
  const shown = tokens.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });
  return `${count(runs.length, "run")} (${shown} tokens) in ${printable(dir)}, ${workers} at a time, ` +
    `${count(threads, "thread")} each`;
}
