/**
 * Plans of sweeps. `plan.json` fixes every run and its ID before the sweep starts.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { sealJson } from "../file/sealed_json.ts";
import type { Activation } from "../model/mod.ts";
import {
  atomicWrite,
  canonicalJson,
  type DataSource,
  dataSourceSchema,
  hashSources,
  readJson,
  removeLeftovers,
  runIdOf,
  type RunSpec,
  runSpecSchema,
  sha256Hex,
} from "../record/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import { type Corpus, parseTokenizerName, requireSequenceLength, type TokenizerName } from "../text/mod.ts";
import { keepDiff } from "../run/code.ts";
import { loadCorpus, prepareForRun } from "../run/corpus.ts";
import { findText } from "../run/find_text.ts";
import { estimateBytes, requireMemory } from "../run/estimate.ts";
import { expandSweep } from "./expand.ts";
import { machineMemory } from "../run/machine.ts";
import { NO_AXES, type SweepSpec } from "./spec.ts";

/** A planned run. */
export interface PlannedRun {
  /** ID of the run, 12 hexadecimal digits. */
  readonly id: string;
  /** Spec of the run. */
  readonly spec: RunSpec;
}

/** Content of `plan.json`. */
export interface Plan {
  /** File format and version. */
  readonly format: "losskit-plan/1";
  /** Name of the sweep. */
  readonly name: string;
  /** Text of all runs. */
  readonly data: DataSource;
  /** SHA-256 of the code in `lib/`. */
  readonly libSha256: string;
  /** {@linkcode specHash} of the sweep's spec. Undefined for plans of several specs or of older versions. */
  readonly specSha256?: string | undefined;
  /** Threads per run. Fixed, because results may depend on the number. */
  readonly threads: number;
  /** Runs in starting order. */
  readonly runs: readonly PlannedRun[];
}

const schema = v.object({
  format: v.literal("losskit-plan/1"),
  name: v.string(),
  data: dataSourceSchema,
  libSha256: v.string(),
  specSha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"))),
  threads: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
  runs: v.array(v.object({
    // The ID is a folder name. The pattern prevents a foreign plan from leaving the sweep's folder.
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/, "expected 12 hexadecimal digits")),
    spec: runSpecSchema,
  })),
});

/** Returns the path of a sweep's plan. */
export function planPath(dir: string): string {
  return join(dir, "plan.json");
}

/** Returns the SHA-256 of the code that results depend on. */
export function libHash(): string {
  return hashSources(join(import.meta.dirname!, ".."));
}

/** Returns the SHA-256 of a spec as 64 hexadecimal digits, for a plan. */
export function specHash(spec: unknown): string {
  return sha256Hex(canonicalJson(spec));
}

/** A sweep whose runs are known except for their threads. */
export interface PlanDraft {
  /** Number of runs. */
  readonly runs: number;
  /** Largest expected memory of a run, in bytes. */
  readonly bytes: number;
  /** Returns V of a run's tokenizer, and the number of validation tokens. */
  sizesOf(run: RunSpec): { vocabSize: number; validationTokens: number };
  /** Returns the plan for a number of threads per run. */
  plan(threads: number): Plan;
}

/**
 * Prepares a sweep: loads the corpus, trains the tokenizers, and checks the size of every run.
 *
 * @param spec A checked spec.
 * @throws {UserError} if the corpus is missing or too short for a T or V, or a run exceeds the memory.
 */
export async function draftPlan(spec: SweepSpec): Promise<PlanDraft> {
  const { corpus, source } = await loadCorpus(spec.data);
  const libSha256 = libHash();
  const sizes = await vocabularySizes(corpus, spec);
  const runsWith = (threads: number) => expandSweep(spec, { data: source.name, threads, vocabSize: sizes });
  const runs = runsWith(1);
  const needed = new Map(runs.map((run) => [textOf(run), run]));
  const facts = new Map<string, { vocabSize: number; validationTokens: number }>();
  // Train the largest vocabulary first: smaller vocabularies are prefixes of its merges.
  for (const run of [...needed.values()].sort((a, b) => mergesIn(b) - mergesIn(a))) {
    using prepared = await prepareForRun(corpus, run);
    const { tokenizer, validation } = prepared;
    facts.set(textOf(run), { vocabSize: tokenizer.vocabSize, validationTokens: validation.length });
    for (const { T } of runs.filter((other) => textOf(other) === textOf(run))) {
      requireSequenceLength(prepared, { T, name: source.name });
    }
  }
  const sizesOf = (run: RunSpec) => facts.get(textOf(run))!;
  const { total } = machineMemory();
  let bytes = 0;
  for (const run of runs) {
    const needs = estimateBytes(run, sizesOf(run).vocabSize);
    requireMemory(run, { bytes: needs, total });
    bytes = Math.max(bytes, needs);
  }
  return {
    ...{ runs: runs.length, bytes, sizesOf },
    plan: (threads) => ({
      format: "losskit-plan/1",
      name: spec.name,
      data: source,
      libSha256,
      specSha256: specHash(spec),
      threads,
      runs: runsWith(threads).map((run) => ({
        id: runIdOf({ spec: run, dataSha256: source.sha256, libSha256 }),
        spec: run,
      })),
    }),
  };
}

