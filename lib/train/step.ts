/**
 * One training step: forward, backward, clipping, the optimizer and the moving average, as functions of tensors.
 *
 * A step is one native call. With accumulation it is one for each micro-batch and one for the update, so that no more
 * than a micro-batch's activations are held.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type GptConfig, gptLogits, type Parameters } from "../model/mod.ts";
import { describePolicy, type PrecisionOverride } from "../precision/mod.ts";
import { autocast, compile, foldIn, type PolicyName, type TensorTree, toFloat32 } from "../tensorflow/mod.ts";
import type { LossSums } from "../tensorflow/ops/blocked_cross_entropy.ts";
import type { Criterion } from "./trainer_options.ts";
import { type BatchTensors, type LossConfig, type ScaledBatch, trainingLoss } from "./loss.ts";
import { movingAverage, type OptimizerConfig, type OptimizerState, updateParameters } from "./optimizer.ts";
import { observeForward, type Probes, type ProbeTensors, readProbes, updateFigures } from "./probes.ts";
import { tokenScale } from "../tensorflow/ops/cross_entropy_loss.ts";
import { choose, lossScale, nextScaler } from "./scaler.ts";
import { roundUpdate, stateFormats } from "./state_format.ts";

/**
 * What a run trains, on the device: float32 tensors, which are the master weights, or hold the values of the format that
 * the class `optimizer` has.
 */
export interface TrainState {
  /** Weights. */
  readonly parameters: Parameters;
  /** What the optimizer keeps: AdamW's moments, or SGD's momentum. */
  readonly moments: OptimizerState;
  /** The moving average of the weights, where there is one. */
  readonly ema?: Parameters | undefined;
  /** The gradient scaler, where the policy has one: float32 [2], as `initialScaler` of `scaler.ts` makes it. */
  readonly scaler?: tf.Tensor | undefined;
}

/** How steps are computed. */
export interface StepConfig {
  /** The model's sizes. */
  readonly model: GptConfig;
  /** The optimizer and its settings. */
  readonly optimizer: OptimizerConfig;
  /** The precision policy. */
  readonly policy: PolicyName;
  /** Formats of layers and classes of operations, which count before the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** `graph`: the whole step is one native call. `eager`: op by op, to look inside. */
  readonly execution: "graph" | "eager";
  /** What is minimized. Default: the mean loss of all positions. */
  readonly loss?: LossConfig | undefined;
  /** A loss in place of cross entropy: from logits [B, T, V] and targets to a scalar. */
  readonly criterion?: Criterion | undefined;
  /** Micro-batches that a batch is computed in, a divisor of B; their gradients are weighted by tokens. Default: 1. */
  readonly accumulate?: number | undefined;
  /** Decay of the weights' moving average, in [0, 1); 0 (default): there is none. */
  readonly emaDecay?: number | undefined;
}

/** The results of a step, the new state on the device. */
export interface StepResult {
  /** The new state; the caller owns it. */
  readonly state: TrainState;
  /** Loss before the update, nats per token, without smoothing and z-loss. */
  readonly loss: number;
  /** Global norm of the gradient before clipping; not finite where the step was skipped. */
  readonly gradNorm: number;
  /** What the loss was multiplied with, where the policy scales it. */
  readonly lossScale?: number;
  /** Figures of the step, where they were asked for. */
  readonly probes?: Probes;
}

/**
 * The loss and the gradients of every parameter, both in float32.
 *
 * @param batch Inputs, targets, and what their sums are scaled by, as in {@linkcode trainingLoss}.
 * @returns `loss` in nats per token, without smoothing and z-loss; `gradients` by parameter, of what is minimised.
 */
