/**
 * The training step: forward pass, backward pass, clipping, update and moving average, as functions of tensors.
 *
 * A compiled step is one native call. With gradient accumulation, there is one call per micro-batch and one for the
 * update, so that the activations of only one micro-batch are in memory at a time.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import { describePolicy, type PrecisionOverride } from "../precision/mod.ts";
import { compile, type PolicyName, type TensorTree } from "../tensorflow/mod.ts";
import { classScope } from "../tensorflow/precision/scope.ts";
import { markResult } from "../tensorflow/precision/watch.ts";
import type { Criterion, Execution } from "./trainer_options.ts";
import { type BatchTree, keyOf, microBatch, treeOf } from "./_micro_batch.ts";
import { type StateTree, type Sums, type Updated, type UpdateInput, updateState } from "./_state_update.ts";
import { delayedOperands, delayedProbes } from "./amax.ts";
import { addErrors, coherenceFigures, coherenceParts, type ErrorSums } from "./coherence.ts";
import { lossAndGradients } from "./gradients.ts";
import type { BatchTensors, LossConfig, ScaledBatch } from "./loss.ts";
import type { OptimizerConfig, OptimizerState } from "./optimizer.ts";
import {
  mergeProbes,
  observeForward,
  type Probes,
  type ProbeTensors,
  readProbes,
  updateFigures,
} from "./probes.ts";
import { tokenScale } from "../tensorflow/ops/cross_entropy_loss.ts";
import { lossScale } from "./scaler.ts";

/**
 * Training state on the device. All tensors are float32. If the precision sets a number format for the operation class
 * `optimizer`, weights and optimizer state are rounded to that format.
 */
export interface TrainState {
  /** Weights. */
  readonly parameters: Parameters;
  /** Optimizer state, such as AdamW's moments. */
  readonly moments: OptimizerState;
  /** Moving average of the weights. Undefined if `emaDecay` is 0. */
  readonly ema?: Parameters | undefined;
  /**
   * Largest magnitudes in previous steps of each operand with delayed scaling: float32 [n] by operand, created by
   * `initialHistories` of `amax.ts`.
   */
  readonly amax?: Parameters | undefined;
  /** State of the gradient scaler, if the policy has one: float32 [2], created by `initialScaler` of `scaler.ts`. */
  readonly scaler?: tf.Tensor | undefined;
  /**
   * Number of steps that the gradient scaler skipped. AdamW's bias corrections do not count skipped steps. Default: 0.
   */
  readonly skipped?: number | undefined;
}

/** Configuration of a training step. */
export interface StepConfig {
  /** Config of the model. */
  readonly model: GptConfig;
  /** The optimizer and its settings. */
  readonly optimizer: OptimizerConfig;
  /** The precision policy. */
  readonly policy: PolicyName;
  /** Number formats of layers and operation classes that override the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** `graph`: compiled, a native call per step. `eager`: a call per op, for debugging. */
  readonly execution: Execution;
  /** Regularization and padding of the cross entropy. Default: the mean cross entropy of all positions. */
  readonly loss?: LossConfig | undefined;
  /**
   * A user-written loss that replaces the cross entropy. It maps logits [B, T, V] and targets int32 [B, T] to a scalar.
   */
  readonly criterion?: Criterion | undefined;
  /**
   * Number of micro-batches per batch, a divisor of B. Micro-batches are weighted by their number of targets, or
   * equally with a user-written loss. Default: 1.
   */
  readonly accumulate?: number | undefined;
  /** Decay of the weights' moving average, in [0, 1). Default: 0, no moving average. */
  readonly emaDecay?: number | undefined;
}

/** Result of a step. */
export interface StepResult {
  /** Training state after the step, on the device. The caller owns the state. */
  readonly state: TrainState;
  /** Loss before the update in nats per token, without label smoothing and z-loss. */
  readonly loss: number;
  /** Global gradient norm before clipping. Not finite if the gradient scaler skipped the update. */
  readonly gradNorm: number;
  /** Factor of the gradient scaler in this step. Omitted if the policy has no gradient scaler. */
  readonly lossScale?: number;
  /** Probes of the step. Omitted unless requested. */
  readonly probes?: Probes;
}

/** A compiled training step. `using` frees the compiled functions. */
export interface TrainStep extends Disposable {
  /**
   * Runs one step, and frees the given state.
   *
   * @param state The training state before the step.
   * @param batch Inputs and targets, int32 [B, T], and the keys of dropout and stochastic rounding. The caller owns
   * them.
   * @param at `step`: number of the step, from 1. `lr`: learning rate. `probed`: true to compute probes, which requires
   * `accumulate` 1 (default: false).
   */
  (state: TrainState, batch: BatchTensors, at: { step: number; lr: number; probed?: boolean }): StepResult;
}

