/**
 * `recordSweep()`: plans a sweep, executes its unfinished runs, and writes its report.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { type Interruption, interruptionOf } from "../error/signals.ts";
import { listRuns, readSweep, type RecordedRun } from "../record/mod.ts";
import {
  type Limits,
  type LiveTableOptions,
  type Plan,
  runsOfPlan,
  runSweep,
  type SweepOutcome,
} from "../sweep/mod.ts";
import { DEFAULT_TOLERANCE } from "../analysis/mod.ts";
import { compare, type SettingVerdict } from "./compare.ts";
import { openLive } from "./live/open_live.ts";
import { type PlacedSweep, type PlaceOptions, placeSweep, type SweepSpecInput } from "./place_sweep.ts";
import { report, type ReportOptions, type WrittenReport } from "./report.ts";

/** Options for the execution of a sweep's runs. */
export interface ExecutionOptions {
  /** Number of retries of a run after a failure that may be temporary. Default: 1. */
  readonly retries?: number | undefined;
  /** Time and memory limits per run. Default: none. */
  readonly limits?: Limits | undefined;
  /** True to reuse and resume runs that were computed in another environment. Default: false; such runs start over. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** Signal that stops the sweep: runs end after their current step, with a checkpoint. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Starts a watch for signals of the process, used instead of `signal`. Called when the runs begin. */
  readonly watch?: (() => Interruption) | undefined;
  /** Output of the progress display. Default: standard error, or the notebook. */
  readonly progress?: LiveTableOptions | undefined;
  /** Called with the plan, its folder and the number of workers, before the runs start. */
  readonly onPlan?: ((placed: PlacedSweep) => void) | undefined;
}

/** Options of {@linkcode recordSweep}. */
export interface RecordSweepOptions extends PlaceOptions, ExecutionOptions {
  /** Smallest gap of the final validation loss that matters, in nats per token. Default: 0.01. */
  readonly tolerance?: number | undefined;
  /** True to serve the report while the runs progress, and to open the report in the browser. Default: false. */
  readonly open?: boolean | undefined;
  /** Receives warnings and the summary, line by line. Default: discards them. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Report of recorded runs, or the reason why it could not be written. */
export interface ReportOutcome {
  /** Report; undefined if no run finished, after an interruption, or if it could not be written. */
  readonly report: WrittenReport | undefined;
  /** Reason why the report could not be written. The runs are recorded. */
  readonly reportProblem?: string | undefined;
}

/** Outcome of {@linkcode recordSweep}. */
export interface RecordedSweep extends SweepOutcome, PlacedSweep, ReportOutcome {
  /**
   * Recorded runs of the plan, including failed runs, sorted by data, tokenizer, T, policy and seed. Excludes runs with
   * unreadable records. The first access reads the folder.
   */
  readonly runs: readonly RecordedRun[];
  /** One verdict per setting and lower precision. Empty without a finished pair. Computed at the first access. */
  readonly verdicts: readonly SettingVerdict[];
}

/**
 * Trains all combinations of a sweep's axes, each run in a separate process, and writes the report. Finished runs are not
 * repeated. To resume an interrupted sweep, call it again with the same spec and folder.
 *
 * @param spec Axes (`seq`, `policy`, `vocab`, `seeds`, …) and options. Omitted fields have the values of the built-in sweep.
 * @returns The plan, the recorded runs, the verdicts, the report, and the outcome of the sweep.
 * @throws {UserError} If the spec is invalid, or the folder contains a different plan.
 */
export async function recordSweep(
  spec: SweepSpecInput = {},
  options: RecordSweepOptions = {},
): Promise<RecordedSweep> {
  const { tolerance, print } = options;
  const placed = await placeSweep(spec, options);
  const { plan, dir } = placed;
  const live = options.open
    ? openLive(dir, { tolerance: tolerance ?? DEFAULT_TOLERANCE, print: print ?? (() => {}) })
    : undefined;
  let outcome: SweepOutcome & ReportOutcome;
  try {
    outcome = await withReport(await runPlaced(placed, options), {
      dir,
      ...{ title: plan.name, tolerance, print },
    });
  } finally {
    await live?.close();
  }
  const runs = once(() => runsOf(dir, plan));
  const verdicts = once(() => verdictsOf(runs(), tolerance));
  return {
    ...{ ...placed, ...outcome },
    get runs() {
      return runs();
    },
    get verdicts() {
      return verdicts();
    },
  };
}

/**
 * Writes the report of runs that have ended. A report that cannot be written, for example on a full disk, changes the status
 * of finished runs to that of failed ones.
 */
export async function withReport(
  outcome: SweepOutcome,
  { dir, ...options }: { dir: string } & Pick<ReportOptions, "title" | "tolerance" | "print">,
): Promise<SweepOutcome & ReportOutcome> {
  if (outcome.ending === "interrupted" || outcome.finished === 0) return { ...outcome, report: undefined };
  try {
    return { ...outcome, report: await report(dir, { ...options, brief: true }) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const exitCode = outcome.exitCode === EXIT.ok ? EXIT.someFailed : outcome.exitCode;
    return { ...outcome, exitCode, report: undefined, reportProblem: error.message };
  }
}

/** Executes the unfinished runs of a sweep whose plan is written. */
export async function runPlaced(placed: PlacedSweep, options: ExecutionOptions): Promise<SweepOutcome> {
  const { plan, dir, workers } = placed;
  const { retries, limits, allowEnvironmentChange, progress } = options;
  options.onPlan?.(placed);
  using interruption = options.watch?.() ?? interruptionOf(options);
  return await runSweep(plan, {
    ...{ dir, workers, interruption, retries, limits, allowEnvironmentChange, progress },
  });
}

/** Returns a function that computes its value at the first call. */
function once<T>(compute: () => T): () => T {
  let value: { readonly of: T } | undefined;
  return () => (value ??= { of: compute() }).of;
}

function runsOf(dir: string, plan: Plan): readonly RecordedRun[] {
  return hasRuns(dir) ? runsOfPlan(plan, readSweep(dir).runs) : [];
}

/** Returns true if a sweep's folder has the record of at least one run. */
export function hasRuns(dir: string): boolean {
  return listRuns(dir).some(({ state }) => state === "begun");
}

function verdictsOf(runs: readonly RecordedRun[], tolerance: number | undefined): readonly SettingVerdict[] {
  try {
    return compare(runs, { tolerance }).verdicts;
  } catch (error) {
    if (error instanceof RangeError) return []; // no finished pair
    throw error;
  }
}
