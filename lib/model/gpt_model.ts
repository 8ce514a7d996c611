/**
 * A GPT as an object: its config, its weights on the device, and its forward pass.
 *
 * @module
 */
import { requireKnownNames } from "../error/known_names.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";
import * as tf from "@tensorflow/tfjs";
import {
  blockedCrossEntropy,
  type LossRows,
  type LossSums,
} from "../tensorflow/ops/blocked_cross_entropy.ts";
import { countedTargets, tokenScale } from "../tensorflow/ops/cross_entropy_loss.ts";
import { completeConfig, type GptConfig } from "./config.ts";
import { gptHidden, gptLogits, type Parameters, type PassOptions, toParameters } from "./gpt.ts";
import { initialParameters, type ParameterRecord, parameterShapes } from "./parameters.ts";
import { IGNORE_INDEX } from "../text/mod.ts";
import { requireTokenIds, withCheckedIds } from "./token_ids.ts";

/** Source of a model's weights: random initialization, or given values. */
export interface GptOptions {
  /** Seed of the random initial weights. Default: 1. */
  readonly seed?: number | undefined;
  /**
   * Seed of rounding noise that is added to the initial weights, as {@linkcode Perturbation} describes. Default: 0, no
   * noise.
   */
  readonly perturb?: number | undefined;
  /**
   * Seed of a random order of each MLP's hidden units, as {@linkcode Perturbation} describes. Default: 0, unchanged.
   */
  readonly reorder?: number | undefined;
  /**
   * Weights by name, for example from `loadGpt2` of `@losskit/losskit/model`. They replace the random initialization.
   * Default: initialized from `seed`.
   */
  readonly parameters?: ParameterRecord | undefined;
}

/** A GPT with its weights. `using` or `dispose` frees the weights. */
export class Gpt implements Disposable {
  /** Sizes and options of the model. */
  readonly config: GptConfig;
  #parameters: Parameters;

  /**
   * Creates a model from a config and weights. The model takes ownership of the weights.
   *
   * @throws {RangeError} If the config is invalid, or a weight is missing or has another shape.
   */
  constructor(config: GptConfig, parameters: Parameters) {
    for (const [name, shape] of Object.entries(parameterShapes(config))) {
      const given = parameters[name]?.shape;
      if (String(given) === String(shape)) continue;
      throw new RangeError(
        `Cannot create the model: expected ${name} of shape [${shape}], got ${
          given === undefined ? "none" : `shape [${given}]`
        }.`,
      );
    }
    this.config = config;
    this.#parameters = parameters;
  }

  /** Weights by name, float32. A training step replaces them: read this property again after each step. */
  get parameters(): Parameters {
    return this.#parameters;
  }

  /** Replaces the weights and frees the previous ones. The model takes ownership of the new weights. */
  setParameters(parameters: Parameters): void {
    const former = this.#parameters;
    this.#parameters = parameters;
    tf.dispose({ ...former });
  }

  /**
   * Computes the logits of the next token at every position.
   *
   * @param tokens Token ids, int32 [B, T], T at most `config.blockSize`.
   * @param options `dropoutKey`: random key of dropout. For a cache, use `gptLogits` instead.
   * @returns [B, T, V]. Inside `autocast`, in the policy's type.
   * @throws {TypeError} If the tokens are not int32 [B, T] with T of at least 1.
   * @throws {RangeError} If T is above `config.blockSize`, or an id is outside of the vocabulary.
   */
  forward(tokens: tf.Tensor2D, { dropoutKey }: Pick<PassOptions, "dropoutKey"> = {}): tf.Tensor3D {
    const action = "run the model", { vocabSize } = this.config;
    requireTokenIds(tokens, "tokens", action);
    const [B, T] = tokens.shape;
    return withCheckedIds(
      { x: tokens, vocabSize, action },
      () =>
        tf.tidy(() =>
          tf.reshape(gptLogits(this.#parameters, tokens, this.config, { dropoutKey }), [B, T, vocabSize])
        ),
    );
  }

  /**
   * Computes the mean cross entropy in blocks of the vocabulary. The [B T, V] logits are never held in memory. Use it
   * for large vocabularies. Up to rounding, the loss equals `crossEntropy` of {@linkcode Gpt.forward}.
   *
   * @param x Token ids, int32 [B, T].
   * @param y Targets, int32 [B, T], each in [0, V), or -100 to exclude a position.
   * @param options `dropoutKey`: random key of dropout.
   * @returns Nats per token, a float32 scalar. NaN if every position is excluded.
   * @throws {TypeError} If `x` or `y` is not int32 [B, T] with T of at least 1.
   * @throws {RangeError} If T is above `config.blockSize`, or an id is outside of the vocabulary.
   */
  blockedLoss(x: tf.Tensor2D, y: tf.Tensor2D, options: Pick<PassOptions, "dropoutKey"> = {}): tf.Scalar {
    const action = "compute the loss", { vocabSize } = this.config;
    requireTokenIds(x, "x", action);
    requireTokenIds(y, "y", action);
    return withCheckedIds({ x, y, vocabSize, action }, () =>
      tf.tidy(() => {
        const { targets, counted } = countedTargets(y, IGNORE_INDEX);
        const weights = tf.mul(counted!, tokenScale(y, IGNORE_INDEX)) as tf.Tensor1D;
        const rows = { targets, weights, regularization: { labelSmoothing: 0, zLoss: 0 } };
        const { objective, nll } = blockedLoss(this.#parameters, x, { rows, config: this.config, options });
        nll.dispose();
        return objective;
      }));
  }

  /** Frees the weights. */
  dispose(): void {
    tf.dispose({ ...this.#parameters });
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Names of all config fields. A run's spec may be passed whole, so the names of its other fields are known too. */
const NAMES: readonly string[] = [...Object.keys(RUN_FIELDS), "vocabSize", "blockSize"];

/**
 * Creates a GPT.
 *
 * @param config Sizes and options. The defaults are GPT-2's architecture, without dropout.
 * @param options `seed` (default: 1) or `parameters`, and changes of the initial weights.
 * @throws {RangeError} If the config is invalid or has an unknown option, or given weights are missing or have another
 * shape.
 */
export function gpt(config: GptConfig, { seed = 1, perturb, reorder, parameters }: GptOptions = {}): Gpt {
  requireKnownNames(config, NAMES, "create a GPT");
  const values = parameters ?? initialParameters(config, seed, { perturb, reorder });
  const names = Object.keys(parameterShapes(config));
  const used = Object.fromEntries(names.flatMap((name) => name in values ? [[name, values[name]!]] : []));
  return new Gpt(config, toParameters(used));
}

/** Returns weighted sums of the losses of all rows, computed in blocks of the vocabulary. */
export function blockedLoss(
  parameters: Parameters,
  x: tf.Tensor2D,
  { rows, config, options }: { rows: LossRows; config: GptConfig; options: PassOptions },
): LossSums {
  const { tiedHead, logitSoftCap } = completeConfig(config);
  const table = parameters[tiedHead ? "wte.weight" : "lm_head.weight"] as tf.Tensor2D; // [V, C]
  const hidden = gptHidden(parameters, x, config, options);
  return blockedCrossEntropy(hidden, table, { ...rows, logitSoftCap });
}
