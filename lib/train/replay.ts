/**
 * Replay of one step: loss and gradients in several precisions from the same weights on the same batch. All differences
 * are due to rounding, since no training history is involved.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import { layerOfParameter } from "../precision/mod.ts";
import type { Precision } from "../tensorflow/mod.ts";
import type { BatchTensors, LossConfig } from "./loss.ts";
import { lossAndGradients } from "./gradients.ts";

/** Difference between two sets of gradients. */
export interface GradientError {
  /** Relative error ‖g - g₀‖ / ‖g₀‖, where g₀ is float32's; infinite if g is not finite. */
  readonly error: number;
  /** The cosine of the angle between g and g₀; NaN if g is 0 or not finite. */
  readonly cosine: number;
}

/** Effect of a precision on a step. */
export interface StepError extends GradientError {
  /** The loss, nats per token. */
  readonly loss: number;
  /** The loss minus float32's. */
  readonly lossError: number;
  /** Gradient errors of each layer's parameters. */
  readonly layers: readonly (GradientError & { readonly layer: string })[];
}

/** Values by parameter name. */
type Values = Readonly<Record<string, Float32Array>>;

/** A step that can be computed repeatedly. It owns its weights and batch; `using` or `dispose` frees them. */
export class Replay implements Disposable {
  readonly #parameters: Parameters;
  readonly #batch: BatchTensors;
  readonly #config: { model: GptConfig; loss?: LossConfig | undefined };
  readonly #reference: { loss: number; gradients: Values };

  /**
   * Computes the step in float32.
   *
   * @param parameters The weights, float32.
   * @param batch Inputs, targets and keys.
   * @param config The model, and the objective.
   */
  constructor(
    parameters: Parameters,
    batch: BatchTensors,
    config: { model: GptConfig; loss?: LossConfig | undefined },
  ) {
    this.#parameters = parameters;
    this.#batch = batch;
    this.#config = config;
    this.#reference = this.#compute({ policy: "float32" });
  }

  /** Loss in float32, nats per token. */
  get loss(): number {
    return this.#reference.loss;
  }

  /**
   * Computes the step in a precision. Formats of the class `optimizer` have no effect, since no update is made.
   *
   * @returns The difference to float32's step; 0 if all values are equal.
   */
  measure(precision: Precision): StepError {
    const { loss, gradients } = this.#compute(precision);
    const names = Object.keys(gradients);
    const layers = [...Map.groupBy(names, layerOfParameter)].map(([layer, own]) => ({
      layer,
      ...gradientError(own, gradients, this.#reference.gradients),
    }));
    return {
      loss,
      lossError: loss - this.#reference.loss,
      ...gradientError(names, gradients, this.#reference.gradients),
      layers,
    };
  }

  #compute(precision: Precision): { loss: number; gradients: Values } {
    const { policy, overrides, roundingKey } = precision;
    const batch = roundingKey === undefined ? this.#batch : { ...this.#batch, roundingKey };
    return tf.tidy(() => {
      const { loss, gradients } = lossAndGradients(this.#parameters, batch, {
        ...this.#config,
        policy,
        overrides,
      });
      return {
        loss: loss.dataSync()[0]!,
        gradients: Object.fromEntries(
          Object.entries(gradients).map(([name, g]) => [name, Float32Array.from(g.dataSync())]),
        ),
      } as unknown as tf.TensorContainer;
    }) as unknown as { loss: number; gradients: Values };
  }

  /** Frees the weights and the batch. */
  [Symbol.dispose](): void {
    tf.dispose([{ ...this.#parameters }, { ...this.#batch } as Record<string, tf.Tensor>]);
  }
}

/** Computes the error over all values of some parameters, in float64. */
function gradientError(names: readonly string[], g: Values, g0: Values): GradientError {
  let difference = 0, product = 0, own = 0, reference = 0;
  for (const name of names) {
    const [values, wanted] = [g[name]!, g0[name]!];
    for (let i = 0; i < values.length; i++) {
      const [a, b] = [values[i]!, wanted[i]!];
      difference += (a - b) ** 2;
      product += a * b;
      own += a * a;
      reference += b * b;
    }
  }
  const error = difference === 0 ? 0 : Math.sqrt(difference / reference);
  return { error: Number.isNaN(error) ? Infinity : error, cosine: product / Math.sqrt(own * reference) };
}
