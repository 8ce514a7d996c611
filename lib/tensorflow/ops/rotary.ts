/**
 * Rotary position embedding: rotates pairs of numbers by angles. Rounds once, forward and backward.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { fused } from "../binding/fused.ts";
import { operation } from "../precision/scope.ts";
import { castAs, float32, withGradient } from "./_unit.ts";

/** Rotates the pairs (x[i], x[i + D / 2]). With `back`, rotates by the opposite angles. */
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
 * Rotates each pair (x[i], x[i + D / 2]) of a query or key by the angle of its position (Su et al. 2021, RoFormer). The
 * order of pairs is that of transformers' LLaMA. The computation is in float32 and rounds once, to x's type. The
 * gradient is the rotation by the opposite angle. The operation's class is `attention`.
 *
 * @param x Queries or keys, [B, H, T, D].
 * @param angles Cosines and sines of the angles, float32 [T, D / 2] each, or [B, 1, T, D / 2]. They have no gradient.
 * @returns [B, H, T, D].
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
