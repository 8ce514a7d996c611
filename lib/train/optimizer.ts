/**
 * The update of parameters by any optimizer, AdamW and SGD, clipping by the global norm, and the moving average of
 * weights, as pure functions of tensors. Muon and user-written optimizers are in `muon.ts` and `own_optimizer.ts`.
 *
 * Sources: Loshchilov & Hutter 2019, *Decoupled Weight Decay Regularization*. The order of operations, the 1e-6 in the
 * clip and the form of momentum follow PyTorch (`torch.optim.AdamW`, `torch.optim.SGD` without dampening,
 * `torch.nn.utils.clip_grad_norm_`, `torch.optim.swa_utils.get_ema_multi_avg_fn`).
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { fused } from "../tensorflow/mod.ts";
import { sumOfSquares } from "../tensorflow/ops/sum_of_squares.ts";
import { groupKey, groupsOf, joined, joinedShapes, separate, type Shapes, shapesOf } from "./_joined.ts";
import { muon, type MuonConfig, splitForMuon } from "./muon.ts";
import { type OwnOptimizerConfig, ownUpdate } from "./own_optimizer.ts";

/** Settings of AdamW that are constant during a run. */
export interface AdamWConfig {
  /** Name of the optimizer. Default: AdamW. */
  readonly optimizer?: "adamw";
  /** Decay rate of the first moment, in [0, 1). */
  readonly beta1: number;
  /** Decay rate of the second moment, in [0, 1). */
  readonly beta2: number;
  /** Epsilon, added to the square root of the second moment. */
  readonly eps: number;
  /** Decoupled weight decay, multiplied by the learning rate. It applies to parameters of rank 2 and more. */
  readonly weightDecay: number;
  /** Maximum global gradient norm. 0: no clipping. */
  readonly clip: number;
}

/** Settings of stochastic gradient descent that are constant during a run. */
export interface SgdConfig {
  /** Name of the optimizer. */
  readonly optimizer: "sgd";
  /** Momentum coefficient, in [0, 1). 0: no momentum and no optimizer state. */
  readonly momentum: number;
  /** True for Nesterov momentum, which requires `momentum` above 0. Default: false. */
  readonly nesterov?: boolean;
  /** Weight decay that is added to the gradient, as in PyTorch's SGD. It applies to parameters of rank 2 and more. */
  readonly weightDecay: number;
  /** Maximum global gradient norm. 0: no clipping. */
  readonly clip: number;
}

/** An optimizer with its settings. */
export type OptimizerConfig = AdamWConfig | SgdConfig | MuonConfig | OwnOptimizerConfig;

/**
 * Optimizer state: tensors by slot, then by parameter. AdamW has the slots `m` and `v`, SGD `momentum` or none, and
 * Muon all three. AdamW's moments of small parameters are vectors of several parameters. A user-written optimizer has
 * slots of its own. Weights with Kahan summation add the slot `compensation`.
 */
export type OptimizerState = Readonly<Record<string, Parameters>>;

/** Optimizer state of AdamW. */
export interface Moments extends OptimizerState {
  /** First moments: moving averages of the gradients. */
  readonly m: Parameters;
  /** Second moments: moving averages of the squared gradients. */
  readonly v: Parameters;
}

/** Scalars of an update, as float32 tensors. */
export interface UpdateScalars {
  /** Learning rate of the step. */
  readonly lr: tf.Tensor;
  /** AdamW's bias correction of the first moment, 1 - beta1^step. */
  readonly correction1: tf.Tensor;
  /** AdamW's bias correction of the second moment, 1 - beta2^step. */
  readonly correction2: tf.Tensor;
  /** Number of the update, from 1. Skipped steps are not counted. */
  readonly step: tf.Tensor;
}

/** Returns zeros with the shapes of the parameters. */
export function zerosLike(parameters: Parameters): Parameters {
  return zerosOf(shapesOf(parameters));
}

function zerosOf(shapes: Shapes): Parameters {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tf.zeros([...shape])]));
}

/** Returns AdamW's moments before the first step: zeros. */
export function zeroMoments(parameters: Parameters): Moments {
  const shapes = joinedShapes(shapesOf(parameters));
  return { m: zerosOf(shapes), v: zerosOf(shapes) };
}

/** Returns true if a slot contains AdamW's moments, which are joined. */
export function isJoined(slot: string, { optimizer }: OptimizerConfig): boolean {
  return (slot === "m" || slot === "v") && typeof optimizer !== "object";
}

/** Shapes of the tensors of an optimizer state, by slot, then by parameter. */
export type SlotShapes = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/**
 * Returns the shapes of the tensors of an optimizer state by parameter, as checkpoints contain them.
 *
 * @param shapes Shapes of the parameters, by name.
 * @param config The optimizer and its settings.
 */
