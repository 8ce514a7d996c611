/**
 * The spec of a sweep: axes and what all runs share; its checks, and its runs.
 *
 * @module
 */
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { type Activation, ACTIVATIONS, type GptConfig, validateGptConfig } from "../model/mod.ts";
import { POLICIES, type PolicyName } from "../tensorflow/mod.ts";
import { parseTokenizerName, type TokenizerName } from "../text/mod.ts";
import { RUN_OPTIONS, type RunSpec } from "../record/mod.ts";
import { SCHEDULES } from "../train/mod.ts";

const whole = (least: number) =>
  v.pipe(v.number(), v.integer("must be a whole number"), v.minValue(least, `must be at least ${least}`));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0, "must be above 0"));
const atLeastZero = v.pipe(v.number(), v.finite(), v.minValue(0, "must be at least 0"));
const rate = v.pipe(v.number(), v.minValue(0, "must be at least 0"), v.ltValue(1, "must be below 1"));
const flag = v.boolean("must be true or false");
const some = <S extends v.GenericSchema>(item: S) =>
  v.pipe(
    v.array(item),
    v.minLength(1, "must have at least one value"),
    v.check((list) => new Set(list).size === list.length, "must not repeat a value"),
  );

const oneOf = <const O extends readonly string[]>(options: O) =>
  v.picklist(options, ({ received }) => `must be one of ${options.join(", ")}: it is ${received}`);

/** The options of a single run that a sweep shares among its runs. */
type SharedOptions = Pick<RunSpec, Exclude<keyof typeof RUN_OPTIONS, "activation">>;

/** A checked spec; the options that are not listed here are those of {@linkcode RunSpec}. */
export interface SweepSpec extends SharedOptions {
  /** What to call the sweep; the name of its folder by default. */
  name: string;
  /** `shakespeare`, or the path of a text file in UTF-8. */
  data: string;
  /** Axis: T, tokens in a sequence; each divides `tokensPerStep`. */
  seq: number[];
  /** Axis: precision policies. */
  policy: PolicyName[];
  /** Axis: tokenizers, `character` or `bpe:V`. */
  vocab: string[];
  /** Axis: seeds of initial weights and batches, at least 0. */
  seeds: number[];
  /** Training steps of each run. */
  steps: number;
  /** B · T, the same for every T, so that runs see equally many tokens. */
  tokensPerStep: number;
  /** L, blocks. */
  nLayer: number;
  /** H, heads. */
  nHead: number;
  /** C, width; a multiple of `nHead`. */
  nEmbd: number;
  /** `graph`: a step is one native call; `eager`: op by op. */
  execution: "graph" | "eager";
  /** Peak learning rate. */
  lr: number;
  /** Learning rate at the last step, at most `lr`. */
  minLr: number;
  /** Steps of linear warm-up, below `steps`. */
  warmupSteps: number;
  /** AdamW's first decay rate, in [0, 1). */
  beta1: number;
  /** AdamW's second decay rate, in [0, 1). */
  beta2: number;
  /** AdamW's epsilon, above 0. */
  eps: number;
  /** Decay per unit of learning rate, rank 2 and more only. */
  weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. */
  clip: number;
  /** Steps between evaluations. */
  evalEvery: number;
  /** Validation tokens of an evaluation, at least T, or all there are. */
  evalTokens: number | "all";
  /** Steps between checkpoints. */
  checkpointEvery: number;
  /** What stands between the two matrices of a feed-forward part. */
  activation: Activation;
}

