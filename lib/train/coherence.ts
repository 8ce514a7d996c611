/**
 * The coherence probe: whether the gradient errors of a batch's parts point in one direction. Errors that do not are
 * averaged out over steps.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { layerOfParameter } from "../precision/mod.ts";
import type { ProbeTensors } from "./probes.ts";

/** Maximum number of parts of a batch. */
const MOST = 8;

/** Returns the number of equal parts of B sequences: the largest divisor of B that is at most 8. 1: no probe. */
export function coherenceParts(B: number): number {
  return Array.from({ length: MOST }, (_, i) => MOST - i).find((K) => B % K === 0)!;
}

/** Sums of errors over parts: by element, and of squares, a scalar for each parameter. */
export type ErrorSums = { mean: Parameters; square: Parameters };

/** Adds the errors of a part's gradients to sums, which are empty before the first part. */
export function addErrors(sums: ErrorSums, gradients: Parameters, wide: Parameters): ErrorSums {
  const mean: Parameters = {}, square: Parameters = {};
  const plus = (former: tf.Tensor | undefined, added: tf.Tensor) =>
    former === undefined ? added : tf.add(former, added);
  for (const [name, gradient] of Object.entries(gradients)) {
    const error = tf.sub(gradient, wide[name]!);
    mean[name] = plus(sums.mean[name], error);
    square[name] = plus(sums.square[name], tf.sum(tf.square(error)));
  }
  return { mean, square };
}

/**
 * Returns the coherence of each layer, ‖mean e‖ / (rms e / √K). e is the gradient error of each of K parts of a batch. NaN if all
 * errors are 0.
 */
export function coherenceFigures({ mean, square }: ErrorSums): ProbeTensors {
  return Object.fromEntries(
    [...Map.groupBy(Object.keys(mean), layerOfParameter)].map(([layer, names]) => {
      const total = tf.addN(names.map((name) => tf.sum(tf.square(mean[name]!))));
      const squares = tf.addN(names.map((name) => square[name]!));
      // (‖Σe‖ / K) / (√(Σ‖e‖² / K) / √K): K cancels.
      return [layer, { coherence: tf.sqrt(tf.div(total, squares)) }];
    }),
  );
}