/** Creates a training step. It is compiled at its first call. */
export function createTrainStep(config: StepConfig): TrainStep {
  const { accumulate = 1, emaDecay = 0, optimizer } = config;
  const update = (state: StateTree, sums: Sums, input: UpdateInput): Updated =>
    classScope({ opClass: "optimizer" }, () => updateState(state, sums, input, config));
  const addTo = (sums: Sums, parameters: Parameters, batch: ScaledBatch): Sums => {
    const { loss, gradients, amax } = lossAndGradients(parameters, batch, config);
    const [former] = sums.loss;
    if (former === undefined) return { gradients, loss: [loss], amax };
    const added = Object.entries(gradients).map(([name, g]) => [name, tf.add(sums.gradients[name]!, g)]);
    const most = Object.entries(amax).map(([name, value]) => [name, tf.maximum(sums.amax[name]!, value)]);
    return {
      gradients: Object.fromEntries(added),
      loss: [tf.add(former, loss)],
      amax: Object.fromEntries(most),
    };
  };
  const none: Sums = { gradients: {}, loss: [], amax: {} };
  const delayed = delayedOperands(config.model, config);
  const whole = runner(
    config.execution,
    "the training step",
    (state: StateTree, batch: BatchTree, scalars: tf.Tensor1D) => {
      const scaled = { ...batch, ...scaleOf(state), histories: state.amax } as unknown as ScaledBatch;
      return update(state, addTo(none, state.parameters, scaled), { scalars, ...keyOf(batch) });
    },
  );
  const probed = runner(
    config.execution,
    "the training step with probes",
    (state: StateTree, batch: BatchTree, scalars: tf.Tensor1D) => {
      const scaled = { ...batch, ...scaleOf(state), histories: state.amax } as unknown as ScaledBatch;
      const { result: sums, figures } = observeForward(
        scaled,
        config.model,
        () => addTo(none, state.parameters, scaled),
      );
      const after = update(state, sums, { scalars, ...keyOf(batch) });
      const given = { gradients: sums.gradients, wide: float32Gradients(state.parameters, scaled, config) };
      const updates = updateFigures({ ...given, before: state.parameters, after }, config);
      const scales = Object.entries(sums.amax).map(([name, amax]) =>
        [name, delayedProbes(delayed[name]!, { history: state.amax[name]!, amax })] as const
      );
      return { ...after, probes: { ...figures, ...updates, ...Object.fromEntries(scales) } };
    },
  );
  const part = runner(
    config.execution,
    "a micro-batch",
    (sums: Sums, parameters: Parameters, batch: BatchTree) =>
      addTo(sums, parameters, batch as unknown as ScaledBatch),
  );
  const finish = runner(config.execution, "the update", update);
  const errors = runner(
    config.execution,
    "the gradient errors of a micro-batch",
    (sums: ErrorSums, parameters: Parameters, batch: BatchTree) => {
      const scaled = batch as unknown as ScaledBatch;
      const { loss, gradients } = lossAndGradients(parameters, scaled, config);
      loss.dispose();
      return addErrors(sums, gradients, float32Gradients(parameters, scaled, config)!);
    },
  );

  /** Runs micro-batches in order, each weighted by the whole batch's number of targets. */
  const inMicroBatches = <S extends TensorTree & tf.TensorContainer>(
    { run }: { run: (sums: S, parameters: Parameters, batch: BatchTree) => S },
    { state, batch, of, begin }: { state: StateTree; batch: BatchTensors; of: number; begin: S },
  ): S => {
    // Micro-batches of a custom loss have equal weights: only the custom loss determines which targets count.
    const ignoreIndex = config.criterion === undefined ? config.loss?.ignoreIndex : undefined;
    const scale = tf.tidy(() => tokenScale(batch.y, ignoreIndex));
    let sums = begin;
    for (let i = 0; i < of; i++) {
      const micro = tf.tidy(() => ({ ...microBatch(batch, { i, of }), ...scaleOf(state) }));
      const former = sums;
      sums = run(former, state.parameters, { ...micro, scale, histories: state.amax });
      tf.dispose([micro, former]);
    }
    scale.dispose();
    return sums;
  };
  const inParts = (state: StateTree, batch: BatchTensors, scalars: tf.Tensor1D) => {
    const sums = inMicroBatches(part, { state, batch, of: accumulate, begin: none });
    const result = finish.run(state, sums, { scalars, ...keyOf(batch) });
    tf.dispose(sums);
    return result;
  };
  /** Returns the coherence of gradient errors by layer. None in float32, and for a batch of one sequence. */
  const coherence = (state: StateTree, batch: BatchTensors): Probes => {
    const of = coherenceParts(batch.x.shape[0]);
    if (of < 2 || isFloat32(config)) return {};
    const sums = inMicroBatches(errors, { state, batch, of, begin: { mean: {}, square: {} } as ErrorSums });
    const figures = tf.tidy(() => coherenceFigures(sums) as unknown as tf.TensorContainer);
    tf.dispose(sums);
    return readProbes(figures as unknown as ProbeTensors);
  };

  const call = (
    state: TrainState,
    batch: BatchTensors,
    at: { step: number; lr: number; probed?: boolean },
  ): StepResult => {
    if (at.probed && accumulate > 1) {
      throw new RangeError(
        `Cannot compute probes of a batch in parts: expected accumulate 1, got ${accumulate}`,
      );
    }
    if (describePolicy(config.policy).scaled && state.scaler === undefined) {
      throw new TypeError(
        `Cannot train under ${config.policy}: expected a state with a gradient scaler, got none. Use createTrainer().`,
      );
    }
    const { beta1, beta2 } = "beta1" in optimizer ? optimizer : { beta1: 0, beta2: 0 };
    const { skipped = 0 } = state, updates = at.step - skipped;
    const scalars = tf.tensor1d([at.lr, 1 - beta1 ** updates, 1 - beta2 ** updates, updates]);
    const tree: StateTree = {
      parameters: state.parameters,
      moments: { ...state.moments },
      ema: emaDecay > 0 ? state.ema ?? state.parameters : {},
      amax: state.amax ?? {},
      scaler: state.scaler === undefined ? [] : [state.scaler],
    };
    const ofErrors = at.probed ? coherence(tree, batch) : {}; // before the step replaces the weights
    const { parameters, moments, ema, amax, scaler: [scaler], figures, probes } = accumulate > 1
      ? inParts(tree, batch, scalars)
      : (at.probed ? probed : whole).run(tree, treeOf(batch), scalars);
    for (const result of [figures, ...Object.values(parameters)]) markResult(result);
    const [loss, gradNorm, scale] = figures.dataSync() as unknown as [number, number, number?];
    tf.dispose([scalars, figures]);
    disposeState(state);
    return {
      state: {
        ...{ parameters, moments, amax, ...(emaDecay > 0 && { ema }) },
        ...(scaler && { scaler, skipped: skipped + Number(!Number.isFinite(gradNorm)) }),
      },
      loss,
      gradNorm,
      ...(scale !== undefined && { lossScale: scale }),
      ...(at.probed && { probes: mergeProbes(readProbes(probes), ofErrors) }),
    };
  };
  return Object.defineProperties(call as TrainStep, {
    [Symbol.dispose]: {
      value: () => {
        for (const one of [whole, probed, part, finish, errors]) one.dispose();
      },
    },
  });
}