/**
 * Plans a sweep with a known number of threads per run.
 *
 * @param spec A checked spec.
 * @param threads Threads of each run.
 * @throws {UserError} for the reasons of {@linkcode draftPlan}.
 */
export async function makePlan(spec: SweepSpec, threads: number): Promise<Plan> {
  return (await draftPlan(spec)).plan(threads);
}

/**
 * Returns V by tokenizer. With a budget of operations, the number of steps depends on V, so the text is scanned first.
 */
async function vocabularySizes(
  corpus: Corpus,
  { budget, documents, separator }: SweepSpec,
): Promise<(tokenizer: TokenizerName) => number> {
  let characters = 0;
  if (budget?.flops !== undefined) {
    using prepared = await prepareForRun(corpus, { tokenizer: "character", documents, separator });
    characters = prepared.tokenizer.vocabSize;
  }
  return (tokenizer) => parseTokenizerName(tokenizer).vocabSize ?? characters;
}

/** Returns a key of the settings that determine a run's tokens. */
function textOf({ tokenizer, documents, separator }: RunSpec): string {
  return canonicalJson([tokenizer, documents, separator]);
}

/** Returns the size of a byte-pair vocabulary, or 0 for other tokenizers. */
function mergesIn({ tokenizer }: RunSpec): number {
  const { kind, vocabSize } = parseTokenizerName(tokenizer);
  return kind === "bpe" ? vocabSize : 0;
}

/**
 * Reads the plan of a folder. Returns undefined if there is no plan.
 *
 * @throws {UserError} for an invalid file, and for a plan of this code whose spec or text do not have a run's ID.
 */
export function readPlan(dir: string): Plan | undefined {
  const path = planPath(dir);
  try {
    Deno.statSync(path);
  } catch {
    return undefined;
  }
  const plan = readJson(path, schema, "a sweep's plan");
  const { data: { sha256: dataSha256 }, libSha256 } = plan;
  const idOf = ({ spec }: PlannedRun) => runIdOf({ spec, dataSha256, libSha256 });
  const other = plan.runs.find((run) => run.id !== idOf(run));
  // Plans of older code lack fields that the schema adds. Their runs cannot be started.
  if (other === undefined || libSha256 !== libHash()) return plan;
  throw new UserError(
    `Cannot read ${path}: expected the spec, text and code of run ${other.id}, got those of run ${
      idOf(other)
    }. ` +
      "Restore the file from a copy, or choose another folder with --out.",
  );
}

/**
 * Requires the code and text of a folder's plan.
 *
 * @throws {UserError} if the code or the text has changed.
 */
export async function requireUnchanged(dir: string, plan: Plan): Promise<void> {
  if (plan.libSha256 !== libHash()) {
    throw new UserError(
      `Cannot resume in ${dir}: expected a plan of this checkout's code, got a plan of another version of the code in lib/. ` +
        "Choose another folder with --out.",
    );
  }
  await findText(plan.data, { dir });
}

/**
 * Returns the spec of a plan with a single run, so that `train` can resume it without its options.
 *
 * @throws {UserError} if the plan has several runs.
 */
