/**
 * Configuration of a GPT, and its validation.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { MODEL_FIELDS } from "../options/model_fields.ts";
import type { WHOLE_FIELDS } from "../options/whole_fields.ts";
import { withDefaults } from "../options/run_field.ts";
import { parseRopeScaling } from "./rope.ts";

/** Activation between the two matrices of a block's MLP. */
export type Activation = typeof MODEL_FIELDS.activation.choices[number];

/** The names of the activations. */
export const ACTIVATIONS: readonly Activation[] = MODEL_FIELDS.activation.choices;

/** Kind of the model's norms. */
export type Norm = typeof MODEL_FIELDS.norm.choices[number];

/** Kind of positional encoding. */
export type Position = typeof MODEL_FIELDS.position.choices[number];

/** Sizes and options of a decoder-only transformer. The defaults are GPT-2's architecture, without dropout. */
export interface GptConfig {
  /** L, the number of blocks, at least 1. */
  readonly nLayer: number;
  /** H, the number of attention heads per block. A divisor of `nEmbd`. */
  readonly nHead: number;
  /** C, the width of the model, at least 1. */
  readonly nEmbd: number;
  /** V, the number of token ids, at least 2. */
  readonly vocabSize: number;
  /** Maximum sequence length in tokens, at least 1. */
  readonly blockSize: number;
  /** True if matrices and LayerNorms have biases. Default: true. */
  readonly bias?: boolean | undefined;
  /**
   * True if the output head is tied: it uses the table of token embeddings. Otherwise the head is the parameter
   * `lm_head.weight`, [V, C]. Default: true.
   */
  readonly tiedHead?: boolean | undefined;
  /**
   * Dropout probability in [0, 1). As in GPT-2, dropout is applied after the embeddings, to attention weights, and to
   * the outputs of attention and the MLP. A forward pass without a dropout key has no dropout. Default: 0.
   */
  readonly dropout?: number | undefined;
  /**
   * True to normalize every query and key over the D = C / H numbers of a head. The norm has a learned gain [D] per
   * layer and no bias (Dehghani et al. 2023, ViT-22B). It limits the growth of attention logits (Wortsman et al. 2023).
   * Default: false.
   */
  readonly qkNorm?: boolean | undefined;
  /** Soft cap of the logits. Each logit x becomes cap · tanh(x / cap). Gemma 2 uses 30. Default: none. */
  readonly logitSoftCap?: number | undefined;
  /** Soft cap of the attention scores q · k / sqrt(D), of the same form. Gemma 2 uses 50. Default: none. */
  readonly attentionSoftCap?: number | undefined;
  /** Standard deviation of the initial matrices and embeddings, above 0. Default: 0.02. */
  readonly initStd?: number | undefined;
  /**
   * Activation of the MLP:
   * - `gelu` (default): the tanh approximation of GELU, as in GPT-2.
   * - `geluErf`: the exact GELU.
   * - `relu`: max(x, 0).
   * - `relu2`: the square of ReLU (So et al. 2021).
   * - `silu`: x · sigmoid(x).
   * - `swiglu`: silu(a) · b for the two halves a and b of the MLP's first product (Shazeer 2020).
   */
  readonly activation?: Activation | undefined;
  /** Epsilon that norms add to the variance (LayerNorm) or the mean square (RMSNorm), above 0. Default: 1e-5. */
  readonly layerNormEps?: number | undefined;
  /**
   * F, the width of the MLP. Default, or 0: 4 C. For `swiglu`, the default is 8 ⌈C / 3⌉, which gives about as many
   * weights.
   */
  readonly nInner?: number | undefined;
  /**
   * Norm before attention, before the MLP and before the output head. `qkNorm` uses the same kind. `layerNorm`
   * (default): GPT-2's. `rmsNorm`: without mean and bias, as in LLaMA (Zhang and Sennrich 2019).
   */
  readonly norm?: Norm | undefined;
  /**
   * Positional encoding. `learned` (default): a table [blockSize, C] that is added to the token embeddings. `rotary`:
   * queries and keys are rotated by angles proportional to their positions, as in LLaMA (Su et al. 2021, RoFormer).
   */
  readonly position?: Position | undefined;
  /**
   * Base of the rotary frequencies, above 0. Pair i of the D / 2 pairs turns by `ropeTheta`^(-2 i / D) radians per
   * token. Default: 10,000.
   */
  readonly ropeTheta?: number | undefined;
  /** Scaling of the rotary frequencies: `none`, `linear:FACTOR` or `llama3:FACTOR,LOW,HIGH,LENGTH`. Default: `none`. */
  readonly ropeScaling?: string | undefined;
  /**
   * Number of key and value heads, a divisor of `nHead`. Each serves `nHead / nKvHead` query heads (grouped-query
   * attention, Ainslie et al. 2023). Default, or 0: `nHead`.
   */
  readonly nKvHead?: number | undefined;
  /** An architecture of your own, which replaces the built-in decoder. Default: the built-in decoder. */
  readonly architecture?: Architecture | undefined;
}

