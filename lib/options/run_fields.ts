/**
 * The table of a run's options. Spec validation, record schemas, defaults, command-line flags, help texts and the types of
 * exported columns are derived from this table. To add an option, add an entry here and the code that uses the option.
 *
 * @module
 */

/** A field of a run's spec. */
export interface RunField {
  /** Value type. `whole`: integer; `flag`: boolean; `tokens`: integer or `all`; `overrides`: list of format overrides. */
  readonly type: "whole" | "number" | "flag" | "text" | "tokens" | "overrides";
  /** One-line description, printed in help texts. */
  readonly doc: string;
  /** Default in a sweep. Omitted if the value comes from the sweep's lists or is derived from other fields. */
  readonly default?: unknown;
  /** Value assumed for records written before the field existed. Omitted if every record has the field. */
  readonly added?: unknown;
  /** Inclusive lower bound. */
  readonly least?: number;
  /** Inclusive upper bound. Default: 1e9 for integers, 1e6 for other numbers. */
  readonly most?: number;
  /** Exclusive lower bound. */
  readonly above?: number;
  /** Exclusive upper bound. */
  readonly below?: number;
  /** Allowed values of a `text` field. */
  readonly choices?: readonly string[];
  /**
   * Flag of `train`. `true`: named after the field, `--n-layer` for `nLayer`. A string: the flag with its value,
   * `vocab <tokenizer>`. Flags of boolean fields take no value and set the opposite of the default.
   */
  readonly flag?: true | string;
}

