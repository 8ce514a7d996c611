/**
 * Repetition of the key and value heads of grouped-query attention.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { castAs, float32, withGradient } from "./_unit.ts";

/**
 * Repeats each key or value head for the query heads that it serves (grouped-query attention, Ainslie et al. 2023). The
 * values are not rounded. The gradient of a head is the sum over its copies, computed in float32 and rounded once.
 *
 * @param x Keys or values, [B, G, S, D], with G heads.
 * @param H Number of query heads, a multiple of G.
 * @returns [B, H, S, D]. Head h of the result is head ⌊h G / H⌋ of x.
 */
export function repeatHeads(x: tf.Tensor, H: number): tf.Tensor {
  const [B, G, S, D] = x.shape as [number, number, number, number];
  if (G === H) return x;
  const repetitions = H / G;
  return withGradient([x], (x) => ({
    values: [tf.reshape(tf.tile(tf.reshape(x, [B * G, 1, S * D]), [1, repetitions, 1]), [B, H, S, D])],
    saved: [],
    backward: ([dy]) => {
      const sum = tf.sum(tf.reshape(float32(dy!), [B * G, repetitions, S * D]), 1);
      return [castAs(tf.reshape(sum, [B, G, S, D]), dy!)];
    },
  }))[0]!;
}
