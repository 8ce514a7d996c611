/**
 * Scopes of operations: their class, their layer, and observers.
 *
 * A policy and the overrides set a format for each operation class in each layer. An operation with a format rounds its
 * inputs, its result, and the gradients of both to the format. If the format has a scaling, matrix products round only
 * their operands. Formats of single operands apply to linear layers (`ops/linear.ts`).
 *
 * Operations in bfloat16 compute as under `bf16-autocast`. On a GPU, operations in float16 use the device's float16
 * kernels. Operations in other formats compute in float32. Operations without a format follow the policy's lists,
 * without overhead.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  type ClassFormats,
  classFormats,
  type OpClass,
  type Quantizer,
  type SlotFormats,
  slotsIn,
} from "../../precision/mod.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { POLICIES, type Policy } from "../binding/policy.ts";
import type { Observer, Region } from "../binding/region.ts";
import { foldIn } from "./random.ts";
import { quantizeTensor } from "./quantize_tensor.ts";
import { castTo, dtypeOf } from "../binding/true_dtype.ts";

/**
 * Runs `work` as part of a layer of a model, such as `h.0`. Overrides of the layer apply to its operations.
 *
 * @param layer Name of the layer, as `layerNames` of `lib/precision` lists them.
 * @param work Synchronous code.
 * @param options `isEnd`: true for the first and the last block, which recipes may leave in bfloat16 (default: false).
 * @returns The result of `work`.
 */
export function layerScope<R>(layer: string, work: () => R, { isEnd = false }: { isEnd?: boolean } = {}): R {
  return currentTensorFlow().binding.regions.within({ layer, isEnd }, work);
}

/**
 * Runs `work` as part of an operation class. Observers report this class. The formats of the class are applied by
 * {@linkcode operation}, not here.
 *
 * @param parts `opClass`: the class. `backward`: true if `work` computes a gradient (default: unchanged).
 */
export function classScope<R>(parts: { opClass: OpClass; backward?: true }, work: () => R): R {
  return currentTensorFlow().binding.regions.within(parts, work);
}

/**
 * Returns the name of the layer if formats depend on the layer, else "". Compiled functions keep a separate trace for
 * each result.
 *
 * @internal
 */
export function layerOfTrace({ policy: { overrides = [], linear }, layer, isEnd }: Region): string {
  return overrides.length === 0 && linear === undefined ? "" : `${layer}${isEnd ? " (end)" : ""}`;
}

/**
 * Runs `work` with a random key for stochastic rounding. The n-th draw in `work` uses `foldIn(key, n)`.
 *
 * @internal
 */
export function withRoundingKey<R>(key: tf.Tensor | undefined, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ rounding: { key, draws: 0 } }, work);
}

/**
 * Runs `work` with the random numbers of an earlier run. Use it to recompute values that were not stored.
 *
 * @param draws The result of {@linkcode roundingDraws} before the earlier run.
 *
 * @internal
 */
export function withDrawsFrom<R>(draws: number, work: () => R): R {
  const { binding } = currentTensorFlow();
  return binding.regions.within({ rounding: { key: binding.regions.current.rounding.key, draws } }, work);
}

/**
 * Returns the number of random keys that the region has drawn so far.
 *
 * @internal
 */
export function roundingDraws(): number {
  return currentTensorFlow().binding.regions.current.rounding.draws;
}

/**
 * Passes a tensor to the active observer. Without an observer, does nothing.
 *
 * @param what Name of the quantity: `residual`, `scores`, `weights`, `activation` or `logits`.
 * @param tensor The tensor to observe.
 * @returns The same tensor.
 */
export function observe<X extends tf.Tensor>(what: string, tensor: X): X {
  const { observer, layer } = currentTensorFlow().binding.regions.current;
  observer?.(what, layer, tensor);
  return tensor;
}

/** Returns true if an observer is active. */
export function isObserved(): boolean {
  return currentTensorFlow().binding.regions.current.observer !== undefined;
}

/** Runs synchronous code with an observer that receives every rounding to a format, of values and of gradients. */
export function withRoundingObserver<R>(onRounding: NonNullable<Region["onRounding"]>, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ onRounding }, work);
}

/**
 * Runs synchronous code with an observer that receives the tensors passed to {@linkcode observe}.
 *
 * @param observer The function that receives each tensor.
 * @param work The code to run.
 * @returns The result of `work`.
 */
export function withObserver<R>(observer: Observer, work: () => R): R {
  return currentTensorFlow().binding.regions.within({ observer }, work);
}

/**
 * Returns the formats of an operation class in a layer, under the active policy and overrides.
 *
 * @param opClass The operation class.
 * @param layer Name of the layer. Default: the current layer.
 */
export function formatsOf(opClass: OpClass, layer?: string): ClassFormats {
  const { policy, isEnd, layer: own } = currentTensorFlow().binding.regions.current;
  return classFormats(policy, { layer: layer ?? own, isEnd, opClass });
}

/**
 * Returns true if the policy or an override sets a format for an operation class in a layer. Otherwise the policy's
 * lists apply.
 *
 * @param opClass The operation class.
 * @param layer Name of the layer. Default: the current layer.
 */
export function hasFormat(opClass: OpClass, layer?: string): boolean {
  const { whole, slots } = formatsOf(opClass, layer);
  return whole !== undefined || slots !== undefined && Object.keys(slots).length > 0;
}

/**
 * Returns the formats of the operands of linear layers in the current layer. Undefined if no operand has a format of
 * its own and the class has no format with a scaling.
 */
export function operandFormats(): SlotFormats | undefined {
  const formats = formatsOf("linear"), slots = slotsIn(formats);
  const isBox = formats.whole !== undefined && formats.whole.scaling === undefined;
  return isBox || Object.keys(slots).length === 0 ? undefined : slots;
}

