/**
 * Replay of a step: loss and gradients in several precisions from the same weights on the same batches. All differences
 * are due to rounding, since no training history is involved.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import { layerOfParameter } from "../precision/mod.ts";
import type { Precision } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { ErrorSums, type GradientError, type Values } from "./gradient_error.ts";
import type { BatchTensors, LossConfig } from "./loss.ts";
import { lossAndGradients } from "./gradients.ts";
import type { Criterion } from "./trainer_options.ts";

/** Effect of a precision on a step. */
export interface StepError extends GradientError {
  /** The loss, nats per token; the mean over batches. */
  readonly loss: number;
  /** The loss minus float32's. */
  readonly lossError: number;
  /** Gradient errors of each layer's parameters. */
  readonly layers: readonly (GradientError & { readonly layer: string })[];
}

/** The model and the objective of a replay. */
export interface ReplayConfig {
  /** The model. */
  readonly model: GptConfig;
  /** Regularization, and the target of excluded positions. Default: the mean loss of all positions. */
  readonly loss?: LossConfig | undefined;
  /** A loss instead of cross entropy. Default: cross entropy. */
  readonly criterion?: Criterion | undefined;
}

/** A step that can be computed repeatedly. It owns its weights and batches; `using` or `dispose` frees them. */
export class Replay implements Disposable {
  readonly #parameters: Parameters;
  readonly #batches: readonly BatchTensors[];
  readonly #config: ReplayConfig;
  readonly #reference: readonly { loss: number; gradients: Values }[];

  /**
   * Computes the step in float32.
   *
   * @param parameters The weights, float32.
   * @param batches Inputs, targets and keys of at least one batch. The first one is the step's.
   * @param config The model, and the objective.
   */
  constructor(
    parameters: Parameters,
    batches: readonly BatchTensors[],
    config: ReplayConfig,
  ) {
    this.#parameters = parameters;
    this.#batches = batches;
    this.#config = config;
    this.#reference = batches.map((batch) => this.#compute(batch, { policy: "float32" }));
  }

  /** Loss in float32, nats per token; the mean over batches. */
  get loss(): number {
    return meanOf(this.#reference.map(({ loss }) => loss));
  }

  /**
   * Computes the step in a precision. Formats of the class `optimizer` have no effect, since no update is made. Each batch
   * has its own key of stochastic rounding.
   *
   * @returns The difference to float32's step; 0 if all values are equal.
   */
  measure(precision: Omit<Precision, "roundingKey">): StepError {
    const sums = new ErrorSums(this.#parameters);
    const losses = this.#batches.map((batch, i) => {
      const { loss, gradients } = tf.tidy(() =>
        this.#compute(batch, { ...precision, roundingKey: keyOf(i) })
      );
      sums.add(gradients, this.#reference[i]!.gradients);
      return loss;
    });
    const names = Object.keys(this.#parameters), loss = meanOf(losses);
    const layers = [...Map.groupBy(names, layerOfParameter)].map(([layer, own]) => ({
      layer,
      ...sums.errorOf(own),
    }));
    return { loss, lossError: loss - this.loss, ...sums.errorOf(names), layers };
  }

  #compute(batch: BatchTensors, precision: Precision): { loss: number; gradients: Values } {
    const { policy, overrides, roundingKey } = precision;
    return tf.tidy(() => {
      const { loss, gradients } = lossAndGradients(
        this.#parameters,
        { ...batch, ...(roundingKey && { roundingKey }) },
        { ...this.#config, policy, overrides },
      );
      return {
        loss: loss.dataSync()[0]!,
        gradients: Object.fromEntries(
          Object.entries(gradients).map(([name, g]) => [name, Float32Array.from(g.dataSync())]),
        ),
      } as unknown as tf.TensorContainer;
    }) as unknown as { loss: number; gradients: Values };
  }

  /** Frees the weights and the batches. */
  [Symbol.dispose](): void {
    tf.dispose([{ ...this.#parameters }, ...this.#batches.map((batch) => ({ ...batch }))]);
  }
}

/** Returns the key of a batch's stochastic rounding. With one key for all, its errors of weights would be a bias. */
function keyOf(batch: number): tf.Tensor1D {
  const random = createRandom(0, `replay/${batch}`);
  return tf.tensor1d([random.nextUint32() | 0, random.nextUint32() | 0], "int32");
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
