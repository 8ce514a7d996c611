/**
 * Classes of operations, layers, and the observer.
 *
 * A policy's classes and a run's overrides set the format of each class of operations in each layer. An operation with
 * a format rounds its inputs, its result, and the gradients of both to the format.
 *
 * Operations in bfloat16 compute as under `bf16-autocast`. On a GPU, operations in float16 use the device's float16
 * kernels. Operations in other formats compute in float32. Operations without a format follow the policy's lists
 * without overhead.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Format, type OpClass, overrideFor, parseFormat } from "../../precision/mod.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { POLICIES, type Policy } from "../binding/policy.ts";
import type { Observer, Region } from "../binding/region.ts";
import { foldIn } from "./random.ts";
import { roundTo } from "./rounding.ts";
import { castTo, dtypeOf } from "../binding/true_dtype.ts";

/**
 * Runs `work` in a layer, for instance `h.0`.
 *
 * @param layer The layer's name (see `layerNames` of `lib/precision`).
 * @param work Synchronous code.
 * @returns The result of `work`.
 */
export function layerScope<R>(layer: string, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ layer }, work);
}

/**
 * Runs `work` as an operation of a class, for observers. The formats of the class are applied by {@linkcode operation}.
 *
 * @param parts `opClass`; `backward` is true if `work` computes a gradient (default: unchanged).
 */
export function classScope<R>(parts: { opClass: OpClass; backward?: true }, work: () => R): R {
  return currentTensorFlow().binding.regions.within(parts, work);
}

/**
 * Returns the layer if overrides are set, else "". Compiled functions keep one trace per policy and layer.
 *
 * @internal
 */
export function layerOfTrace({ policy: { overrides = [] }, layer }: Region): string {
  return overrides.length === 0 ? "" : layer;
}

/**
 * Runs `work` with a key of stochastic rounding. The n-th rounding uses `foldIn(key, n)`.
 *
 * @internal
 */
export function withRoundingKey<R>(key: tf.Tensor | undefined, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ rounding: { key, draws: 0 } }, work);
}

/**
 * Runs `work` with the random numbers of an earlier run, for values that are recomputed instead of stored.
 *
 * @param draws The result of {@linkcode roundingDraws} before the first run.
 *
 * @internal
 */
export function withDrawsFrom<R>(draws: number, work: () => R): R {
  const { binding } = currentTensorFlow();
  return binding.regions.within({ rounding: { key: binding.regions.current.rounding.key, draws } }, work);
}

/**
 * Returns the number of stochastic roundings in the region so far.
 *
 * @internal
 */
export function roundingDraws(): number {
  return currentTensorFlow().binding.regions.current.rounding.draws;
}

/**
 * Passes a tensor to the active observer, if any.
 *
 * @param what The quantity: `residual`, `scores`, `weights`, `activation` or `logits`.
 * @param tensor The tensor to observe.
 * @returns The same tensor.
 */
export function observe<X extends tf.Tensor>(what: string, tensor: X): X {
  const { observer, layer } = currentTensorFlow().binding.regions.current;
  observer?.(what, layer, tensor);
  return tensor;
}

/** Returns whether an observer is active. */
export function isObserved(): boolean {
  return currentTensorFlow().binding.regions.current.observer !== undefined;
}

/**
 * Runs synchronous code with an observer of the tensors passed to {@linkcode observe}.
 *
 * @param observer The function that receives each tensor.
 * @param work The code to run.
 * @returns The result of `work`.
 */
export function withObserver<R>(observer: Observer, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ observer }, work);
}

/**
 * Returns the format of a class of operations in a layer, under the active policy and overrides.
 *
 * @param opClass The class.
 * @param layer The layer. Default: the current one.
 * @returns The format, or undefined if none is set. The policy's lists apply then.
 */
export function formatOf(opClass: OpClass, layer?: string): Format | undefined {
  const { current: region } = currentTensorFlow().binding.regions;
  return formatUnder(region.policy, { layer: layer ?? region.layer, opClass });
}