export function slotShapes(
  shapes: Readonly<Record<string, readonly number[]>>,
  config: OptimizerConfig,
): SlotShapes {
  const { optimizer } = config;
  if (typeof optimizer === "object") {
    const slots: Record<string, Record<string, readonly number[]>> = {};
    for (const [name, shape] of Object.entries(shapes)) {
      for (const [slot, own] of Object.entries(optimizer.init(name, shape))) (slots[slot] ??= {})[name] = own;
    }
    return slots;
  }
  if (optimizer === "muon") {
    const { matrices: momentum, others } = splitForMuon(shapes, (shape) => shape);
    return { momentum, m: others, v: others };
  }
  if (config.optimizer !== "sgd") return { m: shapes, v: shapes };
  return config.momentum > 0 ? { momentum: shapes } : {};
}

/** Returns the optimizer state before the first step. All tensors are zeros. */
export function initialOptimizerState(parameters: Parameters, config: OptimizerConfig): OptimizerState {
  return Object.fromEntries(
    Object.entries(slotShapes(shapesOf(parameters), config)).map(([slot, given]) => {
      return [slot, zerosOf(isJoined(slot, config) ? joinedShapes(given) : given)];
    }),
  );
}

/**
 * Returns the global norm of gradients: the square root of the sum of the squares of all elements. A float32 scalar.
 */
export function globalNorm(gradients: Parameters): tf.Scalar {
  return normOf(groupsOf(shapesOf(gradients)).map((group) => joined(gradients, group)));
}

function normOf(vectors: readonly tf.Tensor1D[]): tf.Scalar {
  return tf.sqrt(tf.addN(vectors.map(sumOfSquares)));
}

/** Returns the factor that limits the norm of gradients to `clip`. */
function clipScale(gradNorm: tf.Scalar, clip: number): tf.Tensor {
  return clip > 0 ? tf.minimum(1, tf.div(clip, tf.add(gradNorm, 1e-6))) : tf.scalar(1);
}

/**
 * Clips the gradients and applies one AdamW update.
 *
 * @param state Parameters and moments.
 * @param gradients Gradients before clipping, float32, by parameter.
 * @param step The learning rate and the bias corrections.
 * @param config Settings of AdamW.
 * @returns The new parameters and moments, and the global gradient norm before clipping.
 */
export function adamW(
  state: { parameters: Parameters; moments: Moments },
  gradients: Parameters,
  step: UpdateScalars,
  config: AdamWConfig,
): { parameters: Parameters; moments: Moments; gradNorm: tf.Scalar } {
  const { beta1, beta2, eps, weightDecay, clip } = config;
  const groups = groupsOf(shapesOf(state.parameters));
  const vectors = groups.map((group) => joined(gradients, group));
  const gradNorm = normOf(vectors);
  const scalars = [
    tf.div(step.lr, step.correction1),
    tf.sqrt(step.correction2),
    tf.sub(1, tf.mul(step.lr, weightDecay)),
    clipScale(gradNorm, clip),
  ];
  const next: Parameters = {}, moments: { m: Parameters; v: Parameters } = { m: {}, v: {} };
  groups.forEach((group, i) => {
    const key = groupKey(group), { m, v } = state.moments;
    const flat = (slot: Parameters) => tf.reshape(slot[key]!, [-1]);
    const options = { beta1, beta2, eps, decays: group.matrices && weightDecay > 0 };
    const inputs = [joined(state.parameters, group), vectors[i]!, flat(m), flat(v), ...scalars];
    const [p, nextM, nextV] = adamWUpdate(inputs, options) as [tf.Tensor, tf.Tensor, tf.Tensor];
    Object.assign(next, separate(p, group, state.parameters));
    moments.m[key] = tf.reshape(nextM, m[key]!.shape);
    moments.v[key] = tf.reshape(nextV, v[key]!.shape);
  });
  // In the order of checkpoints.
  const parameters = Object.fromEntries(Object.keys(state.parameters).map((name) => [name, next[name]!]));
  return { parameters, moments, gradNorm };
}