/** A config with a value for every option. Soft caps may be undefined, for no cap. */
export type FullGptConfig =
  & {
    readonly [K in Exclude<keyof GptConfig, "logitSoftCap" | "attentionSoftCap" | "architecture">]-?:
      NonNullable<
        GptConfig[K]
      >;
  }
  & Pick<GptConfig, "logitSoftCap" | "attentionSoftCap" | "architecture">;

/** Shape and initial values of a parameter of a user's architecture. */
export interface ParameterDefinition {
  /** Shape of the parameter. Values are in row-major order. */
  readonly shape: readonly number[];
  /**
   * Standard deviation of normal initial values. Default: the config's `initStd` for matrices. A vector without `std`
   * has the constant of `fill`.
   */
  readonly std?: number | undefined;
  /**
   * Initial value of all elements. It takes precedence over `std`. Default for vectors without `std`: 1 if the name
   * ends in `.weight`, else 0.
   */
  readonly fill?: number | undefined;
}

/** Inputs of the forward pass of a user's architecture. */
export interface ForwardInput {
  /** Parameters by name, float32. */
  readonly parameters: Readonly<Record<string, tf.Tensor>>;
  /** Token ids, int32 [B, T]: B sequences of T tokens. */
  readonly tokens: tf.Tensor2D;
  /** Sizes and options of the model. */
  readonly config: FullGptConfig;
  /** Applies dropout with the config's rate. Without a dropout key, as in evaluation, it returns x unchanged. */
  readonly dropout: (x: tf.Tensor) => tf.Tensor;
}

/**
 * An architecture of your own: its parameters, and its forward pass from token ids to the input of the output head.
 *
 * A parameter whose name begins with `h.0.`, `h.1.` and so on belongs to that block in precision overrides and probes.
 * losskit computes the logits. Their table is `wte.weight`, [V, C], or `lm_head.weight` if the config does not tie the
 * head.
 */
export interface Architecture {
  /** Name for messages. Default: the name of the module that exports the architecture. */
  readonly name?: string | undefined;
  /**
   * Returns the definitions of the parameters by name, in the order of checkpoints.
   *
   * @param config Sizes and options of the model.
   */
  parameters(config: FullGptConfig): Readonly<Record<string, ParameterDefinition>>;
  /**
   * Computes the input of the output head. The call is traced into a compiled step, so it must consist of tensor
   * operations.
   *
   * @returns [B T, C]. Row b T + t belongs to token t of sequence b.
   */
  forward(input: ForwardInput): tf.Tensor;
  /**
   * Returns the floating-point operations (FLOPs) per token of a training step on sequences of T tokens. Default: 6 P +
   * 6 L C T, with L blocks and P weights in the matrices of the blocks and the head.
   */
  flops?(config: FullGptConfig, T: number): number;
}

/** Returns a config with the defaults of omitted options. Unknown fields are dropped. */
export function completeConfig(config: GptConfig): FullGptConfig {
  const { nLayer, nHead, nEmbd, vocabSize, blockSize, logitSoftCap, attentionSoftCap, architecture } = config;
  return {
    ...withDefaults(MODEL_FIELDS, config),
    ...{ nLayer, nHead, nEmbd, vocabSize, blockSize, logitSoftCap, attentionSoftCap },
    ...(architecture !== undefined && { architecture }),
    nInner: config.nInner || (config.activation === "swiglu" ? 8 * Math.ceil(nEmbd / 3) : 4 * nEmbd),
    nKvHead: config.nKvHead || nHead,
  };
}