/** Operation classes of matrix products. A format with a scaling applies to their operands only. */
const PRODUCTS: readonly OpClass[] = ["linear", "attention"];

/**
 * Creates an operation of a class. The operation applies the active policy itself, forward and backward: the format of
 * its class if one is set, else the policy's lists. Formats of single operands apply to {@linkcode linear} only. Other
 * operations of the class `linear` then follow the policy's lists.
 *
 * @param opClass The operation class.
 * @param body The computation, in TF.js ops and other operations. It receives the floating inputs in order, then the
 * options of the call.
 * @returns The operation. It throws a RangeError if the class has a format with scales per row or block, because the
 * axis is unknown.
 */
export function operation<I extends readonly tf.Tensor[], O extends unknown[]>(
  opClass: OpClass,
  body: (inputs: I, ...options: O) => tf.Tensor,
): (inputs: I, ...options: O) => tf.Tensor {
  return (inputs, ...options) => {
    const { whole: quantizer } = formatsOf(opClass);
    if (quantizer === undefined) return classScope({ opClass }, () => body(inputs, ...options));
    requireWholeTensors(quantizer);
    const { regions } = currentTensorFlow().binding;
    const policy = arithmeticOf(quantizer);
    const widen = policy === POLICIES.float32;
    const operands = quantizer.scaling !== undefined && PRODUCTS.includes(opClass);
    const resultType = operands ? regions.current.policy.lowType : undefined;
    return regions.within({ policy, opClass }, () => {
      const values = inputs.map((input) => boundary(input, quantizer, { widen, backward: !operands }));
      const value = boundary(body(values as unknown as I, ...options), quantizer, { forward: !operands });
      return resultType === undefined ? value : castDifferentiably(value, resultType);
    });
  };
}

function requireWholeTensors({ name, scaling }: Quantizer): void {
  if (scaling === undefined || scaling.kind === "tensor" || scaling.kind === "delayed") return;
  throw new RangeError(
    `Cannot use ${name} in a custom operation: expected a format without rows and blocks, got the scaling ` +
      `${scaling.name}. Use linear().`,
  );
}

/**
 * Rounds a tensor and its gradient to the format of an operation class. Returns the tensor itself if the class has no
 * format.
 */
export function rounded(opClass: OpClass, x: tf.Tensor): tf.Tensor {
  const { whole } = formatsOf(opClass);
  return whole === undefined ? x : boundary(x, whole);
}

/**
 * Returns the policy that applies inside an operation with the given format. The inputs are already rounded.
 *
 * On a CPU, products of float16 numbers are computed in float32. TensorFlow's own float16 kernels accumulate in float32
 * too, and give the same bits at the same speed. But they have no product with a bias.
 */
function arithmeticOf({ format, scaling }: Quantizer): Policy {
  if (scaling !== undefined) return POLICIES.float32;
  if (format.storage === "bfloat16") return POLICIES["bf16-autocast"];
  const { binding } = currentTensorFlow();
  return format.storage === "float16" && binding.isUsingGpuDevice() ? FLOAT16 : POLICIES.float32;
}

/** Policy that computes products of float16 numbers with the device's own kernels. */
const FLOAT16: Policy = { ...POLICIES["bf16-autocast"], name: "float16", lowType: DataType.HALF };

/**
 * Rounds a tensor to a format. In the backward pass, rounds its gradient.
 *
 * @param options `widen`: true to return float32, which represents all values of the format (default: false).
 * `forward`: true to round the tensor (default: true). `backward`: true to round its gradient (default: true).
 */
function boundary(
  x: tf.Tensor,
  quantizer: Quantizer,
  { widen = false, forward = true, backward = true }: {
    widen?: boolean;
    forward?: boolean;
    backward?: boolean;
  } = {},
): tf.Tensor {
  const from = dtypeOf(x);
  // Rounding float32 to float32 is the identity.
  if (from === DataType.FLOAT && quantizer.name === "float32") return x;
  const cross = (tensor: tf.Tensor, { rounds, to }: { rounds: boolean; to: number | undefined }) => {
    const rounded = rounds ? quantizeTensor(tensor, quantizer, { key: roundingKeyFor(quantizer) }) : tensor;
    const dtype = to ?? dtypeOf(rounded);
    // TF.js disposes of each result separately: the result must not share the input's tensor.
    return rounded !== tensor && dtypeOf(rounded) === dtype ? rounded : castTo(rounded, dtype);
  };
  return tf.customGrad((input) => ({
    value: cross(input as tf.Tensor, { rounds: forward, to: widen ? DataType.FLOAT : undefined }),
    gradFunc: (dy: tf.Tensor) => cross(dy, { rounds: backward, to: from }),
  }))(x);
}

/** Casts to a type. The gradient is cast back to the tensor's type. */
function castDifferentiably(x: tf.Tensor, dtype: number): tf.Tensor {
  const from = dtypeOf(x);
  return tf.customGrad((input) => ({
    value: castTo(input as tf.Tensor, dtype),
    gradFunc: (dy: tf.Tensor) => castTo(dy, from),
  }))(x);
}

/** Returns the region's next random key for a stochastic rounding. Undefined for other roundings. */
export function roundingKeyFor({ format }: Quantizer): tf.Tensor | undefined {
  return format.rounding === "stochastic" ? nextKey() : undefined;
}

/** Returns the region's next random key. */
export function nextKey(): tf.Tensor {
  const { rounding } = currentTensorFlow().binding.regions.current;
  return foldIn(rounding.key ?? tf.tensor1d([0, 0], "int32"), rounding.draws++);
}
