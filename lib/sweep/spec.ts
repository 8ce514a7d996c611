/**
 * The spec of a sweep: its fields, the form of each, and what they are when they are left out. How they are checked is in
 * `parse_spec.ts`, what runs they make in `expand.ts`.
 *
 * @module
 */
import * as v from "valibot";
import { type Activation, ACTIVATIONS } from "../model/mod.ts";
import { describePolicy, type PolicyName } from "../precision/mod.ts";
import { overridesSchema, RUN_OPTIONS, type RunSpec } from "../record/mod.ts";
import { DOCUMENTS, SAMPLINGS, type TokenizerName } from "../text/mod.ts";
import { SCHEDULES } from "../train/mod.ts";
import {
  type Axes,
  axesSchema,
  type Condition,
  excludeSchema,
  type When,
  whenSchema,
  zipSchema,
} from "./axes.ts";

/** `most` is what no machine has; numbers beyond it would only be waited for. */
const whole = (least: number, most = 1e9) =>
  v.pipe(
    v.number(),
    v.integer("must be a whole number"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
/** The greatest real number of a field: beyond it training is over at the first step. */
const MOST = 1e6;
const atMost = v.maxValue<number, typeof MOST, string>(MOST, `must be at most ${MOST}`);
const positive = v.pipe(v.number(), v.gtValue(0, "must be above 0"), atMost);
const atLeastZero = v.pipe(v.number(), v.minValue(0, "must be at least 0"), atMost);
/** A budget: more steps than the most that `steps` takes are refused once they are known. */
const amount = v.pipe(v.number(), v.gtValue(0, "must be above 0"), v.maxValue(1e30, "must be at most 1e+30"));
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
export type SharedOptions = Pick<RunSpec, Exclude<keyof typeof RUN_OPTIONS, "activation">>;

/** How much each run trains: one of the three. */
export interface Budget {
  /** Training steps. */
  readonly steps?: number | undefined;
  /** Training tokens, to the nearest step. */
  readonly tokens?: number | undefined;
  /** Floating-point operations of training as `flopsPerToken` counts them, to the last step that they pay for. */
  readonly flops?: number | undefined;
}

/** A checked spec; the options that are not listed here are those of {@linkcode RunSpec}. */
export interface SweepSpec extends SharedOptions {
  /** What to call the sweep; the name of its folder by default. */
  name: string;
  /**
   * `shakespeare`, `markov` with or without parameters (`data/README.md`), the path of a text file in UTF-8 or of a folder
   * of such, or a pattern; or a list of these.
   */
  data: string | string[];
  /** Axis: T, tokens in a sequence; each divides `tokensPerStep`. */
  seq: number[];
  /** Axis: precision policies. */
  policy: PolicyName[];
  /** Axis: tokenizers, `character`, `byte`, `gpt2` or `bpe:V`. */
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
  /** Learning rate at the last step, at most `lr`. Default: a tenth of each run's `lr`. */
  minLr?: number | undefined;
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
  /** More axes: any field of a run (`T`, `policy`, `tokenizer`, `seed`, `lr`, …) and its values. Default: none. */
  axes: Axes;
  /** Axes whose fields go together: the first values, the second values, and so on. Default: none. */
  zip: Axes[];
  /** What fields become in some runs. Applied in order, before `exclude`. Default: nothing. */
  when: When[];
  /** Runs to leave out: those that any of these conditions fits. Default: none. */
  exclude: Condition[];
  /** In place of `steps`. Default: `steps` says it. */
  budget?: Budget | undefined;
}

const policyName = v.pipe(
  v.string(),
  v.rawTransform<string, PolicyName>(({ dataset, addIssue, NEVER }) => {
    try {
      describePolicy(dataset.value);
      return dataset.value as PolicyName;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  }),
);

const corpusName = v.pipe(v.string(), v.minLength(1, "must name a corpus"));

/** The form of each field. */
export const SPEC_FIELDS = {
  name: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be letters, digits, '.', '_' and '-'"),
  ),
  data: v.union(
    [corpusName, v.pipe(v.array(corpusName), v.minLength(1, "must name a corpus"))],
    "must name a corpus, or be a list of names",
  ),
  seq: some(whole(1)),
  policy: some(policyName),
  overrides: overridesSchema,
  vocab: some(v.string()),
  seeds: some(whole(0, Number.MAX_SAFE_INTEGER)),
  steps: whole(1),
  tokensPerStep: whole(1),
  nLayer: whole(1, 1000),
  nHead: whole(1, 1e6),
  nEmbd: whole(1, 1e6),
  execution: oneOf(["graph", "eager"]),
  lr: positive,
  minLr: v.optional(atLeastZero),
  warmupSteps: whole(0),
  beta1: rate,
  beta2: rate,
  eps: positive,
  weightDecay: atLeastZero,
  clip: atLeastZero,
  evalEvery: whole(1),
  evalTokens: v.union([whole(1), v.literal("all")], "must be a whole number of at least 1, or all"),
  checkpointEvery: whole(1),
  documents: oneOf(DOCUMENTS),
  separator: v.string("must be a text"),
  sampling: oneOf(SAMPLINGS),
  schedule: oneOf(SCHEDULES),
  decaySteps: whole(0),
  optimizer: oneOf(["adamw", "sgd"]),
  momentum: rate,
  nesterov: flag,
  probeEvery: whole(0),
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
  layerNormEps: positive,
  allowDivergence: flag,
  activation: oneOf(ACTIVATIONS),
  axes: axesSchema,
  zip: zipSchema,
  when: whenSchema,
  exclude: excludeSchema,
  budget: v.optional(v.pipe(
    v.strictObject({
      steps: v.optional(whole(1)),
      tokens: v.optional(amount),
      flops: v.optional(amount),
    }),
    v.check(
      (budget) => Object.values(budget).filter((value) => value !== undefined).length === 1,
      "must have one of steps, tokens and flops",
    ),
  )),
};

/** The form of a whole spec. */
export const specSchema: v.GenericSchema<unknown, SweepSpec> = v.strictObject(SPEC_FIELDS);

/** A run's fields that are lists of their own in a spec, with the list's name and the form of a value. */
export const LISTED = {
  tokenizer: { list: "vocab", form: v.string() },
  T: { list: "seq", form: whole(1) },
  seed: { list: "seeds", form: whole(0, Number.MAX_SAFE_INTEGER) },
  policy: { list: "policy", form: policyName },
} as const;

/** Fields of a spec that no run has a value of its own for. */
export const OF_SWEEP: readonly string[] = [
  "name",
  "data",
  "axes",
  "zip",
  "when",
  "exclude",
  "budget",
  "seq",
  "vocab",
  "seeds",
];

/** No axes but the lists, and no budget but `steps`. */
export const NO_AXES = { axes: {}, zip: [], when: [], exclude: [], budget: undefined } satisfies Partial<
  SweepSpec
>;

/**
 * The built-in sweep: sequence length × AMP × vocabulary × 2 seeds on Shakespeare, 16 runs of 102,400 tokens.
 */
export const DEFAULT_SWEEP: SweepSpec = {
  ...RUN_OPTIONS,
  ...NO_AXES,
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
  minLr: undefined,
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

/** A run's tokenizer, as `text` names it. Specs are checked before they become runs. */
export function tokenizerOf(run: RunSpec): TokenizerName {
  return run.tokenizer as TokenizerName;
}
