/**
 * Rotary position embedding: rotates pairs of numbers by angles. Rounds once, forward and backward.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { fused } from "../binding/fused.ts";
import { operation } from "../precision/scope.ts";
import { castAs, float32, withGradient } from "./_unit.ts";

/** Rotates the pairs (x[i], x[i + D / 2]); with `back` by the opposite angles. */
const rotate = fused("rotary", ([x, cos, sin], { back }: { back: boolean }) => {
  const [first, second] = tf.split(float32(x!), 2, -1) as [tf.Tensor, tf.Tensor];
  const [a, b] = back ? [tf.neg(sin!), sin!] : [sin!, tf.neg(sin!)];
  const rotated = tf.concat([
    tf.add(tf.mul(first, cos!), tf.mul(second, b)),
    tf.add(tf.mul(second, cos!), tf.mul(first, a)),
  ], -1);
  return [castAs(rotated, x!)];
});

/**
 * Rotates each pair (x[i], x[i + D / 2]) of a query or key by the angle of its position (Su et al. 2021, RoFormer, in the
 * order of pairs that transformers' LLaMA uses). Computed in float32 and rounded once, to x's type. The gradient is the
 * rotation by the opposite angle. Its class is `attention`.
 *
 * @param x Queries or keys, [B, H, T, D].
 * @param angles Cosines and sines of the angles, float32 [T, D / 2] or [B, 1, T, D / 2]. They have no gradient.
 */
export function rotary(x: tf.Tensor, angles: { cos: tf.Tensor; sin: tf.Tensor }): tf.Tensor {
  return rotaryOperation([x], angles);
}

const rotaryOperation = operation(
  "attention",
  (inputs: [tf.Tensor], { cos, sin }: { cos: tf.Tensor; sin: tf.Tensor }) =>
    withGradient(inputs, (x) => ({
      values: rotate([x, cos, sin], { back: false }),
      saved: [cos, sin],
      backward: ([dy], [cos, sin]) => rotate([dy!, cos!, sin!], { back: true }),
    }))[0]!,
);