/** The same, as it is checked. */
const schema: v.GenericSchema<unknown, SweepSpec> = v.strictObject({
  name: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be letters, digits, '.', '_' and '-'"),
  ),
  data: v.pipe(v.string(), v.minLength(1, "must name a corpus")),
  seq: some(whole(1)),
  policy: some(v.picklist(
    Object.keys(POLICIES) as [PolicyName, ...PolicyName[]],
    ({ received }) => `unknown policy ${received}: must be one of ${Object.keys(POLICIES).join(", ")}`,
  )),
  vocab: some(v.string()),
  seeds: some(whole(0)),
  steps: whole(1),
  tokensPerStep: whole(1),
  nLayer: whole(1),
  nHead: whole(1),
  nEmbd: whole(1),
  execution: v.picklist(["graph", "eager"]),
  lr: positive,
  minLr: atLeastZero,
  warmupSteps: whole(0),
  beta1: rate,
  beta2: rate,
  eps: positive,
  weightDecay: atLeastZero,
  clip: atLeastZero,
  evalEvery: whole(1),
  evalTokens: v.union([whole(1), v.literal("all")], "must be a whole number of at least 1, or all"),
  checkpointEvery: whole(1),
  schedule: oneOf(SCHEDULES),
  decaySteps: whole(0),
  optimizer: oneOf(["adamw", "sgd"]),
  momentum: rate,
  nesterov: flag,
  accumulate: whole(1),
  emaDecay: rate,
  labelSmoothing: rate,
  zLoss: atLeastZero,
  patience: whole(0),
  minDelta: atLeastZero,
  saveBest: flag,
  dropout: rate,
  bias: flag,
  tiedHead: flag,
  qkNorm: flag,
  logitSoftCap: atLeastZero,
  attentionSoftCap: atLeastZero,
  initStd: positive,
  activation: oneOf(ACTIVATIONS),
});

/**
 * The built-in sweep: sequence length × AMP × vocabulary × 2 seeds on Shakespeare, 16 runs of 102,400 tokens.
 */
export const DEFAULT_SWEEP: SweepSpec = {
  ...RUN_OPTIONS,
  name: "default",
  data: "shakespeare",
  seq: [64, 128],
  policy: ["float32", "bf16-autocast"],
  vocab: ["character", "bpe:512"],
  seeds: [1, 2],
  steps: 100,
  tokensPerStep: 1024,
  nLayer: 4,
  nHead: 4,
  nEmbd: 128,
  execution: "graph",
  lr: 1e-3,
  minLr: 1e-4,
  warmupSteps: 10,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0.1,
  clip: 1,
  evalEvery: 50,
  evalTokens: 16384,
  checkpointEvery: 50,
};

/**
 * Checks a spec. Fields that are left out are the built-in sweep's.
 *
 * @param given What a user wrote: from a file, or from the command line.
 * @param source What to call it in errors.
 * @param defaults What fields are that are left out (default: the built-in sweep's).
 * @throws {UserError} for an unknown field, a wrong value, or values that do not fit each other.
 */
export function parseSweepSpec(
  given: unknown,
  source: string,
  defaults: SweepSpec = DEFAULT_SWEEP,
): SweepSpec {
  const refuse = (reason: string): never => {
    throw new UserError(`Cannot use ${source} as a sweep's spec: ${reason}`);
  };
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return refuse("wanted a record of fields");
  }
  const unknown = Object.keys(given).filter((field) => !Object.hasOwn(DEFAULT_SWEEP, field));
  if (unknown.length > 0) {
    refuse(`unknown field ${unknown.join(", ")}: the fields are ${Object.keys(DEFAULT_SWEEP).join(", ")}`);
  }
  const result = v.safeParse(schema, { ...defaults, ...given });
  if (!result.success) {
    const [issue] = result.issues;
    return refuse(`${v.getDotPath(issue)}: ${issue.message}: given ${JSON.stringify(issue.input)}`);
  }
  const spec = result.output;
  for (const name of spec.vocab) parseTokenizerName(name);
  const problem = sizesProblem(spec) ?? trainingProblem(spec, given);
  if (problem !== undefined) refuse(problem);
  try {
    validateGptConfig({ ...gptOptions(spec), vocabSize: 2, blockSize: Math.max(...spec.seq) });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(error.message);
  }
  return spec;
}

