/**
 * The update at the end of a training step: optimizer, rounding of the state, moving average, scaling and gradient
 * scaler.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { type Precision, toFloat32 } from "../tensorflow/mod.ts";
import { nextHistories } from "./amax.ts";
import { movingAverage, type OptimizerConfig, updateParameters } from "./optimizer.ts";
import type { ProbeTensors } from "./probes.ts";
import { choose, lossScale, nextScaler } from "./scaler.ts";
import { roundUpdate, stateFormats } from "./state_format.ts";

/** A state in the form that compiled functions accept: records that may be empty. */
export type StateTree = {
  parameters: Parameters;
  moments: Record<string, Parameters>;
  ema: Parameters;
  amax: Parameters;
  scaler: tf.Tensor[];
};
/**
 * Gradients, loss, and largest magnitudes of operands with delayed scaling, accumulated over micro-batches. `loss` is
 * empty before the first micro-batch.
 */
export type Sums = { gradients: Parameters; loss: tf.Tensor[]; amax: Parameters };
/** The result of an update. */
export type Updated = StateTree & { figures: tf.Tensor; probes: ProbeTensors };

/** `scalars`: learning rate, and AdamW's bias corrections. `roundingKey`: key of stochastic rounding. */
export type UpdateInput = { scalars: tf.Tensor1D; roundingKey?: tf.Tensor };

/**
 * Settings of an update: the step's precision, the optimizer, and the decay of the moving average (default: 0,
 * disabled).
 */
export type UpdateConfig = Precision & {
  readonly optimizer: OptimizerConfig;
  readonly emaDecay?: number | undefined;
};

/**
 * Returns the state after a step, the step's loss and gradient norm, and the loss scale if there is a gradient scaler.
 */
export function updateState(
  state: StateTree,
  { gradients, loss, amax: seen }: Sums,
  { scalars, roundingKey }: UpdateInput,
  config: UpdateConfig,
): Updated {
  const { emaDecay = 0, optimizer } = config;
  const [lr, correction1, correction2, step] = tf.unstack(scalars) as [
    ...[tf.Tensor, tf.Tensor],
    ...[tf.Tensor, tf.Tensor],
  ];
  const at = { lr, correction1, correction2, step };
  const { gradNorm, ...wide } = updateParameters(state, gradients, at, optimizer);
  const formats = stateFormats(Object.keys(state.parameters), config);
  const { parameters, moments } = roundUpdate(state, wide, { formats, key: roundingKey });
  const ema = emaDecay > 0 ? movingAverage(state.ema, parameters, emaDecay) : {};
  const amax = nextHistories(state.amax, seen);
  const [scaler] = state.scaler;
  const figures = [toFloat32(loss[0]!), gradNorm];
  if (scaler === undefined) {
    return { parameters, moments, ema, amax, scaler: [], figures: tf.stack(figures), probes: {} };
  }
  // The norm includes a square of every gradient.
  const finite = tf.isFinite(gradNorm);
  return {
    parameters: choose(finite, parameters, state.parameters),
    moments: Object.fromEntries(
      Object.entries(moments).map(([slot, values]) => [slot, choose(finite, values, state.moments[slot]!)]),
    ),
    ema: choose(finite, ema, state.ema),
    amax,
    scaler: [nextScaler(scaler, finite)],
    figures: tf.stack([...figures, lossScale(scaler)]),
    probes: {},
  };
}