/** Applies AdamW to a vector of parameters, fused so that each number is read and written once. */
const adamWUpdate = fused(
  "adamW",
  (inputs, options: Pick<AdamWConfig, "beta1" | "beta2" | "eps"> & { decays: boolean }) => {
    const [p, gradient, formerM, formerV, stepSize, root2, keep, scale] = inputs as [
      ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
      ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    ];
    const { beta1, beta2, eps, decays } = options;
    const g = tf.mul(gradient, scale);
    const m = tf.add(tf.mul(formerM, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(formerV, beta2), tf.mul(tf.square(g), 1 - beta2));
    const update = tf.div(tf.mul(m, stepSize), tf.add(tf.div(tf.sqrt(v), root2), eps));
    return [tf.sub(decays ? tf.mul(p, keep) : p, update), m, v];
  },
);

/**
 * Clips the gradients and applies one update of stochastic gradient descent. For a parameter p with the clipped
 * gradient g, the update is:
 *
 * - g ← g + weightDecay · p, if p has rank 2 or more
 * - buffer ← momentum · buffer + g
 * - p ← p - lr · buffer, or with Nesterov momentum p - lr · (g + momentum · buffer)
 *
 * @param state Parameters, and the slot `momentum` with their buffers. The slot is missing if `config.momentum` is 0.
 * @param gradients Gradients before clipping, float32, by parameter.
 * @param step The learning rate.
 * @param config Settings of SGD.
 * @returns The new parameters and optimizer state, and the global gradient norm before clipping.
 */
export function sgd(
  state: { parameters: Parameters; moments: OptimizerState },
  gradients: Parameters,
  step: { lr: tf.Tensor },
  config: SgdConfig,
): { parameters: Parameters; moments: OptimizerState; gradNorm: tf.Scalar } {
  const { momentum, nesterov = false, weightDecay, clip } = config;
  const gradNorm = globalNorm(gradients), scale = clipScale(gradNorm, clip);
  const parameters: Parameters = {}, buffers: Parameters = {};
  for (const [name, p] of Object.entries(state.parameters)) {
    let direction: tf.Tensor = tf.mul(gradients[name]!, scale);
    if (weightDecay > 0 && p.rank >= 2) direction = tf.add(direction, tf.mul(p, weightDecay));
    if (momentum > 0) {
      const gradient = direction;
      buffers[name] = tf.add(tf.mul(state.moments["momentum"]![name]!, momentum), gradient);
      direction = nesterov ? tf.add(gradient, tf.mul(buffers[name]!, momentum)) : buffers[name]!;
    }
    parameters[name] = tf.sub(p, tf.mul(direction, step.lr));
  }
  return { parameters, moments: momentum > 0 ? { momentum: buffers } : {}, gradNorm };
}

/**
 * Clips the gradients and applies one update of the configured optimizer.
 *
 * @param state Parameters and optimizer state.
 * @param gradients Gradients before clipping, float32, by parameter.
 * @param step Learning rate, number of the update, and AdamW's bias corrections.
 * @param config The optimizer and its settings.
 * @returns The new parameters and optimizer state, and the global gradient norm before clipping.
 */
export function updateParameters(
  state: { parameters: Parameters; moments: OptimizerState },
  gradients: Parameters,
  step: UpdateScalars,
  config: OptimizerConfig,
): { parameters: Parameters; moments: OptimizerState; gradNorm: tf.Scalar } {
  if (config.optimizer === "sgd") return sgd(state, gradients, step, config);
  if (config.optimizer === undefined || config.optimizer === "adamw") {
    return adamW({ ...state, moments: state.moments as Moments }, gradients, step, config as AdamWConfig);
  }
  const gradNorm = globalNorm(gradients), scale = clipScale(gradNorm, config.clip);
  const clipped = Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, tf.mul(g, scale)]));
  if (config.optimizer === "muon") return { ...muonUpdate(state, clipped, step, config), gradNorm };
  const own = config as OwnOptimizerConfig; // the type of AdamW's settings has an optional optimizer
  const { parameters, moments: before } = state;
  return {
    ...ownUpdate({ parameters, gradients: clipped, state: before, lr: step.lr, step: step.step }, own),
    gradNorm,
  };
}

/** Applies Muon to the matrices of blocks, and AdamW to the other parameters. The gradients are clipped already. */
function muonUpdate(
  { parameters, moments }: { parameters: Parameters; moments: OptimizerState },
  gradients: Parameters,
  step: UpdateScalars,
  config: MuonConfig,
): { parameters: Parameters; moments: OptimizerState } {
  const { matrices, others } = splitForMuon(parameters, ({ shape }) => shape);
  const updated = muon({ parameters: matrices, momentum: moments["momentum"]! }, gradients, step, config);
  const { m, v } = moments as Moments;
  const { parameters: rest, moments: restMoments } = adamW(
    { parameters: others, moments: { m, v } },
    Object.fromEntries(Object.keys(others).map((name) => [name, gradients[name]!])),
    step,
    { ...config, optimizer: "adamw", clip: 0 },
  );
  const next = { ...updated.parameters, ...rest };
  return {
    // In the order of checkpoints.
    parameters: Object.fromEntries(Object.keys(parameters).map((name) => [name, next[name]!])),
    moments: { momentum: updated.momentum, ...restMoments },
  };
}

/**
 * Returns the exponential moving average of weights after a step: decay · average + (1 - decay) · weight.
 *
 * @param average The average before the step, by parameter.
 * @param parameters The weights after the step, by parameter.
 * @param decay Decay per step, in (0, 1).
 */
export function movingAverage(average: Parameters, parameters: Parameters, decay: number): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, p]) => [
      name,
      tf.add(tf.mul(average[name]!, decay), tf.mul(p, 1 - decay)),
    ]),
  );
}
