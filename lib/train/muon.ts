/**
 * Muon, an optimizer for the matrices of the blocks. It orthogonalizes the momentum of a matrix by Newton-Schulz
 * iterations and uses the result as update. The other parameters (embeddings, norms, biases, head) are updated by
 * AdamW.
 *
 * Source: Keller Jordan et al. 2024, *Muon: An optimizer for hidden layers in neural networks*, and its reference
 * implementation (github.com/KellerJordan/Muon). Our matrices are [in, out], and theirs are [out, in].
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { toBfloat16, toFloat32 } from "../tensorflow/mod.ts";
import { sumOfSquares } from "../tensorflow/ops/sum_of_squares.ts";

/** Settings of Muon that are constant during a run. */
export interface MuonConfig {
  /** Name of the optimizer. */
  readonly optimizer: "muon";
  /** Peak learning rate of the matrices. The schedule scales `muonLr` and `lr` by the same factor. */
  readonly muonLr: number;
  /** Peak learning rate of the other parameters, which AdamW updates. */
  readonly lr: number;
  /** Momentum coefficient of the matrices, in [0, 1). */
  readonly muonMomentum: number;
  /** Number format of the Newton-Schulz iterations. */
  readonly nsDtype: "bf16" | "float32";
  /** AdamW's decay rate of the first moment, in [0, 1). */
  readonly beta1: number;
  /** AdamW's decay rate of the second moment, in [0, 1). */
  readonly beta2: number;
  /** AdamW's epsilon. */
  readonly eps: number;
  /** Decoupled weight decay, multiplied by the learning rate. It applies to parameters of rank 2 and more. */
  readonly weightDecay: number;
  /** Maximum global gradient norm. 0: no clipping. */
  readonly clip: number;
}

/** Coefficients of the quintic polynomial a x + b x³ + c x⁵, which maps singular values to about 1. */
const [A, B, C] = [3.4445, -4.7750, 2.0315];

/** Number of iterations. */
const STEPS = 5;

/**
 * Divides parameters into the matrices of the blocks, which Muon updates, and the others, which AdamW updates.
 *
 * @param parameters Parameters, or their shapes, by name.
 * @param shapeOf Returns the shape of a parameter.
 */
export function splitForMuon<P>(
  parameters: Readonly<Record<string, P>>,
  shapeOf: (parameter: P) => readonly number[],
): { matrices: Record<string, P>; others: Record<string, P> } {
  const matrices: Record<string, P> = {}, others: Record<string, P> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const isMatrix = name.startsWith("h.") && shapeOf(parameter).length === 2;
    (isMatrix ? matrices : others)[name] = parameter;
  }
  return { matrices, others };
}

/**
 * Orthogonalizes a matrix approximately, so that its singular values become about 1.
 *
 * @param matrix float32 [m, n].
 * @param dtype Number format of the iterations. In bf16, each operation rounds its result to nearest.
 * @returns float32 [m, n].
 */
export function newtonSchulz(matrix: tf.Tensor, dtype: MuonConfig["nsDtype"]): tf.Tensor {
  const cast = dtype === "bf16" ? toBfloat16 : (x: tf.Tensor) => x;
  const scaled = (x: tf.Tensor, factor: number) => cast(tf.mul(toFloat32(x), factor));
  const plus = (x: tf.Tensor, y: tf.Tensor) => cast(tf.add(toFloat32(x), toFloat32(y)));
  const [m, n] = matrix.shape as [number, number], isTall = m > n;
  const wide = isTall ? tf.transpose(matrix) : matrix;
  const norm = cast(tf.sqrt(sumOfSquares(cast(wide))));
  const divisor = cast(tf.add(toFloat32(norm), 1e-7));
  let x = cast(tf.div(toFloat32(cast(wide)), toFloat32(divisor)));
  for (let i = 0; i < STEPS; i++) {
    const square = tf.matMul(x, x, false, true);
    const polynomial = plus(scaled(square, B), tf.matMul(scaled(square, C), square));
    x = plus(scaled(x, A), tf.matMul(polynomial, x));
  }
  const result = toFloat32(x);
  return isTall ? tf.transpose(result) : result;
}

/**
 * Applies one update of Muon to matrices, with Nesterov momentum and decoupled weight decay.
 *
 * @param state Matrices and their momentum, by parameter.
 * @param gradients Clipped gradients, float32, by parameter.
 * @param step `lr`: learning rate of the other parameters in this step. The rate of the matrices is `lr` · `muonLr` /
 * `config.lr`.
 * @param config Settings of Muon.
 * @returns The new matrices and their momentum.
 */
export function muon(
  state: { parameters: Parameters; momentum: Parameters },
  gradients: Parameters,
  step: { lr: tf.Tensor },
  config: MuonConfig,
): { parameters: Parameters; momentum: Parameters } {
  const { muonLr, lr, muonMomentum, weightDecay, nsDtype } = config;
  const rate = tf.mul(step.lr, muonLr / lr);
  const keep = tf.sub(1, tf.mul(rate, weightDecay));
  const parameters: Parameters = {}, momentum: Parameters = {};
  for (const [name, p] of Object.entries(state.parameters)) {
    const g = gradients[name]!;
    const next = tf.add(tf.mul(state.momentum[name]!, muonMomentum), tf.mul(g, 1 - muonMomentum));
    const direction = tf.add(tf.mul(next, muonMomentum), tf.mul(g, 1 - muonMomentum));
    const [inputs, outputs] = p.shape as [number, number];
    const factor = Math.sqrt(Math.max(1, outputs / inputs));
    const update = tf.mul(newtonSchulz(direction, nsDtype), factor);
    parameters[name] = tf.sub(tf.mul(p, keep), tf.mul(update, rate));
    momentum[name] = next;
  }
  return { parameters, momentum };
}
