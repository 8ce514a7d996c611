/**
 * Replay of a step: the loss and the gradients in several precisions, from the same weights and the same batches. All
 * differences between precisions are rounding errors of this step, since the weights are equal.
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

/** Errors of the loss and the gradients of a step in a precision, relative to float32. */
export interface StepError extends GradientError {
  /** Mean loss over batches in the precision, in nats per token. */
  readonly loss: number;
  /** The loss minus the loss in float32, in nats per token. */
  readonly lossError: number;
  /** Gradient errors by layer, over the layer's parameters. */
  readonly layers: readonly (GradientError & { readonly layer: string })[];
}

/** The model and the loss of a replay. */
export interface ReplayConfig {
  /** Config of the model. */
  readonly model: GptConfig;
  /** Regularization and padding of the cross entropy. Default: the mean cross entropy of all positions. */
  readonly loss?: LossConfig | undefined;
  /** A user-written loss that replaces the cross entropy. Default: cross entropy. */
  readonly criterion?: Criterion | undefined;
}

/** A step that can be computed in several precisions. The object owns its weights and batches. `using` frees them. */
export class Replay implements Disposable {
  readonly #parameters: Parameters;
  readonly #batches: readonly BatchTensors[];
  readonly #config: ReplayConfig;
  readonly #reference: readonly { loss: number; gradients: Values }[];

  /**
   * Computes the step in float32, as the reference, and takes ownership of the weights and batches.
   *
   * @param parameters Weights before the step, float32.
   * @param batches At least one batch with its dropout key. The first batch is the batch of the step.
   * @param config The model and the loss.
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

  /** Mean loss over batches in float32, in nats per token. */
  get loss(): number {
    return meanOf(this.#reference.map(({ loss }) => loss));
  }

  /**
   * Computes the step in a precision, and compares the result with float32. Weights are not updated, so that formats of
   * the operation class `optimizer` have no effect. Each batch has its own key of stochastic rounding.
   *
   * @returns The errors of the loss and the gradients. All errors are 0 if the results are equal to float32's.
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
