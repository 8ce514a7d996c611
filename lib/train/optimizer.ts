/**
 * AdamW with decoupled decay and clipping by the global norm, as pure functions of tensors.
 *
 * Source: Loshchilov & Hutter 2019, *Decoupled Weight Decay Regularization*; the order of operations and the 1e-6 in
 * the clip are PyTorch's (`torch.optim.AdamW`, `torch.nn.utils.clip_grad_norm_`).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";

/** Settings that do not change during a run. */
export interface AdamWConfig {
  /** Decay rate of the gradient's mean, in [0, 1). */
  readonly beta1: number;
  /** Decay rate of the squared gradient's mean, in [0, 1). */
  readonly beta2: number;
  /** Added to the denominator. */
  readonly eps: number;
  /** Decay per unit of learning rate, of parameters of rank 2 and more only. */
  readonly weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. */
  readonly clip: number;
}

/** Means of gradients and of their squares, by parameter. */
export interface Moments {
  /** Means of gradients. */
  readonly m: Parameters;
  /** Means of squared gradients. */
  readonly v: Parameters;
}

/** Moments before the first step: zeros. */
export function zeroMoments(parameters: Parameters): Moments {
  const zeros = () =>
    Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, tf.zeros(p.shape)]));
  return { m: zeros(), v: zeros() };
}

/** The square root of the sum of all squares, in float32; a scalar. */
export function globalNorm(gradients: Parameters): tf.Scalar {
  const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)) as tf.Scalar);
  return tf.sqrt(tf.addN(squares));
}

/**
 * One update.
 *
 * @param state Parameters and moments.
 * @param gradients float32, by parameter.
 * @param step Scalars: the learning rate `lr`, and the bias corrections 1 - beta1^step and 1 - beta2^step.
 * @param config Settings.
 * @returns The new parameters and moments, and the gradient's norm before clipping.
 */
export function adamW(
  state: { parameters: Parameters; moments: Moments },
  gradients: Parameters,
  step: { lr: tf.Tensor; correction1: tf.Tensor; correction2: tf.Tensor },
  config: AdamWConfig,
): { parameters: Parameters; moments: Moments; gradNorm: tf.Scalar } {
  const { beta1, beta2, eps, weightDecay, clip } = config;
  const gradNorm = globalNorm(gradients);
  const scale = clip > 0 ? tf.minimum(1, tf.div(clip, tf.add(gradNorm, 1e-6))) : undefined;
  const stepSize = tf.div(step.lr, step.correction1);
  const root2 = tf.sqrt(step.correction2);
  const keep = tf.sub(1, tf.mul(step.lr, weightDecay));
  const parameters: Parameters = {}, m: Parameters = {}, v: Parameters = {};
  for (const [name, p] of Object.entries(state.parameters)) {
    const g = scale === undefined ? gradients[name]! : tf.mul(gradients[name]!, scale);
    m[name] = tf.add(tf.mul(state.moments.m[name]!, beta1), tf.mul(g, 1 - beta1));
    v[name] = tf.add(tf.mul(state.moments.v[name]!, beta2), tf.mul(tf.square(g), 1 - beta2));
    const update = tf.div(tf.mul(m[name]!, stepSize), tf.add(tf.div(tf.sqrt(v[name]!), root2), eps));
    const decayed = p.rank >= 2 && weightDecay > 0 ? tf.mul(p, keep) : p;
    parameters[name] = tf.sub(decayed, update);
  }
  return { parameters, moments: { m, v }, gradNorm };
}