/** Computes float32's gradients for the same weights and batch. Returns undefined if the step is in float32 itself. */
function float32Gradients(
  parameters: Parameters,
  { lossScale: _scale, roundingKey: _key, ...batch }: ScaledBatch,
  { policy, overrides = [], ...config }: StepConfig,
): Parameters | undefined {
  if (isFloat32({ policy, overrides })) return undefined;
  const { loss, gradients } = lossAndGradients(parameters, batch, {
    ...config,
    policy: "float32",
    overrides: [],
  });
  loss.dispose();
  return gradients;
}

function isFloat32({ policy, overrides = [] }: Pick<StepConfig, "policy" | "overrides">): boolean {
  return policy === "float32" && overrides.length === 0;
}

/** Returns the factor of a state's scaler, if there is one. */
function scaleOf({ scaler: [scaler] }: StateTree): { lossScale?: tf.Scalar } {
  return scaler === undefined ? {} : { lossScale: lossScale(scaler) };
}

/** Wraps a function of tensors: compiled at its first call, or run op by op. The caller owns its results. */
function runner<A extends readonly TensorTree[], R extends TensorTree & tf.TensorContainer>(
  execution: Execution,
  name: string,
  fn: (...args: A) => R,
): { run: (...args: A) => R; dispose: () => void } {
  if (execution === "eager") return { run: (...args) => tf.tidy(() => fn(...args)), dispose: () => {} };
  const compiled = compile(fn, { name });
  return { run: compiled, dispose: () => compiled.dispose() };
}

/** Frees the tensors of a state. */
export function disposeState({ parameters, moments, ema, amax, scaler }: TrainState): void {
  // A loop, because tf.dispose() searches its argument for tensors, at every step.
  for (const record of [parameters, ...Object.values(moments), ema ?? {}, amax ?? {}]) {
    for (const tensor of Object.values(record)) tensor.dispose();
  }
  scaler?.dispose();
}
