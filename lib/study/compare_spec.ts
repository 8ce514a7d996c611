/**
 * `compareSpec()`: trains a sweep in float32 and lower precisions, and compares the runs.
 *
 * @module
 */
import { isBaseline } from "../analysis/mod.ts";
import { afterRuns, UserError } from "../error/user_error.ts";
import { workersOf } from "../run/mod.ts";
import { DEFAULT_SWEEP, type Plan, type SweepOutcome, type SweepSpec } from "../sweep/mod.ts";
import { compareFolder, type CompareFolderOptions, type FolderComparison } from "./compare_folder.ts";
import { type PlacedSweep, placeSweep, type SweepSpecInput } from "./place_sweep.ts";
import { runPlaced } from "./record_sweep.ts";

/**
 * Built-in comparison: a small model on Shakespeare's characters, 5 seeds and 3 perturbed runs, evaluated on the whole
 * validation split.
 */
const DEFAULT_COMPARISON: SweepSpec = {
  ...DEFAULT_SWEEP,
  name: "compare",
  vocab: ["character"],
  seq: [64],
  seeds: [1, 2, 3, 4, 5],
  steps: 200,
  nLayer: 2,
  nHead: 2,
  nEmbd: 64,
  evalEvery: 200,
  evalBytes: "all",
  floor: 3,
};

/** Options of {@linkcode compareSpec}. */
export interface CompareSpecOptions extends CompareFolderOptions {
  /** Folder of the sweep, created if missing. Default: the same as in {@linkcode sweep}. */
  readonly dir?: string | undefined;
  /** Name of the spec in errors. Default: `the object given to compareSpec()`. */
  readonly source?: string | undefined;
  /** Called with the plan, its folder and the number of workers, before the runs start. */
  readonly onPlan?: ((placed: PlacedSweep) => void) | undefined;
}

/** Outcome of {@linkcode compareSpec}. */
export interface SpecComparison {
  /** Outcome of the sweep: numbers of runs, failures and exit status. */
  readonly outcome: SweepOutcome;
  /** The comparison. Undefined if the sweep was interrupted, or no run finished. */
  readonly comparison?: FolderComparison;
}

/**
 * Trains the unfinished runs of a spec, and compares all its runs with {@linkcode compareFolder}.
 *
 * @param spec Axes and options. Omitted fields have the values of the built-in comparison: Shakespeare's characters, T
 * = 64, 5 seeds, 200 steps, and 3 perturbed runs per setting for the noise floor.
 * @throws {UserError} If the spec is invalid, or lacks float32 or a lower precision.
 */
export async function compareSpec(
  spec: SweepSpecInput = {},
  options: CompareSpecOptions = {},
): Promise<SpecComparison> {
  const { dir, source = "the object given to compareSpec()", onPlan, ...compared } = options;
  const placed = await placeSweep(spec, {
    ...{ dir, workers: workersOf(options.workers), source, defaults: DEFAULT_COMPARISON },
    check: (plan) => requirePrecisions(plan, source),
  });
  const outcome = await runPlaced(placed, { ...compared, onPlan });
  const isOver = outcome.ending !== "interrupted" && outcome.finished > 0;
  if (!isOver) return { outcome };
  return { outcome, comparison: await afterRuns(() => compareFolder(placed.dir, compared)) };
}

/** Requires runs in float32 and runs in a lower precision. */
function requirePrecisions({ runs }: Plan, source: string): void {
  const hasBaseline = runs.some(({ spec }) => isBaseline(spec));
  if (hasBaseline && !runs.every(({ spec }) => isBaseline(spec))) return;
  throw new UserError(
    `Cannot compare ${source}: expected runs in float32, without overrides, and runs in a lower precision, got policy ${
      JSON.stringify([...new Set(runs.map(({ spec }) => spec.policy))])
    }.`,
  );
}
