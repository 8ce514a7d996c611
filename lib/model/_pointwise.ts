/**
 * Elementwise functions of a GPT. Each computes in float32 and rounds once to its input's type, forward and backward,
 * like the operations of `lib/tensorflow`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { foldIn, gelu, statelessUniform, toFloat32 } from "../tensorflow/mod.ts";
import { fused } from "../tensorflow/binding/fused.ts";
import { castTo, dtypeOf } from "../tensorflow/binding/true_dtype.ts";
import type { Activation } from "./config.ts";

/** Casts a tensor to the type of another tensor. The cast has no gradient: use it inside custom gradients only. */
export function castLike(tensor: tf.Tensor, like: tf.Tensor): tf.Tensor {
  const dtype = dtypeOf(like);
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

/** An elementwise function and its derivative at x, a float32 tensor. */
interface Pointwise<O> {
  readonly value: (x: tf.Tensor, options: O) => tf.Tensor;
  readonly slope: (x: tf.Tensor, options: O) => tf.Tensor;
}

/**
 * Creates an elementwise function with a fused form. The backward pass recomputes the derivative from x, so that no
 * intermediate results are kept.
 *
 * @param name Unique name of the fused functions.
 */
function pointwise<O>(name: string, { value, slope }: Pointwise<O>): (x: tf.Tensor, options: O) => tf.Tensor {
  const forward = fused(name, ([x], options: O) => [castLike(value(toFloat32(x!), options), x!)]);
  const backward = fused(`${name}Grad`, ([dy, x], options: O) => [
    castLike(tf.mul(toFloat32(dy!), slope(toFloat32(x!), options)), x!),
  ]);
  return (x, options) =>
    withGradient(x, (x) => forward([x], options)[0]!, (dy, x) => backward([dy, x], options)[0]!);
}

/** Computes a function of x that keeps only x for its backward pass. */
function withGradient(
  x: tf.Tensor,
  value: (x: tf.Tensor) => tf.Tensor,
  gradient: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    (save as tf.GradSaveFunc)([x]);
    return {
      value: value(x),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved[0]!),
    };
  })(x);
}

/** Returns the cumulative distribution function of the standard normal distribution at x. */
const normalShare = (x: tf.Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

const geluErf = pointwise("geluErf", {
  value: (x) => tf.mul(x, normalShare(x)),
  slope: (x) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return tf.add(normalShare(x), tf.mul(x, density));
  },
});

const reluSquared = pointwise("reluSquared", {
  value: (x) => tf.square(tf.relu(x)),
  slope: (x) => tf.mul(tf.relu(x), 2),
});

/** Returns the derivative of SiLU, x · sigmoid(x), from x and its sigmoid. */
const siluSlope = (x: tf.Tensor, sigmoid: tf.Tensor) =>
  tf.mul(sigmoid, tf.add(tf.mul(x, tf.sub(1, sigmoid)), 1));

const silu = pointwise("silu", {
  value: (x) => tf.mul(x, tf.sigmoid(x)),
  slope: (x) => siluSlope(x, tf.sigmoid(x)),
});

/** Splits [N, 2 F] into gates and values, float32 [N, F] each. */
const gatesAndValues = (x: tf.Tensor) => tf.split(toFloat32(x), 2, 1) as [tf.Tensor, tf.Tensor];

const swigluForward = fused("swiglu", ([x]) => {
  const [gate, value] = gatesAndValues(x!);
  return [castLike(tf.mul(tf.mul(gate, tf.sigmoid(gate)), value), x!)];
});

/**
 * Computes the gradients of gates and values, [N, 2, F]. XLA fills a new axis without a branch for each number, unlike an
 * existing one.
 */
const swigluBackward = fused("swigluGrad", ([dy, x]) => {
  const [gate, value] = gatesAndValues(x!), wide = toFloat32(dy!), sigmoid = tf.sigmoid(gate);
  const dGate = tf.mul(tf.mul(wide, value), siluSlope(gate, sigmoid));
  return [castLike(tf.stack([dGate, tf.mul(wide, tf.mul(gate, sigmoid))], 1), x!)];
});

/** Computes SiLU of the gates times the values, rounded once. */
function swiglu(x: tf.Tensor): tf.Tensor {
  return withGradient(
    x,
    (x) => swigluForward([x], {})[0]!,
    (dy, x) => tf.reshape(swigluBackward([dy, x], {})[0]!, x.shape),
  );
}

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
      return geluErf(x, {});
    case "relu":
      return tf.relu(x); // exact in every type
    case "relu2":
      return reluSquared(x, {});
    case "silu":
      return silu(x, {});
    case "swiglu":
      return swiglu(x);
  }
}

/** Options of {@linkcode softCap}. */
interface SoftCap {
  readonly cap: number;
  readonly scale: number;
}

const cappedTanh = (x: tf.Tensor, { cap, scale }: SoftCap) => tf.tanh(tf.mul(x, scale / cap));

const capped = pointwise<SoftCap>("softCap", {
  value: (x, options) => tf.mul(cappedTanh(x, options), options.cap),
  slope: (x, options) => tf.mul(tf.sub(1, tf.square(cappedTanh(x, options))), options.scale),
});

/** Returns cap · tanh(scale · x / cap): approximately scale · x for small values, and bounded by ±cap. */
export function softCap(x: tf.Tensor, { cap, scale = 1 }: { cap: number; scale?: number }): tf.Tensor {
  return capped(x, { cap, scale });
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
