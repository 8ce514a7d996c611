/**
 * The plan of a sweep: every run by its identity, fixed in `plan.json` before anything runs.
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
  /** The run's identity, 12 hex digits. */
  readonly id: string;
  /** What it runs. */
  readonly spec: RunSpec;
}

/** What `plan.json` holds. */
export interface Plan {
  /** Tells the file from others, and its version. */
  readonly format: "losskit-plan/1";
  /** The sweep's name. */
  readonly name: string;
  /** The text of every run. */
  readonly data: DataSource;
  /** Hash of the code that it was made with. */
  readonly libSha256: string;
  /** {@linkcode specHash} of the spec that it was made from. Undefined: several specs, or a version that kept none. */
  readonly specSha256?: string | undefined;
  /** Threads of each run, fixed once: another number may give other bits. */
  readonly threads: number;
  /** Every run, in the order they are started in. */
  readonly runs: readonly PlannedRun[];
}

const schema = v.object({
  format: v.literal("losskit-plan/1"),
  name: v.string(),
  data: dataSourceSchema,
  libSha256: v.string(),
  specSha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "wanted 64 hex digits"))),
  threads: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
  runs: v.array(v.object({
    // It names the run's folder, so that a plan from elsewhere must not lead out of the sweep's.
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/, "wanted 12 hex digits")),
    spec: runSpecSchema,
  })),
});

/** The path of a sweep's plan. */
export function planPath(dir: string): string {
  return join(dir, "plan.json");
}

/** The hash of the code that results depend on. */
export function libHash(): string {
  return hashSources(join(import.meta.dirname!, ".."));
}

/** Returns the SHA-256 of a spec as a plan keeps it, 64 hexadecimal digits. */
export function specHash(spec: unknown): string {
  return sha256Hex(canonicalJson(spec));
}

/** A sweep whose runs are known but for their threads. */
export interface PlanDraft {
  /** How many runs there are. */
  readonly runs: number;
  /** The most memory that a run is expected to need, in bytes. */
  readonly bytes: number;
  /** V of a run's tokenizer, and the tokens of the validation part. */
  sizesOf(run: RunSpec): { vocabSize: number; validationTokens: number };
  /** The plan, with the threads of each run. */
  plan(threads: number): Plan;
}

/**
 * Prepares a sweep: loads its corpus, trains its tokenizers, and requires every run to fit, before anything starts.
 *
 * @param spec Checked.
 * @throws {UserError} when the corpus is missing, or too short for a T or a V, or a run needs more memory than there is.
 */
