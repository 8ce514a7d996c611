/**
 * Operations know their class, and a model names its layers, so that a policy's classes and a run's overrides can set the
 * format of each.
 *
 * An operation with a format rounds its inputs and its result to the format, and the gradients of both on the way back.
 * Inside, bfloat16 runs as `bf16-autocast` runs its products, and so does float16 on a GPU; every other format computes in
 * float32. An operation without a format is left to the policy's lists, and costs nothing.
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
 * Runs `work` in a layer, `h.0` for instance.
 *
 * @param layer Its name: see `layerNames` of `lib/precision`.
 * @param work Synchronous code; its result is returned.
 */
export function layerScope<R>(layer: string, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ layer }, work);
}

/**
 * Returns the layer where overrides may name it, and "" elsewhere: a function's trace depends on it beside the policy.
 *
 * @internal
 */
export function layerOfTrace({ policy: { overrides = [] }, layer }: Region): string {
  return overrides.length === 0 ? "" : layer;
}

/**
 * Runs `work` with stochastic rounding drawing from a key: the n-th rounding from `foldIn(key, n)`.
 *
 * @internal
 */
export function withRoundingKey<R>(key: tf.Tensor | undefined, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ rounding: { key, draws: 0 } }, work);
}

/**
 * Runs `work` so that its stochastic roundings repeat those of an earlier run: for what is recomputed instead of kept.
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
 * Returns how many stochastic roundings the region has had.
 *
 * @internal
 */
export function roundingDraws(): number {
  return currentTensorFlow().binding.regions.current.rounding.draws;
}

/**
 * Shows a tensor to the active observer, if there is one.
 *
 * @param what The quantity: `residual`, `scores`, `weights`, `activation`, `logits`.
 * @param tensor The tensor.
 * @returns The tensor.
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
 * Runs synchronous code with an observer of the tensors that it shows by {@linkcode observe}.
 *
 * @param observer Receives them.
 * @param work The code; its result is returned.
 */
export function withObserver<R>(observer: Observer, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ observer }, work);
}

/**
 * The format that the region in force sets for a class of operations in a layer.
 *
 * @param opClass The class.
 * @param layer The layer (default: the one that code is in).
 * @returns undefined: none is set, and the policy's lists count.
 */
export function formatOf(opClass: OpClass, layer?: string): Format | undefined {
  const { current: region } = currentTensorFlow().binding.regions;
  return formatUnder(region.policy, { layer: layer ?? region.layer, opClass });
}

/**
 * The format that a policy with overrides sets for a class of operations in a layer.
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
 * Makes an operation of a class, which applies the policy in force by itself, forward and backward: in the format of its
 * class if one is set, else by the policy's lists.
 *
 * @param opClass Its class.
 * @param body The operation, of TF.js ops and other operations. It gets its floating inputs in order, and the options of
 * the call.
 * @returns The operation. Its result is rounded to the format, if one is set.
 */
export function operation<I extends readonly tf.Tensor[], O extends unknown[]>(
  opClass: OpClass,
  body: (inputs: I, ...options: O) => tf.Tensor,
): (inputs: I, ...options: O) => tf.Tensor {
  return (inputs, ...options) => {
    const format = formatOf(opClass);
    if (format === undefined) return body(inputs, ...options);
    const arithmetic = arithmeticOf(format);
    const widen = arithmetic === POLICIES.float32;
    return currentTensorFlow().binding.regions.withPolicy(arithmetic, () => {
      const values = inputs.map((input) => boundary(input, format, widen));
      return boundary(body(values as unknown as I, ...options), format, false);
    });
  };
}

/** Rounds a tensor, and the gradient on its way back, to the format of a class; without a format it is as it was. */
export function rounded(opClass: OpClass, x: tf.Tensor): tf.Tensor {
  const format = formatOf(opClass);
  return format === undefined ? x : boundary(x, format, false);
}

/**
 * The policy inside of an operation, whose inputs are rounded to its format. Products of float16 numbers are computed
 * in float32 on a CPU: TensorFlow's kernels for them (Eigen's, where oneDNN has none) sum in float32 too and give the same
 * bits at the same speed, but have no product with a bias.
 */
function arithmeticOf(format: Format): Policy {
  if (format.storage === "bfloat16") return POLICIES["bf16-autocast"];
  const { binding } = currentTensorFlow();
  return format.storage === "float16" && binding.isUsingGpuDevice() ? FLOAT16 : POLICIES.float32;
}

/** Products of float16 numbers by the device's own kernels. */
const FLOAT16: Policy = { ...POLICIES["bf16-autocast"], name: "float16", lowType: DataType.HALF };

/**
 * Rounds a tensor to a format, and the gradient on its way back.
 *
 * @param widen Whether the result is float32, which has all values of the format.
 */
function boundary(x: tf.Tensor, format: Format, widen: boolean): tf.Tensor {
  const from = dtypeOf(x);
  // float32 changes nothing of a float32 tensor.
  if (from === DataType.FLOAT && format.name === "float32") return x;
  const cross = (tensor: tf.Tensor, to: number | undefined) => {
    const rounded = roundTo(tensor, format, format.rounding === "stochastic" ? nextKey() : undefined);
    const dtype = to ?? dtypeOf(rounded);
    // TF.js disposes of results one by one, so that each must be a tensor of its own.
    return rounded !== tensor && dtypeOf(rounded) === dtype ? rounded : castTo(rounded, dtype);
  };
  return tf.customGrad((input) => ({
    value: cross(input as tf.Tensor, widen ? DataType.FLOAT : undefined),
    gradFunc: (dy: tf.Tensor) => cross(dy, from),
  }))(x);
}

/** The next key of the region. */
function nextKey(): tf.Tensor {
  const { rounding } = currentTensorFlow().binding.regions.current;
  return foldIn(rounding.key ?? tf.tensor1d([0, 0], "int32"), rounding.draws++);
}