/** What does not fit among the sizes of batches and evaluations. */
function sizesProblem({ seq, tokensPerStep, accumulate, evalTokens }: SweepSpec): string | undefined {
  for (const T of seq) {
    if (tokensPerStep % T !== 0) {
      return `tokensPerStep must be a multiple of every T in seq: it is ${tokensPerStep}, T is ${T}`;
    }
    const B = tokensPerStep / T;
    if (B % accumulate !== 0) {
      return `accumulate must divide the B sequences of a step: it is ${accumulate}, B is ${B} with T ${T}`;
    }
    if (evalTokens !== "all" && evalTokens < T) {
      return `evalTokens must be at least every T in seq, or all: it is ${evalTokens}, T is ${T}`;
    }
  }
  return undefined;
}

/** What contradicts itself in how training goes. Fields that have no effect are refused only where they were given. */
function trainingProblem(spec: SweepSpec, given: object): string | undefined {
  const { steps, warmupSteps, decaySteps, schedule, optimizer } = spec;
  const useless = (fields: readonly string[]) => fields.find((field) => Object.hasOwn(given, field));
  if (warmupSteps >= steps && warmupSteps > 0) {
    return `warmupSteps must be below steps (${steps}): it is ${warmupSteps}`;
  }
  if (spec.minLr > spec.lr && schedule !== "constant") {
    return `minLr must be at most lr (${spec.lr}): it is ${spec.minLr}`;
  }
  if (schedule === "constant" && useless(["minLr"])) return "minLr has no use with the schedule constant";
  if (schedule !== "wsd" && decaySteps > 0) {
    return `decaySteps is of the schedule wsd: it is ${decaySteps}, the schedule is ${schedule}`;
  }
  if (schedule === "wsd" && (decaySteps < 1 || decaySteps > steps - warmupSteps)) {
    return `decaySteps must be at least 1 and at most what warm-up leaves of steps (${
      steps - warmupSteps
    }) with the schedule wsd: it is ${decaySteps}`;
  }
  if (optimizer === "adamw" && (spec.momentum > 0 || spec.nesterov)) {
    return "momentum and nesterov are of the optimizer sgd: the optimizer is adamw";
  }
  const adams = useless(["beta1", "beta2", "eps"]);
  if (optimizer === "sgd" && adams !== undefined) return `${adams} has no use with the optimizer sgd`;
  if (spec.nesterov && spec.momentum === 0) return "nesterov needs a momentum above 0: it is 0";
  if (spec.minDelta > 0 && spec.patience === 0 && !spec.saveBest) {
    return "minDelta needs a patience above 0, or saveBest: without them no evaluation is compared";
  }
  return undefined;
}

/**
 * The runs of a spec, pairs of policies side by side.
 *
 * @param spec Checked.
 * @param fixed The corpus's name and the threads of every run.
 */
export function expandSweep(spec: SweepSpec, fixed: { data: string; threads: number }): RunSpec[] {
  const { name: _name, seq, policy, vocab, seeds, tokensPerStep, ...shared } = spec;
  const runs: RunSpec[] = [];
  for (const tokenizer of vocab) {
    for (const T of seq) {
      for (const seed of seeds) {
        for (const one of policy) {
          runs.push({ ...shared, ...fixed, tokenizer, T, B: tokensPerStep / T, policy: one, seed });
        }
      }
    }
  }
  return runs;
}

/** The model's sizes and options in a spec, a bound of 0 being none. */
function gptOptions(spec: SweepSpec | RunSpec): Omit<GptConfig, "vocabSize" | "blockSize"> {
  const { nLayer, nHead, nEmbd, bias, tiedHead, dropout, qkNorm, initStd } = spec;
  return {
    ...{ nLayer, nHead, nEmbd, bias, tiedHead, dropout, qkNorm, initStd },
    logitSoftCap: spec.logitSoftCap || undefined,
    attentionSoftCap: spec.attentionSoftCap || undefined,
    activation: spec.activation as Activation, // checked with the spec, before it became a run's
  };
}

/** The model of a run. */
export function modelOf(run: RunSpec, vocabSize: number): GptConfig {
  return { ...gptOptions(run), vocabSize, blockSize: run.T };
}

/** A run's tokenizer, as `text` names it. Specs are checked before they become runs. */
export function tokenizerOf(run: RunSpec): TokenizerName {
  return run.tokenizer as TokenizerName;
}
