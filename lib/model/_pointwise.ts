/**
 * Elementwise functions of a GPT. Each computes in float32 and rounds once to its input's type, forward and backward,
 * like the operations of `lib/tensorflow`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { foldIn, gelu, statelessUniform, toFloat32 } from "../tensorflow/mod.ts";
import { castTo, dtypeOf } from "../tensorflow/binding/true_dtype.ts";
import type { Activation } from "./config.ts";

/** Casts a tensor to the type of another tensor. The cast has no gradient: use it inside custom gradients only. */
export function castLike(tensor: tf.Tensor, like: tf.Tensor): tf.Tensor {
  const dtype = dtypeOf(like);
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

/** An elementwise function and its derivative at x. */
interface Pointwise {
  readonly value: (x: tf.Tensor) => tf.Tensor;
  readonly slope: (x: tf.Tensor) => tf.Tensor;
}

/**
 * Applies an elementwise function. The backward pass recomputes the derivative from x, so that no intermediate results
 * are kept.
 */
function pointwise(x: tf.Tensor, { value, slope }: Pointwise): tf.Tensor {
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    (save as tf.GradSaveFunc)([x]);
    return {
      value: castLike(value(toFloat32(x)), x),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        castLike(tf.mul(toFloat32(dy), slope(toFloat32(saved[0]!))), saved[0]!),
    };
  })(x);
}

/** Returns the cumulative distribution function of the standard normal distribution at x. */
const normalShare = (x: tf.Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

const GELU_ERF: Pointwise = {
  value: (x) => tf.mul(x, normalShare(x)),
  slope: (x) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return tf.add(normalShare(x), tf.mul(x, density));
  },
};

const RELU_SQUARED: Pointwise = {
  value: (x) => tf.square(tf.relu(x)),
  slope: (x) => tf.mul(tf.relu(x), 2),
};

const SILU: Pointwise = {
  value: (x) => tf.mul(x, tf.sigmoid(x)),
  slope: (x) => {
    const sigmoid = tf.sigmoid(x);
    return tf.mul(sigmoid, tf.add(tf.mul(x, tf.sub(1, sigmoid)), 1));
  },
};

/**
 * Applies the activation of the MLP.
 *
 * @param x [N, F], F the width of the MLP. For `swiglu` [N, 2 F]: the gates, then the values.
 * @returns [N, F].
 */
export function activate(x: tf.Tensor, activation: Activation): tf.Tensor {
  switch (activation) {
    case "gelu":
      return gelu(x);
    case "geluErf":
      return pointwise(x, GELU_ERF);
    case "relu":
      return tf.relu(x); // exact in every type
    case "relu2":
      return pointwise(x, RELU_SQUARED);
    case "silu":
      return pointwise(x, SILU);
    case "swiglu": {
      const [gate, value] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
      return tf.mul(pointwise(gate, SILU), value);
    }
  }
}

/** Returns cap · tanh(scale · x / cap): approximately scale · x for small values, and bounded by ±cap. */
export function softCap(x: tf.Tensor, { cap, scale = 1 }: { cap: number; scale?: number }): tf.Tensor {
  const tanh = (x: tf.Tensor) => tf.tanh(tf.mul(x, scale / cap));
  return pointwise(x, {
    value: (x) => tf.mul(tanh(x), cap),
    slope: (x) => tf.mul(tf.sub(1, tf.square(tanh(x))), scale),
  });
}

/** Dropout of one forward pass. Each call draws from a separate random key. */
export type Dropout = (x: tf.Tensor) => tf.Tensor;

/** The identity, for passes without dropout. */
export const NO_DROPOUT: Dropout = (x) => x;

/**
 * Creates the dropout of one forward pass. Each number of x becomes 0 with probability `rate`, otherwise x / (1 -
 * rate). The n-th call, counted from 0, draws from `foldIn(key, n)`.
 *
 * @param rate Dropout probability, in [0, 1).
 * @param key Random key, int32 [2]. Undefined: no dropout.
 */
export function createDropout(rate: number, key: tf.Tensor | undefined): Dropout {
  if (rate === 0 || key === undefined) return NO_DROPOUT;
  let place = 0;
  return (x) => {
    const kept = tf.greaterEqual(statelessUniform(x.shape, foldIn(key, place++)), rate);
    // In x's type, as in PyTorch's kernel, so that dropout does not upcast.
    return tf.mul(x, castLike(tf.mul(tf.cast(kept, "float32"), 1 / (1 - rate)), x));
  };
}