export function specOfSingleRun(dir: string, { name, data, runs }: Plan): SweepSpec {
  const [run] = runs;
  if (run === undefined || runs.length > 1) {
    throw new UserError(
      `Cannot resume one run in ${dir}: expected a folder of train, got a plan of ${runs.length} runs. ` +
        "Resume a sweep by repeating its command.",
    );
  }
  const { data: _name, tokenizer, T, B, policy, seed, threads: _threads, ...shared } = run.spec;
  return {
    ...shared,
    ...NO_AXES,
    name,
    data: typeof data.path === "object" ? [...data.path] : data.path ?? data.name,
    vocab: [tokenizer],
    seq: [T],
    tokensPerStep: T * B,
    policy: [policy as PolicyName],
    seeds: [seed],
    activation: shared.activation as Activation,
  };
}

/**
 * Writes a plan into a folder, unless the folder already has the same plan.
 *
 * @throws {UserError} if the folder holds another plan, with the first difference, or is not writable.
 */
export function placePlan(dir: string, plan: Plan): void {
  if (holds(dir, plan)) return;
  using _lock = lockFolder(dir); // two sweeps may start at once
  removeLeftovers(dir, planPath(dir));
  if (holds(dir, plan)) return;
  try {
    keepDiff(dir); // before the plan, so that every plan has the code of its runs
  } catch (cause) {
    throw notWritable(dir, cause);
  }
  writePlan(dir, plan);
}

/** Returns true if a folder already holds the plan. Throws for another plan. */
function holds(dir: string, plan: Plan): boolean {
  const found = readPlan(dir);
  if (found === undefined) return false;
  const difference = differenceOf(found, plan);
  if (difference === undefined) return true;
  throw new UserError(
    `Cannot sweep into ${dir}: expected an empty folder or the same plan, got another plan: ${difference}. ` +
      "Choose another folder with --out, or delete the folder.",
  );
}

/** Takes an advisory lock on a folder. Creates the folder if it is missing. */
function lockFolder(dir: string): Disposable {
  try {
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    const folder = Deno.openSync(join(dir, "runs"));
    try {
      folder.lockSync(true);
    } catch {
      // This file system has no locks. Plans are still written atomically.
    }
    return folder;
  } catch (cause) {
    throw notWritable(dir, cause);
  }
}

function notWritable(dir: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : cause;
  return new UserError(`Cannot sweep into ${dir}: expected a writable folder, got ${reason}`, {
    cause,
  });
}

/**
 * Writes a folder's plan atomically.
 *
 * @throws {UserError} if the folder is not writable.
 */
export function writePlan(dir: string, plan: Plan): void {
  try {
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    atomicWrite(planPath(dir), sealJson(plan, 1));
  } catch (cause) {
    throw notWritable(dir, cause);
  }
}

/**
 * Adds runs to a folder's plan, or creates the plan. Concurrent calls do not lose runs.
 *
 * @param dir The folder.
 * @param plan The runs to add.
 * @param check Throws if the existing plan is incompatible.
 * @throws {UserError} if the folder is not writable.
 */
export function addToPlan(dir: string, plan: Plan, check: (found: Plan) => void): void {
  using _lock = lockFolder(dir); // held from read to write; the system releases it with the process
  removeLeftovers(dir, planPath(dir));
  const found = readPlan(dir);
  if (found === undefined) return writePlan(dir, plan);
  check(found);
  const more = plan.runs.filter(({ id }) => !found.runs.some((run) => run.id === id));
  const next = { ...plan, runs: [...found.runs, ...more] };
  if (canonicalJson(next) !== canonicalJson(found)) writePlan(dir, next);
}

/** Describes the first difference between two plans, other than their names and the paths of texts. */
function differenceOf(found: Plan, wanted: Plan): string | undefined {
  if (found.data.sha256 !== wanted.data.sha256) return `its text ${found.data.name} has another SHA-256`;
  if (found.libSha256 !== wanted.libSha256) return "it was made with another version of the code in lib/";
  if (found.runs.length !== wanted.runs.length) {
    return `it has ${found.runs.length} runs, expected ${wanted.runs.length}`;
  }
  for (const [i, run] of found.runs.entries()) {
    const other = wanted.runs[i]!;
    for (const [field, value] of Object.entries(other.spec)) {
      const own = run.spec[field as keyof RunSpec];
      if (canonicalJson(own) !== canonicalJson(value)) {
        return `run ${i + 1} has ${field} ${JSON.stringify(own)}, expected ${JSON.stringify(value)}`;
      }
    }
    // Equal specs have equal IDs unless the file was edited.
    if (run.id !== other.id) return `run ${i + 1} has the ID ${run.id}, expected ${other.id}`;
  }
  return undefined;
}
