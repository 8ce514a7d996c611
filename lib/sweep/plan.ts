/**
 * The plan of a sweep: every run by its identity, fixed in `plan.json` before anything runs.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { EXIT, UserError } from "../error/user_error.ts";
import type { Activation } from "../model/mod.ts";
import {
  atomicWrite,
  canonicalJson,
  type DataSource,
  dataSourceSchema,
  hashSources,
  readJson,
  runIdOf,
  type RunSpec,
  runSpecSchema,
} from "../record/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import { type Corpus, parseTokenizerName, requireSequenceLength, type TokenizerName } from "../text/mod.ts";
import { loadCorpus, prepareForRun } from "./corpus.ts";
import { expandSweep } from "./expand.ts";
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
  threads: v.pipe(v.number(), v.integer(), v.minValue(1)),
  runs: v.array(v.object({ id: v.string(), spec: runSpecSchema })),
});

/** The path of a sweep's plan. */
export function planPath(dir: string): string {
  return join(dir, "plan.json");
}

/** The hash of the code that results depend on. */
export function libHash(): string {
  return hashSources(join(import.meta.dirname!, ".."));
}

/**
 * Plans a sweep: loads its corpus, trains its tokenizers, and requires every run to fit, before anything starts.
 *
 * @param spec Checked.
 * @param threads Threads of each run.
 * @throws {UserError} when the corpus is missing, or too short for a T or a V.
 */
export async function makePlan(spec: SweepSpec, threads: number): Promise<Plan> {
  const { corpus, source } = await loadCorpus(spec.data);
  const libSha256 = libHash();
  const sizes = await vocabularySizes(corpus, spec);
  const runs = expandSweep(spec, { data: source.name, threads, vocabSize: sizes });
  const needed = new Map(runs.map((run) => [textOf(run), run]));
  // The largest vocabulary first: the others are the first of its merges.
  for (const run of [...needed.values()].sort((a, b) => mergesIn(b) - mergesIn(a))) {
    using prepared = await prepareForRun(corpus, run);
    for (const { T } of runs.filter((other) => textOf(other) === textOf(run))) {
      requireSequenceLength(prepared, { T, name: source.name });
    }
  }
  return {
    format: "losskit-plan/1",
    name: spec.name,
    data: source,
    libSha256,
    threads,
    runs: runs.map((run) => ({
      id: runIdOf({ spec: run, dataSha256: source.sha256, libSha256 }),
      spec: run,
    })),
  };
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
  const found = readPlan(dir);
  if (found !== undefined) {
    const difference = differenceOf(found, plan);
    if (difference === undefined) return;
    throw new UserError(
      `Cannot sweep into ${dir}: it holds another plan: ${difference}. Choose another folder with --out, or delete it.`,
    );
  }
  writePlan(dir, plan);
}

/**
 * Writes a folder's plan, whole or not at all.
 *
 * @throws {UserError} when the folder cannot be written to.
 */
export function writePlan(dir: string, plan: Plan): void {
  try {
    Deno.mkdirSync(join(dir, "runs"), { recursive: true });
    atomicWrite(planPath(dir), `${JSON.stringify(plan, null, 1)}\n`);
  } catch (cause) {
    throw new UserError(
      `Cannot sweep into ${dir}: wanted a folder that can be written to: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause, exitCode: EXIT.badInput },
    );
  }
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
