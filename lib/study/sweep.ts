/**
 * A sweep as one call: plan it, run what is left of it, read its records.
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

/** A sweep's spec as it is written: fields that are left out are the built-in sweep's. */
export type SweepSpecInput =
  & { readonly [K in Exclude<keyof SweepSpec, "vocab" | "policy">]?: SweepSpec[K] | undefined }
  & {
    /** Tokenizers: `char`, `byte`, `gpt2`, or sizes of byte-pair vocabularies. */
    readonly vocab?: readonly (string | number)[] | undefined;
    /** Precision policies; `off` is float32, `on` the device's autocast with bfloat16. */
    readonly policy?: readonly (PolicyName | "off" | "on")[] | undefined;
  };

/** Where a sweep is recorded, and how it is run. */
export interface SweepCallOptions {
  /**
   * The sweep's folder, created if it is missing. Default: `experiments/out/NAME`, or `experiments/out/NAME-HASH` if NAME
   * holds the plan of another spec.
   */
  readonly dir?: string | undefined;
  /** Runs at once, which share the cores. Default: by cores and memory. */
  readonly workers?: number | undefined;
  /** Retries of a failed run. Default: 1. */
  readonly retries?: number | undefined;
  /** Limits of each run. Default: none. */
  readonly limits?: Limits | undefined;
  /** Whether runs that another environment finished or began count. Default: false. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** Asks the sweep to stop: runs end after their current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** How progress is shown. Default: on standard error, or in the notebook. */
  readonly progress?: LiveTableOptions | undefined;
}

/** A sweep whose plan is in its folder. */
export interface PlacedSweep {
  /** The plan. */
  readonly plan: Plan;
  /** The folder. */
  readonly dir: string;
  /** Runs at once. */
  readonly workers: number;
}

/**
 * Runs a sweep: trains every combination of its axes, each run in a process of its own. Finished runs are not repeated: an
 * interrupted sweep resumes when it is called again with the same spec and folder.
 *
 * @param spec Axes (`seq`, `policy`, `vocab`, `seeds`, …) and options; fields that are left out are the built-in sweep's.
 * @param options The folder, runs at once, and a signal to stop.
 * @returns The recorded runs of the sweep, by data, tokenizer, T, policy and seed; failed ones included.
 * @throws {UserError} if the spec is wrong, the folder holds another plan, or no run finished.
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
  if (!listRuns(placed.dir).some(({ state }) => state === "begun")) return []; // stopped before the first began
  return readRuns(placed.dir).filter(({ manifest }) => ids.has(manifest.runId));
}

/**
 * Checks a spec as it is written. Fields that are undefined count as left out.
 *
 * @param spec The spec.
 * @param options `source`: name of the spec in errors; `defaults`: fields that are left out (default: the built-in sweep's).
 * @throws {UserError} for an unknown field, or values that do not fit each other.
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
 * Plans a sweep and places the plan in its folder.
 *
 * @param spec Checked.
 * @param options The folder, runs at once, and the plan's `name` (default: the spec's).
 * @throws {UserError} if a run does not fit, or the folder holds another plan.
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

/** Runs what is left of a placed sweep. Signals of the process are watched by the caller. */
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
 * Divides this machine among a plan's runs: as `workers` says, or by cores and memory. Threads that a folder's plan has
 * fixed stay.
 *
 * @param draft What the runs need.
 * @param options `workers` as given, and the sweep's folder.
 */
export function shareMachine(
  draft: { bytes: number; runs: number },
  options: { workers: number | undefined; dir: string },
): { workers: number; threads: number } {
  const { workers = defaultWorkers(draft) } = options;
  const divided = Math.max(1, Math.floor(navigator.hardwareConcurrency / workers));
  return { workers, threads: readPlan(options.dir)?.threads ?? divided };
}
