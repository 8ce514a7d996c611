/**
 * The one table of a run's fields. Spec validation, the form of records, defaults, command-line flags, help texts and the
 * types of exported columns are derived from it: a new option is one entry here, and the code that uses it.
 *
 * @module
 */

/** A field of a run's spec. */
export interface RunField {
  /** `whole` and `number`: numbers; `flag`: true or false; `tokens`: a whole number or `all`; `overrides`: formats. */
  readonly type: "whole" | "number" | "flag" | "text" | "tokens" | "overrides";
  /** One line of documentation, as help texts show it. */
  readonly doc: string;
  /** The built-in sweep's value. Left out: the field follows from the sweep's lists, or from other fields. */
  readonly default?: unknown;
  /** The value of records that were made before the field existed. Left out: every record has the field. */
  readonly added?: unknown;
  /** Least value, included. */
  readonly least?: number;
  /** Greatest value, included. Default: 1e9 of whole numbers, 1e6 of others. */
  readonly most?: number;
  /** Values are above this. */
  readonly above?: number;
  /** Values are below this. */
  readonly below?: number;
  /** The values of a text. */
  readonly choices?: readonly string[];
  /** Whether `train` has a flag of the field's name, `nLayer` as `--n-layer`, that takes a value. */
  readonly flag?: true;
}

/** Fields of a run's spec, by name. */
export const RUN_FIELDS = {
  data: { type: "text", doc: "name of the corpus" },
  tokenizer: { type: "text", doc: "character, byte, gpt2, or bpe:V" },
  T: { type: "whole", doc: "tokens in a sequence" },
  B: { type: "whole", doc: "sequences in a batch" },
  policy: { type: "text", doc: "precision policy" },
  threads: { type: "whole", doc: "threads inside one operation" },
  seed: { type: "whole", doc: "seed of initial weights, batches and dropout" },
  steps: { type: "whole", default: 100, least: 1, doc: "training steps" },
  nLayer: { type: "whole", default: 4, least: 1, most: 1000, flag: true, doc: "blocks" },
  nHead: { type: "whole", default: 4, least: 1, most: 1e6, flag: true, doc: "heads" },
  nEmbd: { type: "whole", default: 128, least: 1, most: 1e6, flag: true, doc: "width" },
  execution: {
    type: "text",
    default: "graph",
    choices: ["graph", "eager"],
    flag: true,
    doc: "graph (a step is one native call) or eager (op by op)",
  },
  lr: { type: "number", default: 1e-3, above: 0, flag: true, doc: "peak learning rate" },
  minLr: { type: "number", least: 0, flag: true, doc: "learning rate at the last step" },
  warmupSteps: { type: "whole", default: 10, least: 0, flag: true, doc: "steps of linear warm-up" },
  beta1: { type: "number", default: 0.9, least: 0, below: 1, flag: true, doc: "AdamW's first decay rate" },
  beta2: { type: "number", default: 0.99, least: 0, below: 1, flag: true, doc: "AdamW's second decay rate" },
  eps: { type: "number", default: 1e-8, above: 0, flag: true, doc: "AdamW's epsilon" },
  weightDecay: {
    type: "number",
    default: 0.1,
    least: 0,
    flag: true,
    doc: "decay of matrices: AdamW's per unit of learning rate, SGD's added to the gradient",
  },
  clip: { type: "number", default: 1, least: 0, flag: true, doc: "largest gradient norm; 0: no clipping" },
  evalEvery: { type: "whole", default: 50, least: 1, flag: true, doc: "steps between evaluations" },
  evalTokens: {
    type: "tokens",
    default: 16384,
    least: 1,
    flag: true,
    doc: "validation tokens of an evaluation, or all",
  },
  checkpointEvery: { type: "whole", default: 50, least: 1, flag: true, doc: "steps between checkpoints" },
  documents: {
    type: "text",
    default: "join",
    added: "join",
    choices: ["join", "separate"],
    flag: true,
    doc: "join: windows may reach across files; separate: they may not",
  },
  separator: { type: "text", default: "", added: "", doc: "text that ends a document inside a file" },
  sampling: {
    type: "text",
    default: "random",
    added: "random",
    flag: true,
    choices: ["random", "sequential", "shuffled"],
    doc: "how batches are chosen: random, sequential, or shuffled (every window once an epoch)",
  },
  overrides: { type: "overrides", default: [], added: [], doc: "formats of layers and operation classes" },
  schedule: {
    type: "text",
    default: "cosine",
    added: "cosine",
    flag: true,
    choices: ["cosine", "linear", "constant", "wsd"],
    doc: "learning rate after warm-up: cosine, linear, constant or wsd (stable, then linear decay)",
  },
  decaySteps: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "steps of decay at the end of the schedule wsd",
  },
  optimizer: {
    type: "text",
    default: "adamw",
    added: "adamw",
    choices: ["adamw", "sgd"],
    flag: true,
    doc: "adamw or sgd",
  },
  momentum: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "SGD's momentum; 0: none",
  },
  nesterov: { type: "flag", default: false, added: false, doc: "look ahead along SGD's momentum" },
  probeEvery: { type: "whole", default: 0, added: 0, least: 0, doc: "steps between probes; 0: none" },
  accumulate: {
    type: "whole",
    default: 1,
    added: 1,
    least: 1,
    flag: true,
    doc: "micro-batches that a step's batch is computed in; divides --batch",
  },
  emaDecay: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "decay of the moving average of weights; 0: none",
  },
  labelSmoothing: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "epsilon of label smoothing in what is minimized",
  },
  zLoss: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "coefficient of (log Z)^2 in what is minimized",
  },
  patience: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "evaluations without improvement that end the run; 0: never",
  },
  minDelta: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "nats that count as an improvement",
  },
  saveBest: {
    type: "flag",
    default: false,
    added: false,
    doc: "keep the weights of the best evaluation in best.safetensors",
  },
  allowDivergence: {
    type: "flag",
    default: true,
    added: true,
    doc: "whether a run continues where a loss is NaN or infinite",
  },
  dropout: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "chance that a number is dropped in training",
  },
  bias: { type: "flag", default: true, added: true, doc: "biases in matrices and LayerNorms" },
  tiedHead: { type: "flag", default: true, added: true, doc: "the head is the table of token embeddings" },
  qkNorm: { type: "flag", default: false, added: false, doc: "LayerNorm of queries and keys" },
  logitSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "bound of the final logits; 0: none",
  },
  attentionSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "bound of attention's logits; 0: none",
  },
  initStd: {
    type: "number",
    default: 0.02,
    added: 0.02,
    above: 0,
    flag: true,
    doc: "standard deviation of initial weights",
  },
  layerNormEps: {
    type: "number",
    default: 1e-5,
    added: 1e-5,
    above: 0,
    flag: true,
    doc: "what LayerNorm adds to the variance",
  },
  activation: {
    type: "text",
    default: "gelu",
    added: "gelu",
    flag: true,
    choices: ["gelu", "geluErf", "relu", "relu2", "silu", "swiglu"],
    doc: "gelu, geluErf, relu, relu2, silu or swiglu",
  },
} as const satisfies Readonly<Record<string, RunField>>;

/** Fields of a run, one by one. */
export const RUN_FIELD_ENTRIES: readonly (readonly [name: string, field: RunField])[] = Object.entries(
  RUN_FIELDS,
);
