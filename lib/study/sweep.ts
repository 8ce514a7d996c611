/**
 * `sweep()`: plans a sweep, executes its unfinished runs, and reads its records.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { type Interruption, interruptionOf } from "../error/signals.ts";
import type { PolicyName } from "../precision/mod.ts";
import { listRuns, readRuns, type RecordedRun } from "../record/mod.ts";
import { defaultWorkers } from "../run/mod.ts";
import {
  draftPlan,
  type Limits,
  type LiveTableOptions,
  parseSweepSpec,
  placePlan,
  type Plan,
  readPlan,
  runSweep,
  sweepFolder,
  type SweepOutcome,
  type SweepSpec,
} from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";

/** Spec of a sweep. Omitted fields have the values of the built-in sweep. */
export type SweepSpecInput =
  & { readonly [K in Exclude<keyof SweepSpec, "vocab" | "policy">]?: SweepSpec[K] | undefined }
  & {
    /** Tokenizers: `char`, `byte`, `gpt2`, or BPE vocabulary sizes. */
    readonly vocab?: readonly (string | number)[] | undefined;
    /** Precision policies; `off` is float32, `on` the device's autocast with bfloat16. */
    readonly policy?: readonly (PolicyName | "off" | "on")[] | undefined;
  };

/** Options of {@linkcode sweep}. */
export interface SweepCallOptions {
  /**
   * Folder of the sweep, created if missing. Default: `experiments/out/NAME`, or `experiments/out/NAME-HASH` if NAME contains
   * the plan of a different spec.
   */
  readonly dir?: string | undefined;
  /** Number of concurrent runs. Default: from cores and memory. */
  readonly workers?: number | undefined;
  /** Number of retries of a failed run. Default: 1. */
  readonly retries?: number | undefined;
  /** Time and memory limits per run. Default: none. */
  readonly limits?: Limits | undefined;
  /** True to accept or resume runs from a different environment. Default: false. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** Stops the sweep: runs end after their current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Output of progress. Default: standard error, or the notebook. */
  readonly progress?: LiveTableOptions | undefined;
}

/** Sweep with a plan in its folder. */
export interface PlacedSweep {
  /** Plan of the sweep. */
  readonly plan: Plan;
  /** Folder of the sweep. */
  readonly dir: string;
  /** Number of concurrent runs. */
  readonly workers: number;
}

/**
 * Trains all combinations of a sweep's axes, each run in a separate process. Finished runs are not repeated. To resume an
 * interrupted sweep, call it again with the same spec and folder.
 *
 * @param spec Axes (`seq`, `policy`, `vocab`, `seeds`, …) and options. Omitted fields have the values of the built-in sweep.
 * @returns Recorded runs of the sweep, including failed runs, sorted by data, tokenizer, T, policy and seed.
 * @throws {UserError} If the spec is invalid, the folder contains a different plan, or no run finished.
 */
export async function sweep(
  spec: SweepSpecInput = {},
  options: SweepCallOptions = {},
): Promise<RecordedRun[]> {
  const placed = await placeSweep(checkedSpec(spec, { source: "the object given to sweep()" }), options);
  const outcome = await runPlaced(placed, options);
  const [failure] = outcome.failed;
  if (outcome.finished === 0 && failure !== undefined) {
    throw new UserError(`Cannot run the sweep in ${placed.dir}: no run finished: ${failure.reason}`, {
      exitCode: EXIT.someFailed,
    });
  }
  const ids = new Set(placed.plan.runs.map(({ id }) => id));
  if (!listRuns(placed.dir).some(({ state }) => state === "begun")) return []; // stopped before the first run started
  return readRuns(placed.dir).filter(({ manifest }) => ids.has(manifest.runId));
}

/**
 * Validates a spec. Undefined fields count as omitted.
 *
 * @param options `source`: name of the spec in errors; `defaults`: values of omitted fields (default: the built-in sweep).
 * @throws {UserError} If a field is unknown, or values contradict each other.
 */
export function checkedSpec(
  spec: SweepSpecInput,
  { source, defaults }: { source: string; defaults?: SweepSpec },
): SweepSpec {
  const isRecord = typeof spec === "object" && spec !== null && !Array.isArray(spec);
  const given = isRecord
    ? Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined))
    : spec;
  return parseSweepSpec(given, source, defaults);
}

/**
 * Plans a sweep and writes the plan to its folder.
 *
 * @param spec Validated spec.
 * @param options Folder, number of concurrent runs, and `name` of the plan (default: the name of the spec).
 * @throws {UserError} If a run does not fit into memory, or the folder contains a different plan.
 */
export async function placeSweep(
  spec: SweepSpec,
  options: Pick<SweepCallOptions, "dir" | "workers"> & { readonly name?: string | undefined } = {},
): Promise<PlacedSweep> {
  requireDevice();
  const { dir = sweepFolder(spec), name = spec.name } = options;
  const draft = await draftPlan(spec);
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  const plan = { ...draft.plan(threads), name };
  placePlan(dir, plan);
  return { plan, dir, workers };
}

/** Executes the unfinished runs of a placed sweep. The caller watches the signals of the process. */
export async function runPlaced(
  { plan, dir, workers }: PlacedSweep,
  options: Omit<SweepCallOptions, "dir" | "workers"> & { readonly interruption?: Interruption } = {},
): Promise<SweepOutcome> {
  const { signal, interruption, ...others } = options;
  return await runSweep(plan, {
    ...others,
    ...{ dir, workers, interruption: interruptionOf({ signal, interruption }) },
  });
}

/**
 * Chooses the number of workers and threads for a plan's runs, from `workers` or from cores and memory. Keeps the number of
 * threads of an existing plan in the folder.
 *
 * @param draft Requirements of the runs.
 * @param options `workers` as given by the user, and the folder of the sweep.
 */
export function shareMachine(
  draft: { bytes: number; runs: number },
  options: { workers: number | undefined; dir: string },
): { workers: number; threads: number } {
  const { workers = defaultWorkers(draft) } = options;
  const divided = Math.max(1, Math.floor(navigator.hardwareConcurrency / workers));
  return { workers, threads: readPlan(options.dir)?.threads ?? divided };
}