export function lossAndGradients(
  parameters: Parameters,
  batch: ScaledBatch,
  config: Pick<StepConfig, "model" | "policy" | "overrides" | "loss" | "criterion">,
): { loss: tf.Scalar; gradients: Parameters } {
  const names = Object.keys(parameters);
  const { policy, overrides } = config;
  return autocast({ policy, overrides, roundingKey: batch.roundingKey }, () => {
    let plain: tf.Scalar | undefined; // the loss beside what is minimised, where they are two
    const fn = (...values: tf.Tensor[]) => {
      const record = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      const { objective, nll } = config.criterion === undefined
        ? trainingLoss(record, batch, config.model, config.loss)
        : criterionLoss(record, batch, { ...config, criterion: config.criterion });
      if (nll !== objective) plain = nll;
      return objective;
    };
    const { value, grads } = tf.valueAndGrads(fn)(names.map((name) => parameters[name]!));
    // The backward pass of a lowered product is rounded to its type; the optimizer works on float32.
    const unscaled = (gradient: tf.Tensor) =>
      batch.lossScale === undefined ? toFloat32(gradient) : tf.div(toFloat32(gradient), batch.lossScale);
    const gradients = Object.fromEntries(names.map((name, i) => [name, unscaled(grads[i]!)]));
    if (plain === undefined) return { loss: value as tf.Scalar, gradients };
    value.dispose();
    const loss = tf.clone(plain); // in the caller's scope, which the kept one is not
    plain.dispose();
    return { loss, gradients };
  });
}

/** The loss that a criterion computes; of a micro-batch, its share of the whole batch's mean. */
function criterionLoss(
  parameters: Parameters,
  batch: ScaledBatch,
  { model, criterion }: { model: GptConfig; criterion: Criterion },
): LossSums {
  const [B, T] = batch.x.shape;
  const logits = tf.reshape(gptLogits(parameters, batch.x, model, batch), [B, T, model.vocabSize]);
  const value = toFloat32(criterion(logits as tf.Tensor3D, batch.y));
  if (value.size !== 1) {
    throw new TypeError(`Cannot train: expected loss() to return a scalar, got shape [${value.shape}].`);
  }
  const scalar = tf.reshape(value, []) as tf.Scalar;
  const nll = batch.scale === undefined
    ? scalar
    : tf.mul(scalar, tf.mul(batch.scale, batch.y.size)) as tf.Scalar;
  if (batch.lossScale === undefined) return { objective: nll, nll };
  return { objective: tf.mul(nll, batch.lossScale) as tf.Scalar, nll: tf.keep(nll) };
}

/** A training step that can be called again and again; `using` or `dispose` frees its trace. */
export interface TrainStep extends Disposable {
  /**
   * Runs one step and disposes of the state that it replaces.
   *
   * @param state What the last step returned.
   * @param batch int32 [B, T] `x` and `y`, and the keys of this step's dropout and rounding; the caller owns them.
   * @param at The step from 1, its learning rate, and whether to take probes (default: no), which needs a whole batch:
   * `accumulate` 1.
   */
  (state: TrainState, batch: BatchTensors, at: { step: number; lr: number; probed?: boolean }): StepResult;
}

/** A state as compiled functions take and return it: records that may be empty. */
type StateTree = {
  parameters: Parameters;
  moments: Record<string, Parameters>;
  ema: Parameters;
  scaler: tf.Tensor[];
};
/** The gradients and the loss of what has been seen of a batch; `loss` is empty before its first part. */
type Sums = { gradients: Parameters; loss: tf.Tensor[] };
/** What an update makes. */
type Updated = StateTree & { figures: tf.Tensor; probes: ProbeTensors };

