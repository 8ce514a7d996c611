/**
 * What defines one run, and so its identity. Flat, plain JSON and complete: a run that uses none of an option says so.
 * Ranges and contradictions are checked where it is made (`sweep/spec.ts`); here is its form, as files hold it.
 *
 * @module
 */
import * as v from "valibot";
import { OP_CLASSES, type PrecisionOverride } from "../precision/mod.ts";

/** Everything that a run's result depends on, but for data, code and machine. */
export interface RunSpec {
  /** Name of the corpus: `shakespeare`, a generated text's with its parameters, or a file's or folder's own name. */
  readonly data: string;
  /** `character`, `byte`, `gpt2`, or `bpe:V`. */
  readonly tokenizer: string;
  /** Whether windows may reach across documents: `join`, or `separate`. */
  readonly documents: "join" | "separate";
  /** Text that documents end with, beside the ends of files; empty: none. */
  readonly separator: string;
  /** T, tokens in a sequence. */
  readonly T: number;
  /** B, sequences in a batch. */
  readonly B: number;
  /** L, blocks. */
  readonly nLayer: number;
  /** H, heads. */
  readonly nHead: number;
  /** C, width. */
  readonly nEmbd: number;
  /** Name of the precision policy. */
  readonly policy: string;
  /** Formats of layers and classes of operations, which count before the policy; the last that fits does. */
  readonly overrides: readonly PrecisionOverride[];
  /** `graph`: a step is one native call; `eager`: op by op. */
  readonly execution: "graph" | "eager";
  /** Threads inside one op. */
  readonly threads: number;
  /** Seed of initial weights, batches and dropout. */
  readonly seed: number;
  /** How batches are chosen: `random` places, `sequential`, or `shuffled` anew each epoch. */
  readonly sampling: "random" | "sequential" | "shuffled";
  /** Training steps. */
  readonly steps: number;
  /** Peak learning rate. */
  readonly lr: number;
  /** What follows the warm-up: `cosine`, `linear`, `constant`, or `wsd` (stable, then a linear decay). */
  readonly schedule: "cosine" | "linear" | "constant" | "wsd";
  /** Learning rate at the last step. */
  readonly minLr: number;
  /** Steps of linear warm-up. */
  readonly warmupSteps: number;
  /** Steps of decay at the end of `wsd`; 0 in the others. */
  readonly decaySteps: number;
  /** `adamw`, or `sgd`. */
  readonly optimizer: "adamw" | "sgd";
  /** SGD's momentum; 0: none. */
  readonly momentum: number;
  /** Whether SGD's momentum looks ahead. */
  readonly nesterov: boolean;
  /** AdamW's first decay rate. */
  readonly beta1: number;
  /** AdamW's second decay rate. */
  readonly beta2: number;
  /** AdamW's epsilon. */
  readonly eps: number;
  /** Decay per unit of learning rate, rank 2 and more only. */
  readonly weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. */
  readonly clip: number;
  /** Steps between evaluations; the last step is always evaluated. */
  readonly evalEvery: number;
  /** Validation tokens of an evaluation, from the start of the validation part, or all of it. */
  readonly evalTokens: number | "all";
  /** Steps between checkpoints; the last step always has one. */
  readonly checkpointEvery: number;
  /** Steps between probes, the first step being the first with them; 0: none. */
  readonly probeEvery: number;
  /** Micro-batches that a step's B sequences are computed in. */
  readonly accumulate: number;
  /** Decay of the weights' moving average, which is evaluated and saved beside them; 0: none. */
  readonly emaDecay: number;
  /** Epsilon of label smoothing in what is minimised; recorded losses are without it. */
  readonly labelSmoothing: number;
  /** Coefficient of (log Z)² in what is minimised; recorded losses are without it. */
  readonly zLoss: number;
  /** Evaluations without improvement that end the run early; 0: never. */
  readonly patience: number;
  /** What a loss must be below the best one by to be an improvement, in nats. */
  readonly minDelta: number;
  /** Whether the best evaluation's weights are kept in `best.safetensors`. */
  readonly saveBest: boolean;
  /** Whether the run goes on where a loss is NaN or infinite; otherwise it ends there, as diverged. */
  readonly allowDivergence: boolean;
  /** The chance that dropout drops a number. */
  readonly dropout: number;
  /** Biases in matrices and LayerNorms. */
  readonly bias: boolean;
  /** Whether the head is the table of token embeddings. */
  readonly tiedHead: boolean;
  /** LayerNorm of queries and keys. */
  readonly qkNorm: boolean;
  /** Bound of the final logits; 0: none. */
  readonly logitSoftCap: number;
  /** Bound of the attention's logits; 0: none. */
  readonly attentionSoftCap: number;
  /** Standard deviation of initial matrices and embeddings. */
  readonly initStd: number;
  /** What LayerNorm adds to the variance. */
  readonly layerNormEps: number;
  /** What stands between the two matrices of a feed-forward part, by its name in the model. */
  readonly activation: string;
}

