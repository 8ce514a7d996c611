/**
 * `sweep()`: plans a sweep, executes its unfinished runs, and reads its records.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { readRuns, type RecordedRun } from "../record/mod.ts";
import { runsOfPlan } from "../sweep/mod.ts";
import { type PlaceOptions, placeSweep, type SweepSpecInput } from "./place_sweep.ts";
import { type ExecutionOptions, hasRuns, type RecordSweepOptions, runPlaced } from "./record_sweep.ts";

/** Options of {@linkcode sweep}. */
export interface SweepCallOptions extends PlaceOptions, ExecutionOptions {}

/** Known names of options. Those of `recordSweep()` are known, so that both calls can share an object. */
const NAMES = optionNames<RecordSweepOptions>({
  ...{ dir: true, workers: true, resume: true, source: true, defaults: true, check: true },
  ...{ retries: true, limits: true, allowEnvironmentChange: true, signal: true, watch: true },
  ...{ progress: true, onPlan: true, tolerance: true, print: true, runRecordedCode: true, open: true },
});

/**
 * Trains all combinations of a sweep's axes, each run in a separate process. Finished runs are not repeated. To resume an
 * interrupted sweep, call it again with the same spec and folder.
 *
 * @param spec Axes (`seq`, `policy`, `vocab`, `seeds`, …) and options. Omitted fields have the values of the built-in sweep.
 * @returns Recorded runs of the sweep, including failed runs, sorted by data, tokenizer, T, policy and seed. Empty if
 * the sweep was stopped before its first run started. Empty if the sweep was stopped before its first run started.
 * @throws {UserError} If the spec is invalid, the folder contains a different plan, or runs failed and none finished.
 */
export async function sweep(
  spec: SweepSpecInput = {},
  options: SweepCallOptions = {},
): Promise<RecordedRun[]> {
  requireKnownNames(options, NAMES, "sweep");
  const placed = await placeSweep(spec, options);
  const { plan, dir } = placed;
  const { finished, failed: [failure] } = await runPlaced(placed, options);
  if (finished === 0 && failure !== undefined) {
    throw new UserError(`Cannot run the sweep in ${dir}: no run finished: ${failure.reason}`, {
      exitCode: EXIT.someFailed,
    });
  }
  if (!hasRuns(dir)) return []; // stopped before the first run started
  return runsOfPlan(plan, readRuns(dir));
}
