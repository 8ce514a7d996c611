/**
 * Causal attention: the masked softmax, and attention in blocks of queries. A block skips the keys that are masked for
 * all of its queries.
 *
 * Letters: B batch, H query heads, G heads of keys and values, T queries, S keys, D head size.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { fused } from "../binding/fused.ts";
import { classScope, hasFormat, operation } from "../precision/scope.ts";
import { repeatHeads } from "./repeat_heads.ts";
import { castAs, float32, isXla, rowMax, rowSums, type WithBackward, withGradient } from "./_unit.ts";

interface SoftmaxOptions {
  /** Factor by which the scores are multiplied. */
  scale: number;
  /** Position of the first query. The first key has position 0. */
  from: number;
}

/**
 * Computes the softmax over the last dimension. In XLA, sums are matrix products, which are faster there (see
 * {@linkcode rowSums}).
 */
function softmax(x: tf.Tensor): tf.Tensor {
  if (!isXla()) return tf.softmax(x);
  const exponentials = tf.exp(tf.sub(x, rowMax(x)));
  return tf.mul(exponentials, tf.div(1, rowSums(exponentials)));
}

const softmaxForward = fused("causalSoftmax", ([scores], { scale, from }: SoftmaxOptions) => {
  const [queries, keys] = scores!.shape.slice(-2) as [number, number];
  const mask = new Float32Array(queries * keys);
  for (let query = 0; query < queries; query++) {
    mask.fill(-Infinity, query * keys + Math.min(keys, from + query + 1), (query + 1) * keys);
  }
  const masked = tf.add(tf.mul(float32(scores!), scale), tf.tensor2d(mask, [queries, keys]));
  return [castAs(softmax(masked), scores!)];
});

const softmaxBackward = fused("causalSoftmaxGrad", ([dy, weights], { scale }: { scale: number }) => {
  const wide = float32(weights!), wideDy = float32(dy!);
  const total = rowSums(tf.mul(wideDy, wide));
  return [castAs(tf.mul(tf.mul(wide, tf.sub(wideDy, total)), scale), weights!)];
});

/**
 * Computes attention weights: the softmax of `scale * scores` over keys, with a causal mask. Each query attends to
 * itself and to earlier positions. The computation is in float32 and rounds once, to the scores' type. The operation's
 * class is `softmax`.
 *
 * @param scores Products of queries with keys, [B, H, T, T].
 * @param scale Factor of the scores, usually 1 / sqrt(D).
 * @returns Attention weights, [B, H, T, T].
 */
export function causalSoftmax(scores: tf.Tensor, scale: number): tf.Tensor {
  return maskedSoftmax([scores], scale);
}

const maskedSoftmax = operation(
  "softmax",
  (inputs: [tf.Tensor], scale: number) =>
    withGradient(inputs, (scores) => {
      const values = softmaxForward([scores], { scale, from: 0 });
      return {
        values,
        saved: values,
        backward: ([dy], [weights]) => softmaxBackward([dy!, weights!], { scale }),
      };
    })[0]!,
);

/**
 * Multiplies queries with keys. The operation's class is `attention`.
 *
 * @param q Queries, [B, H, T, D].
 * @param k Keys, [B, H, S, D].
 * @returns The attention scores, [B, H, T, S], in the policy's type.
 */
export function attentionScores(q: tf.Tensor, k: tf.Tensor): tf.Tensor {
  return attentionProduct([q, k], true);
}

/**
 * Sums values, weighted by attention weights. The operation's class is `attention`.
 *
 * @param weights Attention weights, [B, H, T, S].
 * @param v Values, [B, H, S, D].
 * @returns [B, H, T, D], in the policy's type.
 */
export function attentionSums(weights: tf.Tensor, v: tf.Tensor): tf.Tensor {
  return attentionProduct([weights, v], false);
}

const attentionProduct = operation(
  "attention",
  ([a, b]: [tf.Tensor, tf.Tensor], transposed: boolean) => tf.matMul(a, b, false, transposed),
);

/**
 * Returns the number of queries in a block, for T tokens. With fewer queries, the overhead of calls would exceed the
 * savings on masked keys.
 */
function blockOf(T: number): number {
  return T <= 128 ? T : T < 1024 ? 64 : 128;
}

/**
 * Sums tensors [B, H, t, D] of different lengths t, aligned at their first row. The sum is in float32 and rounded once.
 * The last tensor must be the longest.
 */
const sumOfPrefixes = fused("sumOfPrefixes", (parts: tf.Tensor[]) => {
  const [B, H, T, D] = parts.at(-1)!.shape as [number, number, number, number];
  const padded = parts.map((part) => {
    const t = part.shape[2]!;
    return tf.pad(float32(part), [[0, 0], [0, 0], [0, T - t], [0, 0]]);
  });
  return [castAs(tf.reshape(tf.addN(padded), [B, H, T, D]), parts[0]!)];
});