/** Makes the training step of a run. */
export function createTrainStep(config: StepConfig): TrainStep {
  const { accumulate = 1, emaDecay = 0, optimizer } = config;
  const update = (
    state: StateTree,
    { gradients, loss }: Sums,
    { scalars, roundingKey }: { scalars: tf.Tensor1D; roundingKey?: tf.Tensor },
  ): Updated => {
    const [lr, correction1, correction2] = tf.unstack(scalars) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const at = { lr, correction1, correction2 };
    const updated = updateParameters(state, gradients, at, optimizer);
    const formats = stateFormats(Object.keys(state.parameters), config);
    const { parameters, moments } = roundUpdate(state, updated, { formats, key: roundingKey });
    const ema = emaDecay > 0 ? movingAverage(state.ema, parameters, emaDecay) : {};
    const [scaler] = state.scaler;
    const figures = [toFloat32(loss[0]!), updated.gradNorm];
    if (scaler === undefined) {
      return { parameters, moments, ema, scaler: [], figures: tf.stack(figures), probes: {} };
    }
    // The norm has a square of every gradient in it.
    const finite = tf.isFinite(updated.gradNorm);
    return {
      parameters: choose(finite, parameters, state.parameters),
      moments: Object.fromEntries(
        Object.entries(moments).map(([slot, values]) => [slot, choose(finite, values, state.moments[slot]!)]),
      ),
      ema: choose(finite, ema, state.ema),
      scaler: [nextScaler(scaler, finite)],
      figures: tf.stack([...figures, lossScale(scaler)]),
      probes: {},
    };
  };
  const addTo = (sums: Sums, parameters: Parameters, batch: ScaledBatch): Sums => {
    const { loss, gradients } = lossAndGradients(parameters, batch, config);
    const [former] = sums.loss;
    if (former === undefined) return { gradients, loss: [loss] };
    const added = Object.entries(gradients).map(([name, g]) => [name, tf.add(sums.gradients[name]!, g)]);
    return { gradients: Object.fromEntries(added), loss: [tf.add(former, loss)] };
  };
  const none: Sums = { gradients: {}, loss: [] };
  const whole = runner(
    config.execution,
    "the training step",
    (state: StateTree, batch: BatchTree, scalars: tf.Tensor1D) => {
      const scaled = { ...batch, ...scaleOf(state) } as unknown as ScaledBatch;
      return update(state, addTo(none, state.parameters, scaled), { scalars, ...keyOf(batch) });
    },
  );
  const probed = runner(
    config.execution,
    "the training step with probes",
    (state: StateTree, batch: BatchTree, scalars: tf.Tensor1D) => {
      const scaled = { ...batch, ...scaleOf(state) } as unknown as ScaledBatch;
      const { result: sums, figures } = observeForward(
        scaled,
        config.model,
        () => addTo(none, state.parameters, scaled),
      );
      const after = update(state, sums, { scalars, ...keyOf(batch) });
      const given = { gradients: sums.gradients, wide: float32Gradients(state.parameters, scaled, config) };
      const updates = updateFigures({ ...given, before: state.parameters, after }, config);
      return { ...after, probes: { ...figures, ...updates } };
    },
  );
  const part = runner(
    config.execution,
    "a micro-batch",
    (sums: Sums, parameters: Parameters, batch: BatchTree) =>
      addTo(sums, parameters, batch as unknown as ScaledBatch),
  );
  const finish = runner(config.execution, "the update", update);

  /** Micro-batches one after the other, each weighted by the whole batch's number of targets. */
  const inParts = (state: StateTree, batch: BatchTensors, scalars: tf.Tensor1D) => {
    // Micro-batches of a criterion weigh the same: only it knows which targets count.
    const ignoreIndex = config.criterion === undefined ? config.loss?.ignoreIndex : undefined;
    const scale = tf.tidy(() => tokenScale(batch.y, ignoreIndex));
    let sums = none;
    for (let i = 0; i < accumulate; i++) {
      const micro = tf.tidy(() => ({ ...microBatch(batch, { i, of: accumulate }), ...scaleOf(state) }));
      const former = sums;
      sums = part.run(former, state.parameters, { ...micro, scale });
      tf.dispose([micro, former]);
    }
    const result = finish.run(state, sums, { scalars, ...keyOf(batch) });
    tf.dispose([scale, sums]);
    return result;
  };

  const call = (
    state: TrainState,
    batch: BatchTensors,
    at: { step: number; lr: number; probed?: boolean },
  ): StepResult => {
    if (at.probed && accumulate > 1) {
      throw new RangeError(
        `Cannot take probes of a batch in parts: accumulate must be 1: it is ${accumulate}`,
      );
    }
    if (describePolicy(config.policy).scaled && state.scaler === undefined) {
      throw new TypeError(
        `Cannot train under ${config.policy}: expected a state with a gradient scaler, got none. Use createTrainer().`,
      );
    }
    const { beta1, beta2 } = optimizer.optimizer === "sgd" ? { beta1: 0, beta2: 0 } : optimizer;
    const scalars = tf.tensor1d([at.lr, 1 - beta1 ** at.step, 1 - beta2 ** at.step]);
    const tree: StateTree = {
      parameters: state.parameters,
      moments: { ...state.moments },
      ema: emaDecay > 0 ? state.ema ?? state.parameters : {},
      scaler: state.scaler === undefined ? [] : [state.scaler],
    };
    const { parameters, moments, ema, scaler: [scaler], figures, probes } = accumulate > 1
      ? inParts(tree, batch, scalars)
      : (at.probed ? probed : whole).run(tree, treeOf(batch), scalars);
    const [loss, gradNorm, scale] = figures.dataSync() as unknown as [number, number, number?];
    tf.dispose([scalars, figures]);
    disposeState(state);
    return {
      state: { parameters, moments, ...(emaDecay > 0 && { ema }), ...(scaler && { scaler }) },
      loss,
      gradNorm,
      ...(scale !== undefined && { lossScale: scale }),
      ...(at.probed && { probes: readProbes(probes) }),
    };
  };
  return Object.defineProperties(call as TrainStep, {
    [Symbol.dispose]: {
      value: () => {
        for (const one of [whole, probed, part, finish]) one.dispose();
      },
    },
  });
}