/**
 * Returns the format that a policy and its overrides set for a class of operations in a layer.
 *
 * @internal
 */
export function formatUnder(
  { overrides = [], classes }: Pick<Policy, "overrides" | "classes">,
  scope: { layer: string; opClass: OpClass },
): Format | undefined {
  const name = overrideFor(overrides, scope) ?? classes[scope.opClass];
  return name === undefined ? undefined : parseFormat(name);
}

/**
 * Creates an operation of a class. The operation applies the active policy itself, forward and backward: the format
 * of its class if set, else the policy's lists.
 *
 * @param opClass The operation's class.
 * @param body The computation, in TF.js ops and other operations. It receives the floating inputs in order, then the
 * call's options.
 * @returns The operation. It rounds its result to the format, if one is set.
 */
export function operation<I extends readonly tf.Tensor[], O extends unknown[]>(
  opClass: OpClass,
  body: (inputs: I, ...options: O) => tf.Tensor,
): (inputs: I, ...options: O) => tf.Tensor {
  return (inputs, ...options) => {
    const format = formatOf(opClass);
    if (format === undefined) return classScope({ opClass }, () => body(inputs, ...options));
    const policy = arithmeticOf(format);
    const widen = policy === POLICIES.float32;
    return currentTensorFlow().binding.regions.within({ policy, opClass }, () => {
      const values = inputs.map((input) => boundary(input, format, widen));
      return boundary(body(values as unknown as I, ...options), format, false);
    });
  };
}

/** Rounds a tensor and its gradient to the format of a class. Returns the tensor itself if no format is set. */
export function rounded(opClass: OpClass, x: tf.Tensor): tf.Tensor {
  const format = formatOf(opClass);
  return format === undefined ? x : boundary(x, format, false);
}

/**
 * Returns the policy that applies inside an operation with this format. The inputs are already rounded.
 *
 * Products of float16 numbers are computed in float32 on a CPU. TensorFlow's own float16 kernels there (Eigen's where
 * oneDNN has none) accumulate in float32 too. They give the same bits at the same speed, but have no product with a
 * bias.
 */
function arithmeticOf(format: Format): Policy {
  if (format.storage === "bfloat16") return POLICIES["bf16-autocast"];
  const { binding } = currentTensorFlow();
  return format.storage === "float16" && binding.isUsingGpuDevice() ? FLOAT16 : POLICIES.float32;
}

/** Policy that computes products of float16 numbers with the device's own kernels. */
const FLOAT16: Policy = { ...POLICIES["bf16-autocast"], name: "float16", lowType: DataType.HALF };

/**
 * Rounds a tensor to a format, and its gradient in the backward pass.
 *
 * @param widen Whether to return float32, which holds all values of the format.
 */
function boundary(x: tf.Tensor, format: Format, widen: boolean): tf.Tensor {
  const from = dtypeOf(x);
  // Rounding float32 to float32 is the identity.
  if (from === DataType.FLOAT && format.name === "float32") return x;
  const cross = (tensor: tf.Tensor, to: number | undefined) => {
    const rounded = roundTo(tensor, format, format.rounding === "stochastic" ? nextKey() : undefined);
    const dtype = to ?? dtypeOf(rounded);
    // TF.js disposes of each result separately: the result must not share the input's tensor.
    return rounded !== tensor && dtypeOf(rounded) === dtype ? rounded : castTo(rounded, dtype);
  };
  return tf.customGrad((input) => ({
    value: cross(input as tf.Tensor, widen ? DataType.FLOAT : undefined),
    gradFunc: (dy: tf.Tensor) => cross(dy, from),
  }))(x);
}

/** Returns the region's next key. */
function nextKey(): tf.Tensor {
  const { rounding } = currentTensorFlow().binding.regions.current;
  return foldIn(rounding.key ?? tf.tensor1d([0, 0], "int32"), rounding.draws++);
}
