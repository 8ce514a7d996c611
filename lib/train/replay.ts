/**
 * One step replayed: loss and gradients in several precisions from the same weights on the same batch. What differs is
 * rounding alone, to the last bit: nothing of a run's history is in it.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import { layerOfParameter } from "../precision/mod.ts";
import type { Precision } from "../tensorflow/mod.ts";
import type { BatchTensors, LossConfig } from "./loss.ts";
import { lossAndGradients } from "./step.ts";

/** How far two sets of gradients lie apart. */
export interface GradientError {
  /** ‖g - g₀‖ / ‖g₀‖, g₀ being float32's; infinite where g is not finite. */
  readonly error: number;
  /** The cosine of the angle between them; NaN where g is 0 or not finite. */
  readonly cosine: number;
}

/** What a precision does to a step. */
export interface StepError extends GradientError {
  /** The loss, nats per token. */
  readonly loss: number;
  /** The loss minus float32's. */
  readonly lossError: number;
  /** Gradients of each layer's parameters. */
  readonly layers: readonly (GradientError & { readonly layer: string })[];
}

/** Values by parameter's name. */
type Values = Readonly<Record<string, Float32Array>>;

/** A step that can be computed again and again. It owns what it is given; `using` or `dispose` frees it. */
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
   * @param config The model, and what is minimised.
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

  /** float32's loss, nats per token. */
  get loss(): number {
    return this.#reference.loss;
  }

  /**
   * Computes the step in a precision. Formats of the class `optimizer` change nothing: no update is made.
   *
   * @returns How far it is from float32's: 0 where no value of it is another.
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

/** Sums over all values of some parameters, in float64. */
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
