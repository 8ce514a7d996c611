/**
 * What a GPT is made of, and the checks of it.
 *
 * @module
 */
import { RUN_FIELDS } from "../options/run_fields.ts";

/** What stands between the two matrices of a block's feed-forward part. */
export type Activation = typeof RUN_FIELDS.activation.choices[number];

/** The activations: their names in configs. */
export const ACTIVATIONS: readonly Activation[] = RUN_FIELDS.activation.choices;

/** The sizes and options of a GPT-2 style decoder. With no option given it is GPT-2. */
export interface GptConfig {
  /** L, blocks; at least 1. */
  readonly nLayer: number;
  /** H, attention heads of each block; a divisor of `nEmbd`. */
  readonly nHead: number;
  /** C, the model's width; at least 1. */
  readonly nEmbd: number;
  /** V, token ids; at least 2, since one alone costs nothing to predict. */
  readonly vocabSize: number;
  /** The longest sequence (T) that it has positions for; at least 1. */
  readonly blockSize: number;
  /** Biases in matrices and LayerNorms; default true. */
  readonly bias?: boolean | undefined;
  /** Whether the head is the table of token embeddings; default true. Otherwise it is `lm_head.weight`, [V, C]. */
  readonly tiedHead?: boolean | undefined;
  /**
   * The chance in [0, 1) that a number is dropped, where GPT-2 drops: after the embeddings, from attention's weights,
   * and from what each half of a block adds to the residual stream. It acts only where a key is given. Default 0.
   */
  readonly dropout?: number | undefined;
  /**
   * LayerNorm of every query and key over its D numbers, with a learnt gain [D] that a layer's heads share and no bias:
   * Dehghani et al. 2023 (ViT-22B), in Wortsman et al. 2023 the cure of growing attention logits. Default false.
   */
  readonly qkNorm?: boolean | undefined;
  /** Bounds the final logits x by ±cap: cap · tanh(x / cap) (Gemma 2, where cap is 30); default: no bound. */
  readonly logitSoftCap?: number | undefined;
  /** Bounds q · k / sqrt(D), before the softmax, in the same way (in Gemma 2, 50); default: no bound. */
  readonly attentionSoftCap?: number | undefined;
  /** Standard deviation of initial matrices and embeddings, above 0; default 0.02. */
  readonly initStd?: number | undefined;
  /**
   * `gelu` (default): GPT-2's, by tanh · `geluErf`: exact · `relu` · `relu2`: its square (So et al. 2021) · `silu` ·
   * `swiglu`: silu(a) b of two halves (Shazeer 2020), 8 C / 3 wide, so that it has as many weights as the others.
   */
  readonly activation?: Activation | undefined;
  /** What LayerNorm adds to the variance, above 0; default 1e-5. */
  readonly layerNormEps?: number | undefined;
}

/** GPT-2's choices: what options are when they are not given. */
const DEFAULTS = {
  bias: RUN_FIELDS.bias.default,
  tiedHead: RUN_FIELDS.tiedHead.default,
  dropout: RUN_FIELDS.dropout.default,
  qkNorm: RUN_FIELDS.qkNorm.default,
  initStd: RUN_FIELDS.initStd.default,
  activation: RUN_FIELDS.activation.default,
  layerNormEps: RUN_FIELDS.layerNormEps.default,
} as const satisfies Partial<GptConfig>;

/** A config with a value for every option but the soft caps, which may be undefined: none. */
export type FullGptConfig =
  & {
    readonly [K in Exclude<keyof GptConfig, "logitSoftCap" | "attentionSoftCap">]-?: NonNullable<
      GptConfig[K]
    >;
  }
  & Pick<GptConfig, "logitSoftCap" | "attentionSoftCap">;

/** Fills in the options that a config leaves out; fields that are no options are left behind. */
export function completeConfig(config: GptConfig): FullGptConfig {
  const { nLayer, nHead, nEmbd, vocabSize, blockSize, logitSoftCap, attentionSoftCap } = config;
  return {
    ...{ nLayer, nHead, nEmbd, vocabSize, blockSize, logitSoftCap, attentionSoftCap },
    bias: config.bias ?? DEFAULTS.bias,
    tiedHead: config.tiedHead ?? DEFAULTS.tiedHead,
    dropout: config.dropout ?? DEFAULTS.dropout,
    qkNorm: config.qkNorm ?? DEFAULTS.qkNorm,
    initStd: config.initStd ?? DEFAULTS.initStd,
    activation: config.activation ?? DEFAULTS.activation,
    layerNormEps: config.layerNormEps ?? DEFAULTS.layerNormEps,
  };
}

/** F, the numbers between the two matrices of a feed-forward part: 4 C; for `swiglu` 8 C / 3, up to a multiple of 8. */
export function feedForwardWidth(config: GptConfig): number {
  return config.activation === "swiglu" ? 8 * Math.ceil(config.nEmbd / 3) : 4 * config.nEmbd;
}

/**
 * Checks a config.
 *
 * @throws {RangeError} naming the size or option that does not fit.
 * @throws {TypeError} for an option that must be true or false and is neither.
 */
export function validateGptConfig(config: GptConfig): void {
  const least = { nLayer: 1, nHead: 1, nEmbd: 1, vocabSize: 2, blockSize: 1 } as const;
  for (const [name, minimum] of Object.entries(least) as [keyof typeof least, number][]) {
    if (!Number.isInteger(config[name]) || config[name] < minimum) {
      throw new RangeError(
        `Cannot make a GPT: ${name} must be a whole number of at least ${minimum}: it is ${config[name]}`,
      );
    }
  }
  if (config.nEmbd % config.nHead !== 0) {
    throw new RangeError(
      `Cannot make a GPT: nEmbd must be a multiple of nHead, so that heads share it: ` +
        `nEmbd is ${config.nEmbd}, nHead is ${config.nHead}`,
    );
  }
  validateOptions(config);
}

function validateOptions(config: GptConfig): void {
  for (const name of ["bias", "tiedHead", "qkNorm"] as const) {
    const given: unknown = config[name];
    if (given !== undefined && typeof given !== "boolean") {
      throw new TypeError(`Cannot make a GPT: ${name} must be true or false: it is ${given}`);
    }
  }
  for (const name of ["logitSoftCap", "attentionSoftCap", "initStd", "layerNormEps"] as const) {
    const given = config[name];
    if (given !== undefined && !(Number.isFinite(given) && given > 0)) {
      throw new RangeError(`Cannot make a GPT: ${name} must be a finite number above 0: it is ${given}`);
    }
  }
  const { dropout, activation } = completeConfig(config);
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(`Cannot make a GPT: dropout must be in [0, 1): it is ${dropout}`);
  }
  if (!ACTIVATIONS.includes(activation)) {
    throw new RangeError(
      `Cannot make a GPT: activation must be one of ${ACTIVATIONS.join(", ")}: it is ${activation}`,
    );
  }
  if (config.qkNorm && config.nEmbd === config.nHead) {
    throw new RangeError(
      "Cannot make a GPT: qkNorm needs heads of at least 2 numbers, since LayerNorm makes 0 of a single one: " +
        `nEmbd is ${config.nEmbd}, nHead is ${config.nHead}`,
    );
  }
}
