/**
 * The coherence probe. It measures to what degree the gradient errors of parts of a batch point in one direction.
 * Errors that point in different directions are averaged out over steps.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { layerOfParameter } from "../precision/mod.ts";
import { sumOfSquares } from "../tensorflow/ops/sum_of_squares.ts";
import type { ProbeTensors } from "./probes.ts";

/** Maximum number of parts of a batch. */
const MOST = 8;

/**
 * Returns the number K of parts into which a batch is divided for the probe: the largest divisor of B up to 8. If the
 * result is 1, coherence is not defined.
 *
 * @param B Sequences per batch.
 */
export function coherenceParts(B: number): number {
  return Array.from({ length: MOST }, (_, i) => MOST - i).find((K) => B % K === 0)!;
}

/**
 * Sums of gradient errors over the parts of a batch. `mean`: sum of the errors, with the shape of the parameter.
 * `square`: sum of the squared errors of all elements, a scalar per parameter.
 */
export type ErrorSums = { mean: Parameters; square: Parameters };

/**
 * Adds the gradient errors of one part of the batch.
 *
 * @param sums Sums over the previous parts. Empty records for the first part.
 * @param gradients Gradients of the part in the step's precision, by parameter.
 * @param wide Gradients of the part in float32, by parameter.
 */
export function addErrors(sums: ErrorSums, gradients: Parameters, wide: Parameters): ErrorSums {
  const mean: Parameters = {}, square: Parameters = {};
  const plus = (former: tf.Tensor | undefined, added: tf.Tensor) =>
    former === undefined ? added : tf.add(former, added);
  for (const [name, gradient] of Object.entries(gradients)) {
    const error = tf.sub(gradient, wide[name]!);
    mean[name] = plus(sums.mean[name], error);
    square[name] = plus(sums.square[name], sumOfSquares(error));
  }
  return { mean, square };
}

/**
 * Returns the metric `coherence` of each layer, ‖mean e‖ / (rms e / √K), where e is the gradient error of a part of the
 * batch and K is the number of parts. The coherence is NaN if all errors are 0.
 */
export function coherenceFigures({ mean, square }: ErrorSums): ProbeTensors {
  return Object.fromEntries(
    [...Map.groupBy(Object.keys(mean), layerOfParameter)].map(([layer, names]) => {
      const total = tf.addN(names.map((name) => sumOfSquares(mean[name]!)));
      const squares = tf.addN(names.map((name) => square[name]!));
      // (‖Σe‖ / K) / (√(Σ‖e‖² / K) / √K): K cancels.
      return [layer, { coherence: tf.sqrt(tf.div(total, squares)) }];
    }),
  );
}
