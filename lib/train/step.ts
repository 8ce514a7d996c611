/**
 * One training step: forward, backward, clipping and AdamW, as one function of tensors.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import { autocast, compile, type PolicyName, toFloat32 } from "../tensorflow/mod.ts";
import { type BatchTensors, meanLoss } from "./loss.ts";
import { adamW, type AdamWConfig, type Moments } from "./optimizer.ts";

/** What a run trains, on the device. float32 whatever the policy: these are the master weights. */
export interface TrainState {
  /** Weights. */
  readonly parameters: Parameters;
  /** AdamW's moments. */
  readonly moments: Moments;
}

/** How steps are computed. */
export interface StepConfig {
  /** The model's sizes. */
  readonly model: GptConfig;
  /** AdamW's settings. */
  readonly optimizer: AdamWConfig;
  /** The precision policy. */
  readonly policy: PolicyName;
  /** `graph`: the whole step is one native call. `eager`: op by op, to look inside. */
  readonly execution: "graph" | "eager";
}

/** The results of a step, the new state on the device. */
export interface StepResult {
  /** The new state; the caller owns it. */
  readonly state: TrainState;
  /** Loss before the update, nats per token. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
}

/**
 * The loss and the gradients of every parameter, both in float32.
 *
 * @returns `loss` in nats per token; `gradients` by parameter.
 */
export function lossAndGradients(
  parameters: Parameters,
  batch: BatchTensors,
  config: { model: GptConfig; policy: PolicyName },
): { loss: tf.Scalar; gradients: Parameters } {
  const names = Object.keys(parameters);
  return autocast(config.policy, () => {
    const fn = (...values: tf.Tensor[]) =>
      meanLoss(Object.fromEntries(names.map((name, i) => [name, values[i]!])), batch, config.model);
    const { value, grads } = tf.valueAndGrads(fn)(names.map((name) => parameters[name]!));
    // The backward pass of a lowered product is rounded to its type; the optimizer works on float32.
    const gradients = Object.fromEntries(names.map((name, i) => [name, toFloat32(grads[i]!)]));
    return { loss: value as tf.Scalar, gradients };
  });
}

/** A training step that can be called again and again; `using` or `dispose` frees its trace. */
export interface TrainStep extends Disposable {
  /**
   * Runs one step and disposes of the state that it replaces.
   *
   * @param state What the last step returned.
   * @param batch int32 [B, T] `x` and `y`; the caller owns them.
   * @param at The step from 1, and its learning rate.
   */
  (state: TrainState, batch: BatchTensors, at: { step: number; lr: number }): StepResult;
}

/** Makes the training step of a run. */
export function createTrainStep(config: StepConfig): TrainStep {
  const update = (
    state: { parameters: Parameters; m: Parameters; v: Parameters },
    x: tf.Tensor2D,
    y: tf.Tensor2D,
    scalars: tf.Tensor1D,
  ) => {
    const { loss, gradients } = lossAndGradients(state.parameters, { x, y }, config);
    const [lr, correction1, correction2] = tf.unstack(scalars) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { parameters, moments, gradNorm } = adamW(
      { parameters: state.parameters, moments: { m: state.m, v: state.v } },
      gradients,
      { lr, correction1, correction2 },
      config.optimizer,
    );
    return { parameters, m: moments.m, v: moments.v, figures: tf.stack([toFloat32(loss), gradNorm]) };
  };
  const compiled = config.execution === "graph" ? compile(update, { name: "the training step" }) : undefined;
  const run = compiled ?? ((...args: Parameters4) => tf.tidy(() => update(...args)));
  type Parameters4 = [...globalThis.Parameters<typeof update>];

  const call = (state: TrainState, batch: BatchTensors, at: { step: number; lr: number }): StepResult => {
    const { beta1, beta2 } = config.optimizer;
    const scalars = tf.tensor1d([at.lr, 1 - beta1 ** at.step, 1 - beta2 ** at.step]);
    const { parameters, m, v, figures } = run(
      { parameters: state.parameters, m: state.moments.m, v: state.moments.v },
      batch.x,
      batch.y,
      scalars,
    );
    const [loss, gradNorm] = (figures as tf.Tensor).dataSync() as unknown as [number, number];
    tf.dispose([scalars, figures as tf.Tensor, { ...state.parameters }, { ...state.moments.m }, {
      ...state.moments.v,
    }]);
    return { state: { parameters, moments: { m, v } }, loss, gradNorm };
  };
  return Object.defineProperties(call as TrainStep, {
    [Symbol.dispose]: { value: () => compiled?.dispose() },
  });
}