/** Fields of a run's spec, by name. */
export const RUN_FIELDS = {
  data: {
    type: "text",
    flag: "data <corpus>",
    doc:
      "corpus: shakespeare, markov[:symbols=16,order=1,...], a UTF-8 text file, a folder, or a quoted glob pattern; repeatable",
  },
  tokenizer: {
    type: "text",
    flag: "vocab <tokenizer>",
    doc: "char, byte, gpt2, or the size of a byte-pair vocabulary",
  },
  T: { type: "whole", least: 1, flag: "seq <T>", doc: "sequence length in tokens" },
  B: { type: "whole", least: 1, flag: "batch <B>", doc: "sequences per batch" },
  policy: { type: "text", flag: "amp <policy>", doc: "precision policy" },
  threads: { type: "whole", least: 1, flag: "threads <n>", doc: "number of threads" },
  seed: {
    type: "whole",
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    flag: "seed <n>",
    doc: "seed of initial weights, batches and dropout",
  },
  steps: { type: "whole", default: 100, least: 1, flag: "steps <n>", doc: "training steps" },
  nLayer: {
    type: "whole",
    default: 4,
    least: 1,
    most: 1000,
    flag: true,
    doc: "number of transformer blocks (layers)",
  },
  nHead: { type: "whole", default: 4, least: 1, most: 1e6, flag: true, doc: "number of attention heads" },
  nEmbd: {
    type: "whole",
    default: 128,
    least: 1,
    most: 1e6,
    flag: true,
    doc: "width C of the residual stream",
  },
  execution: {
    type: "text",
    default: "graph",
    choices: ["graph", "eager"],
    flag: true,
    doc: "graph (one native call per step) or eager (one call per op)",
  },
  lr: { type: "number", default: 1e-3, above: 0, flag: true, doc: "peak learning rate" },
  minLr: { type: "number", least: 0, flag: true, doc: "learning rate at the last step" },
  warmupSteps: { type: "whole", default: 10, least: 0, flag: true, doc: "steps of linear warm-up" },
  beta1: { type: "number", default: 0.9, least: 0, below: 1, flag: true, doc: "AdamW's beta1" },
  beta2: { type: "number", default: 0.99, least: 0, below: 1, flag: true, doc: "AdamW's beta2" },
  eps: { type: "number", default: 1e-8, above: 0, flag: true, doc: "AdamW's epsilon" },
  weightDecay: {
    type: "number",
    default: 0.1,
    least: 0,
    flag: true,
    doc: "weight decay of matrices: decoupled with adamw, added to the gradient with sgd",
  },
  clip: { type: "number", default: 1, least: 0, flag: true, doc: "maximum gradient norm; 0: no clipping" },
  evalEvery: { type: "whole", default: 50, least: 1, flag: true, doc: "steps between evaluations" },
  evalTokens: {
    type: "tokens",
    default: 16384,
    least: 1,
    flag: "eval-tokens <n>",
    doc: "validation tokens per evaluation; or all",
  },
  checkpointEvery: { type: "whole", default: 50, least: 1, flag: true, doc: "steps between checkpoints" },
  documents: {
    type: "text",
    default: "join",
    added: "join",
    choices: ["join", "separate"],
    flag: true,
    doc: "join: windows may cross document boundaries; separate: they may not",
  },
  separator: {
    type: "text",
    default: "",
    added: "",
    flag: "separator <text>",
    doc: "text that ends a document within a file; \\n is a line break",
  },
  sampling: {
    type: "text",
    default: "random",
    added: "random",
    flag: true,
    choices: ["random", "sequential", "shuffled"],
    doc: "order of the windows: random, sequential, or shuffled (each window once per epoch)",
  },
  overrides: {
    type: "overrides",
    default: [],
    added: [],
    flag: "override <list>",
    doc:
      "number formats of operation classes and layers that differ from the policy, as CLASS@LAYER=FORMAT, for example " +
      "softmax@h.1=e8m3,linear=float32; join several classes or layers with +",
  },
  schedule: {
    type: "text",
    default: "cosine",
    added: "cosine",
    flag: true,
    choices: ["cosine", "linear", "constant", "wsd"],
    doc: "learning rate after warm-up: cosine, linear, constant, or wsd (constant, then linear decay)",
  },
  decaySteps: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "steps of decay at the end of the wsd schedule",
  },
  optimizer: {
    type: "text",
    default: "adamw",
    added: "adamw",
    choices: ["adamw", "sgd"],
    flag: true,
    doc: "optimizer: adamw or sgd",
  },
  momentum: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "momentum of SGD; 0: none",
  },
  nesterov: { type: "flag", default: false, added: false, flag: true, doc: "use Nesterov momentum with SGD" },
  probeEvery: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "probes <k>",
    doc:
      "steps between records of probe metrics (gradients, updates, activations, attention, log Z, loss by position); 0: none",
  },
  accumulate: {
    type: "whole",
    default: 1,
    added: 1,
    least: 1,
    flag: true,
    doc: "micro-batches per step (gradient accumulation); a divisor of --batch",
  },
  emaDecay: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "decay per step of the exponential moving average of weights; 0: no average",
  },
  labelSmoothing: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "label smoothing of the training loss",
  },
  zLoss: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "coefficient of (log Z)^2 in the training loss; 0: none",
  },
  patience: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "evaluations without improvement after which training stops early; 0: never stop early",
  },
  minDelta: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "smallest decrease of the validation loss that counts as improvement, in nats per token",
  },
  saveBest: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "keep the weights of the best evaluation in best.safetensors",
  },
  allowDivergence: {
    type: "flag",
    default: true,
    added: true,
    doc: "continue training after a NaN or infinite loss",
  },
  dropout: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    below: 1,
    flag: true,
    doc: "dropout probability during training",
  },
  bias: {
    type: "flag",
    default: true,
    added: true,
    flag: "without-bias",
    doc: "omit biases in linear layers and LayerNorms",
  },
  tiedHead: {
    type: "flag",
    default: true,
    added: true,
    flag: "untied-head",
    doc: "use separate weights for the output head, not the token embeddings",
  },
  qkNorm: {
    type: "flag",
    default: false,
    added: false,
    flag: true,
    doc: "apply LayerNorm to queries and keys",
  },
  logitSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "soft cap of the output logits; 0: none",
  },
  attentionSoftCap: {
    type: "number",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "soft cap of the attention logits; 0: none",
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
    doc: "epsilon that LayerNorm adds to the variance",
  },
  activation: {
    type: "text",
    default: "gelu",
    added: "gelu",
    flag: true,
    choices: ["gelu", "geluErf", "relu", "relu2", "silu", "swiglu"],
    doc: "activation of the MLP: gelu, geluErf, relu, relu2, silu or swiglu",
  },
} as const satisfies Readonly<Record<string, RunField>>;

/** {@linkcode RUN_FIELDS} as entries. */
export const RUN_FIELD_ENTRIES: readonly (readonly [name: string, field: RunField])[] = Object.entries(
  RUN_FIELDS,
);

/**
 * Returns the values that a field takes, for a sentence: `above 0`, `a whole number`, `at least 1`, `one of a, b`.
 *
 * @param field The field.
 * @param value A value of the field's type.
 * @returns The first requirement that the value does not meet; undefined: it meets all of them.
 */
export function unmetRange(field: RunField, value: unknown): string | undefined {
  const { type, choices, least, above, below } = field;
  if (choices !== undefined) {
    return choices.includes(value as string) ? undefined : `one of ${choices.join(", ")}`;
  }
  if (typeof value !== "number") return "a number";
  const { most = type === "number" ? 1e6 : 1e9 } = field;
  if (type !== "number" && !Number.isInteger(value)) return "a whole number";
  if (above !== undefined && !(value > above)) return `above ${above}`;
  if (above === undefined && !(value >= (least ?? 0))) return `at least ${least ?? 0}`;
  if (below !== undefined) return value < below ? undefined : `below ${below}`;
  return value <= most ? undefined : `at most ${most}`;
}
