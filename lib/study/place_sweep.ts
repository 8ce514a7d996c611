/**
 * Places a sweep: plans its runs, and writes the plan to the sweep's folder.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import type { PolicyName, PolicyWord } from "../precision/mod.ts";
import { defaultWorkers, describeEntropy, loadCode, policyName } from "../run/mod.ts";
import {
  DEFAULT_SWEEP,
  draftPlan,
  type InputPlaces,
  parseSweepSpec,
  placePlan,
  type Plan,
  readPlan,
  requireUnchanged,
  sweepFolder,
  type SweepSpec,
  withInputs,
} from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";

/** Spec of a sweep. Omitted fields have the values of the built-in sweep. */
export type SweepSpecInput =
  & { readonly [K in Exclude<keyof SweepSpec, "vocab" | "policy">]?: SweepSpec[K] | undefined }
  & {
    /** Tokenizers: `char`, `byte`, `gpt2`, the vocabulary size of a byte-pair encoding, or a tokenizer file. */
    readonly vocab?: readonly (string | number)[] | undefined;
    /**
     * Precision policies. `off` means float32, `on` means the device's autocast policy with bfloat16. Default: `off`
     * and `on`.
     */
    readonly policy?: readonly PolicyWord[] | undefined;
  };

/** Folder and resources of a sweep. */
export interface PlaceOptions {
  /**
   * Folder of the sweep, created if missing. Default: `experiments/out/NAME`, or `experiments/out/NAME-HASH` if the
   * first folder contains the plan of a different spec.
   */
  readonly dir?: string | undefined;
  /** Number of concurrent runs. Default: chosen from the number of cores and the memory. */
  readonly workers?: number | undefined;
  /** True to use the existing plan in `dir` if the spec has no fields. Default: false. */
  readonly resume?: boolean | undefined;
  /** Name of the spec in errors. Default: `the object given to sweep()`. */
  readonly source?: string | undefined;
  /** Values of omitted fields. Default: the built-in sweep. */
  readonly defaults?: SweepSpec | undefined;
  /**
   * True to run modules that are stored in `dir`, for example a custom loss. Default: false. Then only modules that
   * this user has named by path before are run.
   */
  readonly runRecordedCode?: boolean | undefined;
  /** Called with the plan before the plan is written. Throws if the plan is unsuitable. Default: accepts every plan. */
  readonly check?: ((plan: Plan) => void) | undefined;
}

/** A sweep whose plan is written to its folder. */
export interface PlacedSweep {
  /** Plan of the sweep. */
  readonly plan: Plan;
  /** Folder of the sweep. */
  readonly dir: string;
  /** Number of concurrent runs. */
  readonly workers: number;
  /** Notes about combinations of the axes that repeat another run. Empty for a resumed plan. */
  readonly notes: readonly string[];
  /** Description of the entropy of a generated text, the lower bound of its loss. Undefined for other texts. */
  readonly entropy: string | undefined;
}

/**
 * Plans a sweep and writes the plan to its folder.
 *
 * @throws {UserError} If the spec is invalid, a run does not fit into memory, or the folder contains a different plan.
 */
export async function placeSweep(spec: SweepSpecInput, options: PlaceOptions = {}): Promise<PlacedSweep> {
  requireDevice();
  const { source = "the object given to sweep()", check } = options;
  const found = options.resume && isEmpty(spec) && options.dir !== undefined
    ? readPlan(options.dir)
    : undefined;
  if (found !== undefined) return await placedBefore(options.dir!, found, options);
  const checked = await checkedSpec(spec, { source, defaults: options.defaults });
  const { dir = sweepFolder(checked) } = options;
  const draft = await draftPlan(checked);
  const { workers, threads } = shareMachine(draft, { workers: options.workers, dir });
  // A sweep without a name in a chosen folder gets the name of the folder.
  const isNamed = options.dir === undefined || spec.name !== undefined;
  const plan = { ...draft.plan(threads), name: isNamed ? checked.name : basename(resolve(dir)) };
  check?.(plan);
  await placePlan(dir, plan);
  return { plan, dir, workers, notes: draft.notes, entropy: describeEntropy(plan.data) };
}

/** Returns the sweep of an existing plan. Its threads determine the default number of concurrent runs. */
async function placedBefore(
  dir: string,
  plan: Plan,
  { workers, runRecordedCode }: PlaceOptions,
): Promise<PlacedSweep> {
  await requireUnchanged(dir, plan);
  for (const { spec } of plan.runs) await loadCode(spec, { dir, runRecordedCode });
  const atOnce = Math.max(1, Math.floor(navigator.hardwareConcurrency / plan.threads));
  return { plan, dir, workers: workers ?? atOnce, notes: [], entropy: describeEntropy(plan.data) };
}

/** Returns true if a spec, which may come from a file, has no fields. */
function isEmpty(spec: unknown): boolean {
  return isRecord(spec) && Object.values(spec).every((value) => value === undefined);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Validates a spec. Undefined fields count as omitted.
 *
 * @param options `source`: name of the spec in errors. `defaults`: values of omitted fields. Default: the built-in
 * sweep with the device's autocast policy; a spec without any field also gets two perturbed runs per setting. `dir`:
 * folder of a sweep that contains inputs of the spec. Default: none.
 * @throws {UserError} If a field is unknown, values contradict each other, or an input cannot be read.
 */
export async function checkedSpec(
  spec: SweepSpecInput,
  { source, defaults = builtInSweep(spec), ...places }: InputPlaces & {
    source: string;
    defaults?: SweepSpec | undefined;
  },
): Promise<SweepSpec> {
  const given = isRecord(spec)
    ? Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined))
    : spec;
  return parseSweepSpec(await withInputs(given, { source, ...places }), source, defaults);
}

/** Perturbed runs per setting of the built-in sweep without any field of a spec. */
const BUILT_IN_FLOOR = 2;

function builtInSweep(spec: SweepSpecInput): SweepSpec {
  const policy = ["off", "on"].map((word) => policyName(word) as PolicyName);
  return { ...DEFAULT_SWEEP, policy, floor: isEmpty(spec) ? BUILT_IN_FLOOR : 0 };
}

/**
 * Chooses the number of concurrent runs (workers) and the threads per run. The default for `workers` depends on the
 * cores and the memory. An existing plan in the folder keeps its number of threads.
 *
 * @param draft Memory of the largest run in bytes, and number of runs.
 * @param options `workers`: number of workers given by the user, or undefined. `dir`: folder of the sweep.
 */
export function shareMachine(
  draft: { bytes: number; runs: number },
  options: { workers: number | undefined; dir: string },
): { workers: number; threads: number } {
  const { workers = defaultWorkers(draft) } = options;
  const divided = Math.max(1, Math.floor(navigator.hardwareConcurrency / workers));
  return { workers, threads: readPlan(options.dir)?.threads ?? divided };
}
