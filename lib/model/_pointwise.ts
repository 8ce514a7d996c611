/**
 * What a GPT computes number by number, each function in float32 inside and rounded once to its input's type, forward
 * and backward, as the units of `tensorflow` are.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { currentTensorFlow, foldIn, gelu, statelessUniform, toFloat32 } from "../tensorflow/mod.ts";
import type { Activation } from "./config.ts";

/** Casts to the type that another tensor has. It has no gradient of its own. */
export function castLike(tensor: tf.Tensor, like: tf.Tensor): tf.Tensor {
  const { backend, binding } = currentTensorFlow();
  const [from, to] = backend.getInputTensorIds([tensor, like]).map((id) => ({
    id,
    dtype: binding.dtypeOf(id),
  }));
  if (from!.dtype === to!.dtype) return tensor;
  return backend.createOutputTensor(binding.metadata(binding.castTo(from!.id, to!.dtype)));
}

/**
 * Applies a function of single numbers. Backward computes it anew from x, which is kept, rather than keeping what the
 * function computes on its way.
 */
function pointwise(x: tf.Tensor, f: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    (save as tf.GradSaveFunc)([x]);
    return {
      value: castLike(f(toFloat32(x)), x),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        castLike(tf.grad(f)(toFloat32(saved[0]!), toFloat32(dy)), saved[0]!),
    };
  })(x);
}

const silu = (x: tf.Tensor): tf.Tensor => pointwise(x, (x) => tf.mul(x, tf.sigmoid(x)));

/**
 * The activation of a feed-forward part.
 *
 * @param x [N, F]; for `swiglu` [N, 2 F], gates first.
 * @returns [N, F].
 */
export function activate(x: tf.Tensor, activation: Activation): tf.Tensor {
  switch (activation) {
    case "gelu":
      return gelu(x);
    case "geluErf":
      return pointwise(x, (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)));
    case "relu":
      return tf.relu(x); // exact in every type
    case "relu2":
      return pointwise(x, (x) => tf.square(tf.relu(x)));
    case "silu":
      return silu(x);
    case "swiglu": {
      const [gate, value] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
      return tf.mul(silu(gate), value);
    }
  }
}

/** cap · tanh(scale · x / cap): scale · x where that is small, never beyond ±cap. */
export function softCap(x: tf.Tensor, { cap, scale = 1 }: { cap: number; scale?: number }): tf.Tensor {
  return pointwise(x, (x) => tf.mul(tf.tanh(tf.mul(x, scale / cap)), cap));
}

/** Drops numbers at one place after the other of a pass, each with a key of its own. */
export type Dropout = (x: tf.Tensor) => tf.Tensor;

/**
 * Dropout for a pass through a model: of x, a number is 0 with the chance `rate`, otherwise x / (1 - rate). The n-th
 * call draws from `foldIn(key, n)`, counted from 0.
 *
 * @param rate In [0, 1).
 * @param key int32 [2]; undefined: nothing is dropped.
 */
export function createDropout(rate: number, key: tf.Tensor | undefined): Dropout {
  if (rate === 0 || key === undefined) return (x) => x;
  let place = 0;
  return (x) => {
    const kept = tf.greaterEqual(statelessUniform(x.shape, foldIn(key, place++)), rate);
    // In x's type, as PyTorch's kernel does, so that dropout widens nothing.
    return tf.mul(x, castLike(tf.mul(tf.cast(kept, "float32"), 1 / (1 - rate)), x));
  };
}
