/**
 * Blocked loss of the output head, and its gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { blockedCrossEntropy, type LossRows } from "../../lib/tensorflow/ops/blocked_cross_entropy.ts";

/** Objective, and its gradients with respect to hidden states [N, C] and table [V, C]. */
export function blockedGradients(hidden: tf.Tensor, table: tf.Tensor, rows: LossRows): tf.Tensor[] {
  let nll: tf.Tensor | undefined;
  const { value, grads } = tf.valueAndGrads((...[hidden, table]: tf.Tensor[]) => {
    const sums = blockedCrossEntropy(hidden as tf.Tensor2D, table as tf.Tensor2D, rows);
    nll = sums.nll;
    return sums.objective;
  })([hidden, table]);
  nll?.dispose();
  return [value, ...grads];
}
