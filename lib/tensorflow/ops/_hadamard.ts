/**
 * Hadamard rotation of groups of rows of a matrix.
 *
 * The rotation H is orthonormal: (H x)ᵀ (H y) = xᵀ y. It spreads an outlier over its group, so that a low-precision
 * format represents the other values more precisely (Tseng 2025 *Training LLMs with MXFP4*; NVIDIA 2025 *Pretraining
 * Large Language Models with NVFP4*).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { POLICIES } from "../binding/policy.ts";
import { statelessUniform } from "../precision/random.ts";
import { withPolicy } from "./_unit.ts";

/**
 * Rotates each group of rows.
 *
 * @param x float32 [N, C]. Rows of zeros are appended to complete the last group.
 * @param options `block`: number of rows in a group, a power of two. `signs`: int32 [2], the key of random signs of the
 * rows in a group (default: no random signs).
 * @returns float32 [N rounded up to a multiple of `block`, C].
 */
export function hadamard(
  x: tf.Tensor,
  { block, signs }: { block: number; signs: tf.Tensor | undefined },
): tf.Tensor {
  return withPolicy(POLICIES.float32, () => {
    const [N, C] = x.shape as [number, number];
    const groups = Math.ceil(N / block);
    const padded = groups * block === N ? x : tf.pad(x, [[0, groups * block - N], [0, 0]]);
    const rows = tf.reshape(padded, [groups, block, C]);
    const rotated = tf.matMul(tf.reshape(rotationOf(block, signs), [1, block, block]), rows);
    return tf.reshape(rotated, [groups * block, C]);
  });
}

/** Returns Sylvester's Hadamard matrix divided by √n, [n, n]. If a key is given, its columns have random signs. */
function rotationOf(n: number, key: tf.Tensor | undefined): tf.Tensor {
  const values = Float32Array.from({ length: n * n }, (_, i) => {
    const common = Math.floor(i / n) & (i % n);
    const isOdd = common.toString(2).replaceAll("0", "").length % 2 === 1;
    return (isOdd ? -1 : 1) / Math.sqrt(n);
  });
  const matrix = tf.tensor2d(values, [n, n]);
  if (key === undefined) return matrix;
  const isNegative = tf.less(statelessUniform([1, n], key), 0.5);
  return tf.mul(matrix, tf.sub(1, tf.mul(tf.cast(isNegative, "float32"), 2)));
}
