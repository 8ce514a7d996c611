/**
 * Error messages of failed runs.
 *
 * @module
 */
import { type RecordedRun, seriesOf } from "../../record/mod.ts";

/** Returns the error message of a failed run. Returns undefined for other runs. */
export function problemOf(run: RecordedRun): string | undefined {
  if (run.status !== "failed") return undefined;
  const last = seriesOf(run).others.at(-1);
  return last?.event === "fail" ? last.message : undefined;
}
