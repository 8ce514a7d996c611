/**
 * Plans of sweeps: the runs of a spec, with their IDs. `plan_file.ts` reads and writes them.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import type { Activation } from "../model/mod.ts";
import { canonicalJson, runIdOf, type RunSpec, sha256Hex, sourcesHash } from "../record/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import {
  type Corpus,
  parseTokenizerName,
  requireSequenceLength,
  type Tokenizer,
  type TokenizerName,
} from "../text/mod.ts";
import { loadCorpus, prepareForRun } from "../run/corpus.ts";
import { knownVocabSize } from "../run/inputs.ts";
import { findText } from "../run/find_text.ts";
import { estimateBytes, requireMemory } from "../run/estimate.ts";
import { expansionOf } from "./expand.ts";
import { checkCode } from "../run/check_code.ts";
import { modulesOf } from "../run/own_code.ts";
import { machineMemory } from "../run/machine.ts";
import type { Plan } from "./plan_file.ts";
import { requireInitialModel } from "./spec_inputs.ts";
import { NO_AXES, type SweepSpec } from "./spec.ts";

/** Returns the SHA-256 hash of a spec's canonical JSON, in 64 hexadecimal digits. Plans record this hash. */
export function specHash(spec: unknown): string {
  return sha256Hex(canonicalJson(spec));
}

/** A planned sweep whose number of threads per run is not chosen yet. */
export interface PlanDraft {
  /** Number of runs. */
  readonly runs: number;
  /** Notes about combinations of the axes that repeat another run. */
  readonly notes: readonly string[];
  /** Largest estimated memory of a run, in bytes. */
  readonly bytes: number;
  /** Returns the vocabulary size of a run's tokenizer, and the number of tokens in the run's validation split. */
  sizesOf(run: RunSpec): { vocabSize: number; validationTokens: number };
  /** Returns the plan for the given number of threads per run. */
  plan(threads: number): Plan;
}

/**
 * Prepares a plan: loads the corpus, trains the tokenizers, and checks the text length and the memory that each run
 * requires.
 *
 * @param spec A validated spec.
 * @throws {UserError} If the corpus is missing, the corpus is too short for a sequence length or vocabulary, or a run
 * does not fit into memory.
 */
export async function draftPlan(spec: SweepSpec): Promise<PlanDraft> {
  const { corpus, source } = await loadCorpus(spec.data);
  const libSha256 = sourcesHash();
  const sizes = await vocabularySizes(corpus, spec);
  const expandWith = (threads: number) => expansionOf(spec, { data: source.name, threads, vocabSize: sizes });
  const { runs, notes } = expandWith(1);
  runs.forEach(requireInitialModel);
  const needed = new Map(runs.map((run) => [textOf(run), run]));
  const facts = new Map<string, { vocabSize: number; validationTokens: number }>();
  // Train the largest vocabulary first: smaller vocabularies are prefixes of its merges.
  for (const run of [...needed.values()].sort((a, b) => mergesIn(b) - mergesIn(a))) {
    using prepared = await prepareForRun(corpus, run);
    const { tokenizer, validation } = prepared;
    facts.set(textOf(run), { vocabSize: tokenizer.vocabSize, validationTokens: validation.length });
    for (const { padVocab } of runs.filter((other) => textOf(other) === textOf(run))) {
      requirePadVocab(padVocab, tokenizer);
    }
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
  for (const run of new Map(runs.map((run) => [canonicalJson(modulesOf(run)), run])).values()) {
    if (modulesOf(run).length > 0) await checkCode(run, sizesOf(run).vocabSize);
  }
  return {
    ...{ runs: runs.length, notes, bytes, sizesOf },
    plan: (threads) => ({
      format: "losskit-plan/1",
      name: spec.name,
      data: source,
      libSha256,
      specSha256: specHash(spec),
      threads,
      runs: expandWith(threads).runs.map((run) => ({
        id: runIdOf({ spec: run, dataSha256: source.sha256, libSha256 }),
        spec: run,
      })),
    }),
  };
}

/**
 * Plans a sweep with a given number of threads per run.
 *
 * @param spec A validated spec.
 * @param threads Threads per run.
 * @throws {UserError} For the reasons of {@linkcode draftPlan}.
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
  return (tokenizer) => parseTokenizerName(tokenizer).vocabSize ?? knownVocabSize(tokenizer) ?? characters;
}

/** Requires that a padded vocabulary has room for every token. */
function requirePadVocab(padVocab: number, { name, vocabSize }: Tokenizer): void {
  if (padVocab === 0 || padVocab >= vocabSize) return;
  throw new UserError(
    `Cannot pad the vocabulary: expected padVocab to be 0 or at least the ${vocabSize} tokens of the tokenizer ${name}, ` +
      `got ${padVocab}. Omit padVocab, or choose a smaller vocabulary.`,
  );
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
 * Requires that the current code and text are those of a folder's plan.
 *
 * @throws {UserError} If the code or the text has changed.
 */
export async function requireUnchanged(dir: string, plan: Plan): Promise<void> {
  if (plan.libSha256 !== sourcesHash()) {
    throw new UserError(
      `Cannot resume in ${dir}: expected a plan of this checkout's code, got a plan of another version of the code in lib/. ` +
        "Choose another folder with --out.",
    );
  }
  await findText(plan.data, { dir });
}

/**
 * Returns the spec of a plan with a single run, so that `train` can resume the run without its original options.
 *
 * @throws {UserError} If the plan has several runs.
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