/** A batch as compiled functions take it: a record of the tensors that there are. */
type BatchTree = Record<string, tf.Tensor>;

function treeOf({ x, y, dropoutKey, roundingKey }: BatchTensors): BatchTree {
  return { x, y, ...(dropoutKey && { dropoutKey }), ...(roundingKey && { roundingKey }) };
}

/** Gradients of the same weights on the same batch in float32; undefined: the step's own are those. */
function float32Gradients(
  parameters: Parameters,
  { lossScale: _scale, roundingKey: _key, ...batch }: ScaledBatch,
  { policy, overrides = [], ...config }: StepConfig,
): Parameters | undefined {
  if (policy === "float32" && overrides.length === 0) return undefined;
  const { loss, gradients } = lossAndGradients(parameters, batch, {
    ...config,
    policy: "float32",
    overrides: [],
  });
  loss.dispose();
  return gradients;
}

/** The factor of a state's scaler, where it has one. */
function scaleOf({ scaler: [scaler] }: StateTree): { lossScale?: tf.Scalar } {
  return scaler === undefined ? {} : { lossScale: lossScale(scaler) };
}

/** What an update's rounding draws from, where it does. */
function keyOf({ roundingKey }: { roundingKey?: tf.Tensor | undefined }): { roundingKey?: tf.Tensor } {
  return roundingKey === undefined ? {} : { roundingKey };
}

/** Part `i` of a batch's rows, and keys of its own. */
function microBatch(
  { x, y, dropoutKey, roundingKey }: BatchTensors,
  { i, of }: { i: number; of: number },
): BatchTree {
  const [B, T] = x.shape;
  const rows = B / of;
  if (!Number.isInteger(rows)) {
    throw new RangeError(
      `Cannot split a batch into ${of} micro-batches: B must be a multiple of it: B is ${B}`,
    );
  }
  const [partX, partY] = [x, y].map((ids) => tf.slice(ids, [i * rows, 0], [rows, T])) as [
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  return treeOf({
    x: partX,
    y: partY,
    ...(dropoutKey && { dropoutKey: foldIn(dropoutKey, i) }),
    ...(roundingKey && { roundingKey: foldIn(roundingKey, i) }),
  });
}

/** A function of tensors, compiled at its first call or run op by op; its results are the caller's. */
function runner<A extends readonly TensorTree[], R extends TensorTree & tf.TensorContainer>(
  execution: "graph" | "eager",
  name: string,
  fn: (...args: A) => R,
): { run: (...args: A) => R; dispose: () => void } {
  if (execution === "eager") return { run: (...args) => tf.tidy(() => fn(...args)), dispose: () => {} };
  const compiled = compile(fn, { name });
  return { run: compiled, dispose: () => compiled.dispose() };
}

/** Disposes of a state's tensors. */
export function disposeState({ parameters, moments, ema, scaler }: TrainState): void {
  tf.dispose([{ ...parameters }, ...Object.values(moments).map((slot) => ({ ...slot })), { ...ema }]);
  scaler?.dispose();
}
