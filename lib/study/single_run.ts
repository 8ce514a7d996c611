/**
 * One recorded run as one call: a sweep of a single run.
 *
 * @module
 */
import { type Interruption, interruptionOf } from "../error/signals.ts";
import { describeModel } from "../model/mod.ts";
import type { PolicyName } from "../precision/mod.ts";
import type { RunSpec } from "../record/mod.ts";
import { findText, loadCorpus, modelOf, prepareForRun } from "../run/mod.ts";
import {
  DEFAULT_SWEEP,
  defaultFolder,
  expandSweep,
  makePlan,
  placePlan,
  type Plan,
  readPlan,
  runSweep,
  specHash,
  specOfSingleRun,
  type SweepOutcome,
  type SweepSpec,
} from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { checkedSpec } from "./sweep.ts";

/** Fields of a run as they are written. Fields that are left out have the defaults of {@linkcode SINGLE_RUN}. */
export type RunSpecInput =
  & { readonly [K in Exclude<keyof RunSpec, "data" | "policy" | "threads">]?: RunSpec[K] | undefined }
  & {
    /** Corpus: `shakespeare`, `markov`, a text file, a folder or a pattern; or a list of these. */
    readonly data?: string | readonly string[] | undefined;
    /** Precision policy; `off` is float32, `on` the device's autocast with bfloat16. */
    readonly policy?: PolicyName | "off" | "on" | undefined;
  };

/** Options of a recorded run. */
export interface RecordRunOptions {
  /**
   * Folder of the run, created if it is missing. Default: `experiments/out/train`, or `train-HASH`
   * if that folder holds another run.
   */
  readonly dir?: string | undefined;
  /** Resumes the folder's run; fields that are left out are those of its plan. Default: false. */
  readonly resume?: boolean | undefined;
  /** Threads. Default: those of the folder's plan, or the cores. */
  readonly threads?: number | undefined;
  /** Whether a run that another environment finished or began counts. Default: false. */
  readonly allowEnvironmentChange?: boolean | undefined;
  /** Stops the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Signals of the process, in place of `signal`. */
  readonly interruption?: Interruption | undefined;
  /** Name of the fields in errors. Default: `the object given to recordRun()`. */
  readonly source?: string | undefined;
  /** Receives the plan and its folder before the run starts. */
  readonly onPlan?: ((plan: Plan, dir: string) => void) | undefined;
}

/** A run that was recorded, finished or not. */
export interface RecordedOutcome extends SweepOutcome {
  /** The folder. */
  readonly dir: string;
  /** The plan of the single run. */
  readonly plan: Plan;
}

/** Defaults of a single run: the built-in sweep's model and rates, 500 steps of 12 sequences of 64 characters. */
export const SINGLE_RUN: SweepSpec = {
  ...DEFAULT_SWEEP,
  name: "train",
  vocab: ["character"],
  policy: ["float32"],
  seq: [64],
  tokensPerStep: 64 * 12,
  steps: 500,
  seeds: [1],
};

/**
 * Trains one model in a process of its own, and records the run. A run that is interrupted resumes when the call is
 * repeated.
 *
 * @param fields Fields of the run that differ from the defaults.
 * @param options The folder, threads, and signals.
 * @returns How the run ended.
 * @throws {UserError} if a field is wrong, or the folder holds another plan.
 */
export async function recordRun(
  fields: RunSpecInput = {},
  options: RecordRunOptions = {},
): Promise<RecordedOutcome> {
  const { allowEnvironmentChange = false, onPlan } = options;
  requireDevice();
  const { dir, spec, found } = await openSpec(fields, options);
  const threads = options.threads ?? found?.threads ?? navigator.hardwareConcurrency;
  const plan = { ...await makePlan(spec, threads), specSha256: identityOf(spec, options) };
  placePlan(dir, plan);
  onPlan?.(plan, dir);
  const interruption = interruptionOf(options);
  const outcome = await runSweep(plan, { ...{ dir, workers: 1, interruption, allowEnvironmentChange } });
  return { ...outcome, dir, plan };
}

/**
 * Describes the model that {@linkcode recordRun} would train with the same arguments: parts, parameters and operations.
 *
 * @throws {UserError} if a field is wrong.
 */
export async function describeRun(
  fields: RunSpecInput = {},
  options: RecordRunOptions = {},
): Promise<string> {
  const { spec } = await openSpec(fields, options);
  const { corpus, source } = await loadCorpus(spec.data);
  const [run] = expandSweep(spec, { data: source.name, threads: 1 });
  using prepared = await prepareForRun(corpus, run!);
  return describeModel(modelOf(run!, prepared.tokenizer.vocabSize));
}

/** Returns the folder, its plan if it has one, and the checked spec: given fields over those of the plan or the defaults. */
async function openSpec(
  fields: RunSpecInput,
  options: RecordRunOptions,
): Promise<{ dir: string; found: Plan | undefined; spec: SweepSpec }> {
  const { resume = false, source = "the object given to recordRun()" } = options;
  const fresh = () => specOf(fields, { base: SINGLE_RUN, source });
  const isEmpty = options.threads === undefined &&
    Object.values(fields).every((value) => value === undefined);
  const hashes = resume && isEmpty ? {} : { "": identityOf(fresh(), options) };
  const dir = options.dir ?? defaultFolder("train", hashes);
  const found = readPlan(dir);
  if (!resume || found === undefined) return { dir, found, spec: fresh() };
  const base = specOfSingleRun(dir, fields.data === undefined ? await withText(dir, found) : found);
  return { dir, found, spec: specOf(fields, { base, source }) };
}

/** Returns the hash of what was asked for: threads count only if they are given. */
function identityOf(spec: SweepSpec, { threads }: RecordRunOptions): string {
  return specHash(threads === undefined ? spec : { ...spec, threads });
}

/** Returns the checked spec of one run: given fields over those of `base`. */
function specOf(
  { tokenizer, T, B, policy, seed, data, ...shared }: RunSpecInput,
  { base, source }: { base: SweepSpec; source: string },
): SweepSpec {
  const seq = T ?? base.seq[0]!;
  return checkedSpec({
    ...shared,
    data: typeof data === "object" ? [...data] : data,
    vocab: tokenizer === undefined ? undefined : [tokenizer],
    policy: policy === undefined ? undefined : [policy],
    seeds: seed === undefined ? undefined : [seed],
    seq: [seq],
    tokensPerStep: seq * (B ?? base.tokensPerStep / base.seq[0]!),
  }, { source, defaults: base });
}

/** Returns a plan with its text's present path. */
async function withText(dir: string, plan: Plan): Promise<Plan> {
  return { ...plan, data: (await findText(plan.data, { dir })).source };
}