/** The options of a run that uses none: GPT-2, AdamW, the plain loss. Records made before an option have it so. */
export const RUN_OPTIONS = {
  documents: "join",
  separator: "",
  sampling: "random",
  overrides: [],
  schedule: "cosine",
  decaySteps: 0,
  optimizer: "adamw",
  momentum: 0,
  nesterov: false,
  probeEvery: 0,
  accumulate: 1,
  emaDecay: 0,
  labelSmoothing: 0,
  zLoss: 0,
  patience: 0,
  minDelta: 0,
  saveBest: false,
  allowDivergence: true,
  dropout: 0,
  bias: true,
  tiedHead: true,
  qkNorm: false,
  logitSoftCap: 0,
  attentionSoftCap: 0,
  initStd: 0.02,
  layerNormEps: 1e-5,
  activation: "gelu",
} as const satisfies Partial<RunSpec>;

const number = v.number();
const whole = v.pipe(number, v.safeInteger());
const text = v.string();
const flag = v.boolean();

/** The form of overrides in files; what they name is checked by `overridesProblem`. */
export const overridesSchema: v.GenericSchema<unknown, readonly PrecisionOverride[]> = v.array(
  v.strictObject({
    layers: v.optional(v.array(text)),
    opClasses: v.optional(
      v.array(
        v.picklist(
          OP_CLASSES,
          ({ received }) => `no class of operations ${received}: must be one of ${OP_CLASSES.join(", ")}`,
        ),
      ),
    ),
    format: text,
  }),
);

/** The form of a run's spec in files; options that a record does not name are {@linkcode RUN_OPTIONS}'. */
export const runSpecSchema: v.GenericSchema<unknown, RunSpec> = v.object({
  data: text,
  tokenizer: text,
  T: whole,
  B: whole,
  nLayer: whole,
  nHead: whole,
  nEmbd: whole,
  policy: text,
  overrides: v.optional(overridesSchema, RUN_OPTIONS.overrides),
  execution: v.picklist(["graph", "eager"]),
  threads: whole,
  seed: whole,
  documents: v.optional(v.picklist(["join", "separate"]), RUN_OPTIONS.documents),
  separator: v.optional(text, RUN_OPTIONS.separator),
  sampling: v.optional(v.picklist(["random", "sequential", "shuffled"]), RUN_OPTIONS.sampling),
  steps: whole,
  lr: number,
  schedule: v.optional(v.picklist(["cosine", "linear", "constant", "wsd"]), RUN_OPTIONS.schedule),
  minLr: number,
  warmupSteps: whole,
  decaySteps: v.optional(whole, RUN_OPTIONS.decaySteps),
  optimizer: v.optional(v.picklist(["adamw", "sgd"]), RUN_OPTIONS.optimizer),
  momentum: v.optional(number, RUN_OPTIONS.momentum),
  nesterov: v.optional(flag, RUN_OPTIONS.nesterov),
  beta1: number,
  beta2: number,
  eps: number,
  weightDecay: number,
  clip: number,
  evalEvery: whole,
  evalTokens: v.union([whole, v.literal("all")]),
  checkpointEvery: whole,
  probeEvery: v.optional(whole, RUN_OPTIONS.probeEvery),
  accumulate: v.optional(whole, RUN_OPTIONS.accumulate),
  emaDecay: v.optional(number, RUN_OPTIONS.emaDecay),
  labelSmoothing: v.optional(number, RUN_OPTIONS.labelSmoothing),
  zLoss: v.optional(number, RUN_OPTIONS.zLoss),
  patience: v.optional(whole, RUN_OPTIONS.patience),
  minDelta: v.optional(number, RUN_OPTIONS.minDelta),
  saveBest: v.optional(flag, RUN_OPTIONS.saveBest),
  allowDivergence: v.optional(flag, RUN_OPTIONS.allowDivergence),
  dropout: v.optional(number, RUN_OPTIONS.dropout),
  bias: v.optional(flag, RUN_OPTIONS.bias),
  tiedHead: v.optional(flag, RUN_OPTIONS.tiedHead),
  qkNorm: v.optional(flag, RUN_OPTIONS.qkNorm),
  logitSoftCap: v.optional(number, RUN_OPTIONS.logitSoftCap),
  attentionSoftCap: v.optional(number, RUN_OPTIONS.attentionSoftCap),
  initStd: v.optional(number, RUN_OPTIONS.initStd),
  layerNormEps: v.optional(number, RUN_OPTIONS.layerNormEps),
  activation: v.optional(text, RUN_OPTIONS.activation),
});