/**
 * Options of published architectures, for {@linkcode GptConfig}: `{ ...ARCHITECTURES.llama, nLayer: 4, … }`. `gpt2` is
 * empty, because GPT-2's options are the defaults. `llama` is LLaMA's architecture (Touvron et al. 2023).
 */
export const ARCHITECTURES: Readonly<
  Record<
    typeof WHOLE_FIELDS.architecture.choices[number],
    Omit<Partial<GptConfig>, "vocabSize" | "blockSize">
  >
> = {
  gpt2: {},
  llama: { norm: "rmsNorm", position: "rotary", activation: "swiglu", bias: false, tiedHead: false },
};

/**
 * Validates a config.
 *
 * @throws {RangeError} If a size or an option is out of range. The message names the field.
 * @throws {TypeError} If a boolean option is not a boolean.
 */
export function validateGptConfig(config: GptConfig): void {
  const least = { nLayer: 1, nHead: 1, nEmbd: 1, vocabSize: 2, blockSize: 1 } as const;
  for (const [name, minimum] of Object.entries(least) as [keyof typeof least, number][]) {
    if (!Number.isInteger(config[name]) || config[name] < minimum) {
      throw new RangeError(
        `Cannot make a GPT: expected an integer >= ${minimum} for ${name}, got ${config[name]}`,
      );
    }
  }
  if (config.nEmbd % config.nHead !== 0) {
    throw new RangeError(
      `Cannot make a GPT: expected nEmbd to be a multiple of nHead, ` +
        `got nEmbd ${config.nEmbd} and nHead ${config.nHead}`,
    );
  }
  validateHeads(config);
  validateOptions(config);
}

function validateHeads(config: GptConfig): void {
  const { nHead, nEmbd, nKvHead, nInner, position } = completeConfig(config);
  for (const [name, value] of Object.entries({ nKvHead, nInner })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot make a GPT: expected an integer >= 0 for ${name}, got ${value}`);
    }
  }
  if (nHead % nKvHead !== 0) {
    throw new RangeError(
      `Cannot make a GPT: expected nHead to be a multiple of nKvHead, got nHead ${nHead} and nKvHead ${nKvHead}`,
    );
  }
  if (position === "rotary" && (nEmbd / nHead) % 2 !== 0) {
    throw new RangeError(
      "Cannot make a GPT: expected heads of an even size with rotary positions, which rotate pairs of numbers, " +
        `got nEmbd ${nEmbd} and nHead ${nHead}`,
    );
  }
}

function validateOptions(config: GptConfig): void {
  for (const name of ["bias", "tiedHead", "qkNorm"] as const) {
    const given: unknown = config[name];
    if (given !== undefined && typeof given !== "boolean") {
      throw new TypeError(`Cannot make a GPT: expected true or false for ${name}, got ${given}`);
    }
  }
  for (const name of ["logitSoftCap", "attentionSoftCap", "initStd", "layerNormEps", "ropeTheta"] as const) {
    const given = config[name];
    if (given !== undefined && !(Number.isFinite(given) && given > 0)) {
      throw new RangeError(`Cannot make a GPT: expected a finite number above 0 for ${name}, got ${given}`);
    }
  }
  const { dropout, activation, norm, position, ropeScaling } = completeConfig(config);
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(`Cannot make a GPT: expected dropout in [0, 1), got ${dropout}`);
  }
  for (const [name, value] of Object.entries({ activation, norm, position })) {
    const { choices }: { choices: readonly string[] } =
      MODEL_FIELDS[name as "activation" | "norm" | "position"];
    if (!choices.includes(value)) {
      throw new RangeError(
        `Cannot make a GPT: expected one of ${choices.join(", ")} for ${name}, got ${value}`,
      );
    }
  }
  parseRopeScaling(ropeScaling);
  if (config.qkNorm && config.nEmbd === config.nHead) {
    throw new RangeError(
      "Cannot make a GPT: expected heads of at least 2 numbers with qkNorm, since a norm maps a single number to a constant, " +
        `got nEmbd ${config.nEmbd} and nHead ${config.nHead}`,
    );
  }
}