export async function draftPlan(spec: SweepSpec): Promise<PlanDraft> {
  const { corpus, source } = await loadCorpus(spec.data);
  const libSha256 = libHash();
  const sizes = await vocabularySizes(corpus, spec);
  const runsWith = (threads: number) => expandSweep(spec, { data: source.name, threads, vocabSize: sizes });
  const runs = runsWith(1);
  const needed = new Map(runs.map((run) => [textOf(run), run]));
  const facts = new Map<string, { vocabSize: number; validationTokens: number }>();
  // The largest vocabulary first: the others are the first of its merges.
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
 * Plans a sweep with the threads of each run: {@linkcode draftPlan} where they are known beforehand.
 *
 * @param spec Checked.
 * @param threads Threads of each run.
 * @throws {UserError} as {@linkcode draftPlan}.
 */
export async function makePlan(spec: SweepSpec, threads: number): Promise<Plan> {
  return (await draftPlan(spec)).plan(threads);
}

/** V by tokenizer. Where steps follow from operations, and so from V, the text's characters are counted for it. */
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

/** What decides a run's tokens, beside the corpus. */
function textOf({ tokenizer, documents, separator }: RunSpec): string {
  return canonicalJson([tokenizer, documents, separator]);
}

/** The size of a byte-pair vocabulary; 0 where none is learned. */
function mergesIn({ tokenizer }: RunSpec): number {
  const { kind, vocabSize } = parseTokenizerName(tokenizer);
  return kind === "bpe" ? vocabSize : 0;
}

/** Reads a folder's plan; undefined where there is none. */
export function readPlan(dir: string): Plan | undefined {
  try {
    Deno.statSync(planPath(dir));
  } catch {
    return undefined;
  }
  return readJson(planPath(dir), schema, "a sweep's plan");
}

/**
 * Requires that code and text are still those of a folder's plan.
 *
 * @throws {UserError} naming what has changed.
 */
export async function requireUnchanged(dir: string, plan: Plan): Promise<void> {
  if (plan.libSha256 !== libHash()) {
    throw new UserError(
      `Cannot go on in ${dir}: its plan was made by another version of the code in lib/. Choose another folder with --out.`,
    );
  }
  await findText(plan.data, { dir });
}

/**
 * The spec of a plan with a single run, such as `train` makes it: to go on with it without saying it again.
 *
 * @throws {UserError} when the plan has several runs.
 */
export function specOfSingleRun(dir: string, { name, data, runs }: Plan): SweepSpec {
  const [run] = runs;
  if (run === undefined || runs.length > 1) {
    throw new UserError(
      `Cannot resume one run in ${dir}: wanted a folder that train made: its plan has ${runs.length} runs. ` +
        "A sweep is resumed by the command that began it.",
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
 * Puts a plan into a folder, or finds that the folder has it already.
 *
 * @throws {UserError} when the folder holds another plan, saying what differs, or cannot be written.
 */
export function placePlan(dir: string, plan: Plan): void {
  if (holds(dir, plan)) return;
  using _lock = lockFolder(dir); // two sweeps may come at once
  removeLeftovers(dir, planPath(dir));
  if (holds(dir, plan)) return;
  try {
    keepDiff(dir); // before the plan: whoever finds a plan has the code of its runs
  } catch (cause) {
    throw notWritable(dir, cause);
  }
  writePlan(dir, plan);
}

/** Whether a folder holds a plan already. */
function holds(dir: string, plan: Plan): boolean {
  const found = readPlan(dir);
  if (found === undefined) return false;
  const difference = differenceOf(found, plan);
  if (difference === undefined) return true;
  throw new UserError(
    `Cannot sweep into ${dir}: it holds another plan: ${difference}. Choose another folder with --out, or delete it.`,
  );
}

/** Has a folder for this process alone, as far as others ask; made when it is missing. */
function lockFolder(dir: string): Disposable {
  try {
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    const folder = Deno.openSync(join(dir, "runs"));
    try {
      folder.lockSync(true);
    } catch {
      // This file system has no locks: plans are written whole all the same.
    }
    return folder;
  } catch (cause) {
    throw notWritable(dir, cause);
  }
}

function notWritable(dir: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : cause;
  return new UserError(`Cannot sweep into ${dir}: wanted a folder that can be written to: ${reason}`, {
    cause,
  });
}

/**
 * Writes a folder's plan, whole or not at all.
 *
 * @throws {UserError} when the folder cannot be written to.
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
 * Adds runs to a folder's plan, or makes it. Several processes may do so at once: none loses what another added.
 *
 * @param dir The folder.
 * @param plan The runs, and what the folder's plan must agree with, which `check` says.
 * @param check Throws where the plan that is there is not of these.
 * @throws {UserError} when the folder cannot be written to.
 */
export function addToPlan(dir: string, plan: Plan, check: (found: Plan) => void): void {
  using _lock = lockFolder(dir); // from the reading to the writing; the system lifts it when the process ends
  removeLeftovers(dir, planPath(dir));
  const found = readPlan(dir);
  if (found === undefined) return writePlan(dir, plan);
  check(found);
  const more = plan.runs.filter(({ id }) => !found.runs.some((run) => run.id === id));
  const next = { ...plan, runs: [...found.runs, ...more] };
  if (canonicalJson(next) !== canonicalJson(found)) writePlan(dir, next);
}

/** The first thing in which plans differ, but for their names and where a user's file lies. */
function differenceOf(found: Plan, wanted: Plan): string | undefined {
  if (found.data.sha256 !== wanted.data.sha256) return `its text is ${found.data.name} with another checksum`;
  if (found.libSha256 !== wanted.libSha256) return "it was made by another version of the code in lib/";
  if (found.runs.length !== wanted.runs.length) {
    return `it has ${found.runs.length} runs, wanted ${wanted.runs.length}`;
  }
  for (const [i, run] of found.runs.entries()) {
    const other = wanted.runs[i]!;
    for (const [field, value] of Object.entries(other.spec)) {
      const own = run.spec[field as keyof RunSpec];
      if (canonicalJson(own) !== canonicalJson(value)) {
        return `run ${i + 1} has ${field} ${JSON.stringify(own)}, wanted ${JSON.stringify(value)}`;
      }
    }
    // Equal runs have equal identities, unless the file was changed by hand.
    if (run.id !== other.id) return `run ${i + 1} has the identity ${run.id}, wanted ${other.id}`;
  }
  return undefined;
}