/**
 * Computes causal attention, softmax(scale q kᵀ) v. Each query attends to itself and to earlier positions. Products run
 * in the policy's type. Attention weights are rounded as in {@linkcode causalSoftmax}.
 *
 * Above 128 tokens, attention runs in blocks of queries. Each block uses only the keys up to its end, which saves up to
 * half of all products and weights. The gradients of keys and values are sums over blocks, in float32. Each block's
 * product is rounded before it is added.
 *
 * Keys and values may have fewer heads (grouped-query attention, Ainslie et al. 2023). Query head h uses head ⌊h G / H⌋.
 * The gradient of such a head sums over its query heads within one product.
 *
 * If the class `attention` or `softmax` has a format, attention runs in that format and without blocks.
 *
 * @param qkv Queries, [B, H, T, D]. Keys and values, each [B, G, T, D], H a multiple of G.
 * @param options `scale`: factor of the scores, usually 1 / sqrt(D). `block`: queries per block (default: chosen by T).
 * @returns [B, H, T, D].
 */
export function causalAttention(
  [q, k, v]: readonly [q: tf.Tensor, k: tf.Tensor, v: tf.Tensor],
  options: { scale: number; block?: number },
): tf.Tensor {
  const { scale } = options;
  const [B, H, T, D] = q.shape as [number, number, number, number], G = k.shape[1]!;
  if (hasFormat("attention") || hasFormat("softmax")) {
    const weights = causalSoftmax(attentionScores(q, repeatHeads(k, H)), scale);
    return attentionSums(weights, repeatHeads(v, H));
  }
  const size = options.block ?? blockOf(T);
  const blocks = Array.from({ length: Math.ceil(T / size) }, (_, i) => ({
    from: i * size,
    to: Math.min(T, (i + 1) * size),
  }));
  const rows = (x: tf.Tensor, from: number, to: number) =>
    from === 0 && to === T ? x : tf.slice(x, [0, 0, from, 0], [B, x.shape[1]!, to - from, D]);
  // Query heads with the same keys are further rows of one product: [B, H, t, n] to [B, G, H / G · t, n] and back.
  const grouped = (x: tf.Tensor) => G === H ? x : tf.reshape(x, [B, G, H / G * x.shape[2]!, x.shape[3]!]);
  const heads = (x: tf.Tensor) => G === H ? x : tf.reshape(x, [B, H, G * x.shape[2]! / H, x.shape[3]!]);
  const joined = (parts: tf.Tensor[]) => parts.length === 1 ? parts[0]! : tf.concat(parts, 2);
  const inSoftmax = (work: () => tf.Tensor[]) => classScope({ opClass: "softmax" }, work);
  const forwardAndBackward = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): WithBackward => {
    const parts = blocks.map(({ from, to }) => {
      const scores = heads(tf.matMul(grouped(rows(q, from, to)), rows(k, 0, to), false, true)); // [B, H, to - from, to]
      const [weights] = inSoftmax(() => softmaxForward([scores], { scale, from }));
      return { weights: weights!, mixed: heads(tf.matMul(grouped(weights!), rows(v, 0, to))) };
    });
    const backward = ([dy]: tf.Tensor[], [q, k, v, ...weights]: tf.Tensor[]) => {
      const gradients = blocks.map(({ from, to }, i) => {
        const w = weights[i]!, dMixed = grouped(rows(dy!, from, to));
        const dWeights = heads(tf.matMul(dMixed, rows(v!, 0, to), false, true));
        const dScores = grouped(inSoftmax(() => softmaxBackward([dWeights, w], { scale }))[0]!);
        return {
          q: heads(tf.matMul(dScores, rows(k!, 0, to))),
          k: tf.matMul(dScores, grouped(rows(q!, from, to)), true, false),
          v: tf.matMul(grouped(w), dMixed, true, false),
        };
      });
      const sum = (parts: tf.Tensor[]) => parts.length === 1 ? parts[0]! : sumOfPrefixes(parts, {})[0]!;
      return [
        joined(gradients.map((gradient) => gradient.q)),
        sum(gradients.map((gradient) => gradient.k)),
        sum(gradients.map((gradient) => gradient.v)),
      ];
    };
    return {
      values: [joined(parts.map(({ mixed }) => mixed))],
      saved: [q, k, v, ...parts.map(({ weights }) => weights)],
      backward,
    };
  };
  return classScope({ opClass: "attention" }, () => withGradient([q, k, v], forwardAndBackward)[0]!);
}
