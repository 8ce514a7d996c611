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

/** Normalization of the residual stream. */
export type Norm = typeof MODEL_FIELDS.norm.choices[number];

/** Encoding of positions. */
export type Position = typeof MODEL_FIELDS.position.choices[number];

/** Sizes and options of a decoder. The default architecture is GPT-2's, without dropout. */
export interface GptConfig {
  /** L, number of blocks; at least 1. */
  readonly nLayer: number;
  /** H, attention heads per block; a divisor of `nEmbd`. */
  readonly nHead: number;
  /** C, width of the model; at least 1. */
  readonly nEmbd: number;
  /** V, number of token ids; at least 2, since a single one leaves nothing to predict. */
  readonly vocabSize: number;
  /** Maximum sequence length (T); at least 1. */
  readonly blockSize: number;
  /** True for biases in matrices and LayerNorms. Default: true. */
  readonly bias?: boolean | undefined;
  /** True if the head is the table of token embeddings. Otherwise it is `lm_head.weight`, [V, C]. Default: true. */
  readonly tiedHead?: boolean | undefined;
  /**
   * Dropout probability in [0, 1). Dropout is applied where GPT-2 applies it: after the embeddings, to attention
   * weights, and to the outputs of attention and the MLP. It requires a key. Default: 0.
   */
  readonly dropout?: number | undefined;
  /**
   * True for LayerNorm of every query and key over its D numbers, with a learned gain [D] shared by the heads of a
   * layer and no bias (Dehghani et al. 2023, ViT-22B). Wortsman et al. 2023 use it against growing attention logits.
   * Default: false.
   */
  readonly qkNorm?: boolean | undefined;
  /** Soft cap of the final logits x: cap · tanh(x / cap). Gemma 2 uses 30. Default: none. */
  readonly logitSoftCap?: number | undefined;
  /** Soft cap of q · k / sqrt(D) before the softmax, in the same form. Gemma 2 uses 50. Default: none. */
  readonly attentionSoftCap?: number | undefined;
  /** Standard deviation of initial matrices and embeddings, above 0. Default: 0.02. */
  readonly initStd?: number | undefined;
  /**
   * Activation. `gelu` (default): GPT-2's, approximated by tanh. `geluErf`: exact. `relu`. `relu2`: its square (So et
   * al. 2021). `silu`. `swiglu`: silu(a) b of two halves (Shazeer 2020), 8 ⌈C / 3⌉ wide, for about the same number of weights.
   */
  readonly activation?: Activation | undefined;
  /** Epsilon that norms add to the variance or mean square, above 0. Default: 1e-5. */
  readonly layerNormEps?: number | undefined;
  /** F, width of the MLP. Default, or 0: 4 C, or for `swiglu` 8 ⌈C / 3⌉. */
  readonly nInner?: number | undefined;
  /**
   * Norm before attention, the MLP and the output head. `layerNorm` (default). `rmsNorm`: without mean and bias (Zhang and Sennrich
   * 2019), as in LLaMA. Also the norm of queries and keys with `qkNorm`.
   */
  readonly norm?: Norm | undefined;
  /**
   * Positions. `learned` (default): a table [blockSize, C], added to the embeddings. `rotary`: queries and keys are rotated
   * by angles proportional to their positions (Su et al. 2021, RoFormer), as in LLaMA.
   */
  readonly position?: Position | undefined;
  /** Base of the rotary frequencies, above 0: pair i of D / 2 turns by `ropeTheta`^(-2 i / D) per token. Default: 10,000. */
  readonly ropeTheta?: number | undefined;
  /** Scaling of the rotary frequencies, as `parseRopeScaling` reads it: `linear:FACTOR` or `llama3:…`. Default: `none`. */
  readonly ropeScaling?: string | undefined;
  /**
   * Key and value heads, a divisor of `nHead`: each serves `nHead / nKvHead` query heads (Ainslie et al. 2023,
   * grouped-query attention). Default, or 0: `nHead`.
   */
  readonly nKvHead?: number | undefined;
  /** Architecture of a user, instead of the built-in decoder. Default: the built-in decoder. */
  readonly architecture?: Architecture | undefined;
}

/** A config with a value for every option. Soft caps may be undefined, for none. */
export type FullGptConfig =
  & {
    readonly [K in Exclude<keyof GptConfig, "logitSoftCap" | "attentionSoftCap" | "architecture">]-?:
      NonNullable<
        GptConfig[K]
      >;
  }
  & Pick<GptConfig, "logitSoftCap" | "attentionSoftCap" | "architecture">;

/** Shape and initial values of a parameter. */
export interface ParameterDefinition {
  /** Shape, C order. */
  readonly shape: readonly number[];
  /** Standard deviation of normal initial values. Default: the config's `initStd`, for parameters of rank 2 and more. */
  readonly std?: number | undefined;
  /** Initial value of all elements, instead of random ones. Default: 1 for vectors `….weight`, 0 for other vectors. */
  readonly fill?: number | undefined;
}

/** Inputs of a forward pass. */
export interface ForwardInput {
  /** Parameters by name, float32. */
  readonly parameters: Readonly<Record<string, tf.Tensor>>;
  /** Token ids, int32 [B, T]. */
  readonly tokens: tf.Tensor2D;
  /** Sizes and options of the model. */
  readonly config: FullGptConfig;
  /** Applies dropout with the config's rate. The identity outside of training. */
  readonly dropout: (x: tf.Tensor) => tf.Tensor;
}

/**
 * An architecture of a user: the parameters, and the pass from tokens to the input of the output head.
 *
 * Parameters whose names begin with `h.0.`, `h.1.` and so on belong to blocks, which overrides and probes name. The head
 * multiplies with `wte.weight` of shape [V, C], or with `lm_head.weight` if the config does not tie them.
 */
export interface Architecture {
  /** Name for messages. Default: the name of its module. */
  readonly name?: string | undefined;
  /**
   * Returns the parameters in the order of checkpoints.
   *
   * @param config Sizes and options of the model.
   */
  parameters(config: FullGptConfig): Readonly<Record<string, ParameterDefinition>>;
  /**
   * Computes the input of the output head. It is traced into a compiled step, so it must consist of tensor operations.
   *
   * @returns [N, C], row b T + t for token t of sequence b.
   */
  forward(input: ForwardInput): tf.Tensor;
  /**
   * Returns the floating-point operations per token of a training step. Default: 6 P + 6 L C T, where P is the number
   * of weights in the matrices of the blocks and the head, and L the number of blocks.
   */
  flops?(config: FullGptConfig, T: number): number;
}

/** Completes a config with the defaults of its options, and drops unknown fields. */
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
 * Options of published architectures, for {@linkcode GptConfig}: `{ ...ARCHITECTURES.llama, nLayer: 4, … }`. `gpt2` is the
 * default of every option. `llama`: Touvron et al. 2023.
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
 * @throws {RangeError} If a size or an option is out of range. The message names it.
 * @throws {TypeError} For an option that must be a boolean and is not.
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
