/**
 * `recordRun()`: trains and records one model, as a sweep of a single run.
 *
 * @module
 */
import { describeModel } from "../model/mod.ts";
import type { PolicyWord } from "../precision/mod.ts";
import type { RunSpec } from "../record/mod.ts";
import { describeEntropy, findText, loadCorpus, modelOf, prepareForRun } from "../run/mod.ts";
import {
  DEFAULT_SWEEP,
  defaultFolder,
  expandSweep,
  makePlan,
  placePlan,
  type Plan,
  readPlan,
  specHash,
  specOfSingleRun,
  type SweepOutcome,
  type SweepSpec,
  withInputs,
} from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import { checkedSpec, type PlacedSweep } from "./place_sweep.ts";
import { type ExecutionOptions, type ReportOutcome, runPlaced, withReport } from "./record_sweep.ts";

/** Fields of a run. Omitted fields have the values of {@linkcode SINGLE_RUN}. */
export type RunSpecInput =
  & { readonly [K in Exclude<keyof RunSpec, "data" | "policy" | "threads">]?: RunSpec[K] | undefined }
  & {
    /** Corpus: `shakespeare`, `markov`, the path of a text file or a folder, a glob pattern, or a list of these. */
    readonly data?: string | readonly string[] | undefined;
    /** Precision policy. `off` means float32, `on` means the device's autocast policy with bfloat16. */
    readonly policy?: PolicyWord | undefined;
  };

/** Options of {@linkcode recordRun}. */
export interface RecordRunOptions extends ExecutionOptions {
  /**
   * Folder of the run, created if missing. Default: `experiments/out/train`, or `train-HASH` if that folder contains a
   * different run.
   */
  readonly dir?: string | undefined;
  /**
   * True to run modules that are stored in the folder, for example a custom loss. Default: false. Then only modules
   * that this user has named by path before are run.
   */
  readonly runRecordedCode?: boolean | undefined;
  /** True to resume the run in the folder. Omitted fields then have the values of the folder's plan. Default: false. */
  readonly resume?: boolean | undefined;
  /** Number of threads. Default: the number in the folder's plan, or the number of cores without a plan. */
  readonly threads?: number | undefined;
  /** Name of `fields` in errors. Default: `the object given to recordRun()`. */
  readonly source?: string | undefined;
  /** Receives warnings and the summary, line by line. Default: discards them. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Outcome of {@linkcode recordRun}. */
export interface RecordedOutcome extends SweepOutcome, PlacedSweep, ReportOutcome {}

/**
 * Default values of a single run: the model and learning rate of the built-in sweep, float32, and 500 steps of 12
 * sequences of 64 characters.
 */
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
 * Trains one model in a separate process, records the run, and writes its report. Repeat the call to resume an interrupted
 * run.
 *
 * @param fields Fields of the run that differ from the defaults.
 * @throws {UserError} If a field is invalid, or the folder contains a different plan.
 */
export async function recordRun(
  fields: RunSpecInput = {},
  options: RecordRunOptions = {},
): Promise<RecordedOutcome> {
  requireDevice();
  const { dir, spec, found } = await openSpec(fields, options);
  const threads = options.threads ?? found?.threads ?? navigator.hardwareConcurrency;
  const plan = { ...await makePlan(spec, threads), specSha256: identityOf(spec, options) };
  await placePlan(dir, plan);
  const placed = { dir, plan, workers: 1, notes: [], entropy: describeEntropy(plan.data) };
  const outcome = await withReport(await runPlaced(placed, options), {
    dir,
    ...{ title: "train", print: options.print },
  });
  return { ...placed, ...outcome };
}

/**
 * Describes the model that {@linkcode recordRun} would train with the same arguments: layers, parameters and
 * floating-point operations.
 *
 * @throws {UserError} If a field is invalid.
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

/** Returns the folder, its plan if any, and the validated spec: `fields` override those of the plan or the defaults. */
async function openSpec(
  fields: RunSpecInput,
  options: RecordRunOptions,
): Promise<{ dir: string; found: Plan | undefined; spec: SweepSpec }> {
  const { resume = false, source = "the object given to recordRun()" } = options;
  const fresh = () => specOf(fields, { base: SINGLE_RUN, source, dir: options.dir });
  const isEmpty = options.threads === undefined &&
    Object.values(fields).every((value) => value === undefined);
  const hashes: Record<string, string> = resume && isEmpty ? {} : { "": identityOf(await fresh(), options) };
  const dir = options.dir ?? defaultFolder("train", hashes);
  const found = readPlan(dir);
  if (!resume || found === undefined) return { dir, found, spec: await fresh() };
  const base = specOfSingleRun(dir, fields.data === undefined ? await withText(dir, found) : found);
  const { initFrom, vocab, architecture, loss, optimizer, schedule } = base;
  const recorded = { initFrom, vocab, architecture, loss, optimizer, schedule };
  await withInputs(recorded, { dir, runRecordedCode: options.runRecordedCode }); // reads the recorded inputs
  return { dir, found, spec: await specOf(fields, { base, source, dir }) };
}

/** Returns the hash of the requested spec. Includes `threads` only if given. */
function identityOf(spec: SweepSpec, { threads }: RecordRunOptions): string {
  return specHash(threads === undefined ? spec : { ...spec, threads });
}

/** Returns the validated spec of one run: `fields` override those of `base`. */
async function specOf(
  { tokenizer, T, B, policy, seed, data, ...shared }: RunSpecInput,
  { base, source, dir }: { base: SweepSpec; source: string; dir: string | undefined },
): Promise<SweepSpec> {
  const seq = T ?? base.seq[0]!;
  return await checkedSpec({
    ...shared,
    data: typeof data === "object" ? [...data] : data,
    vocab: tokenizer === undefined ? undefined : [tokenizer],
    policy: policy === undefined ? undefined : [policy],
    seeds: seed === undefined ? undefined : [seed],
    seq: [seq],
    tokensPerStep: seq * (B ?? base.tokensPerStep / base.seq[0]!),
  }, { source, defaults: base, dir });
}

/** Returns a plan with the current path of its text. */
async function withText(dir: string, plan: Plan): Promise<Plan> {
  return { ...plan, data: (await findText(plan.data, { dir })).source };
}
