/**
 * Scopes: a model names its parts, by layer and class of operation, so that a policy's classes and a run's overrides can
 * set what each runs in.
 *
 * A part with a format is a box: what goes in is rounded to the format, what comes out is, and so are the gradients that
 * go in and come out on the way back. Inside, a bfloat16 part runs as `bf16-autocast` runs its products, and so does a
 * float16 one on a GPU; every other part computes in float32. A part without a format is left to the policy's lists, and costs nothing.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Format, type OpClass, overrideFor, parseFormat } from "../precision/mod.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType } from "./dtype.ts";
import { POLICIES, type Policy } from "./policy.ts";
import { foldIn } from "./random.ts";
import { roundTo } from "./rounding.ts";
import { castTo, dtypeOf } from "./true_dtype.ts";

/** The layer that code is in; empty: in none. */
let currentLayer = "";
/** What stochastic rounding draws from, and how often it did. */
let randomness: { key: tf.Tensor | undefined; draws: number } = { key: undefined, draws: 0 };

/**
 * Runs `work` as a part of a layer, `h.0` for instance.
 *
 * @param layer Its name: see `layerNames` of `lib/precision`.
 * @param work Synchronous code; its result is returned.
 */
export function layerScope<R>(layer: string, work: () => R): R {
  const former = currentLayer;
  currentLayer = layer;
  try {
    return work();
  } finally {
    currentLayer = former;
  }
}

/**
 * What of the scope in force a function's trace depends on, beside the policy: the layer, where overrides may name it.
 *
 * @internal
 */
export function layerOfTrace({ overrides = [] }: Pick<Policy, "overrides">): string {
  return overrides.length === 0 ? "" : currentLayer;
}

/**
 * Runs `work` with stochastic rounding drawing from a key: the n-th rounding from `foldIn(key, n)`.
 *
 * @internal
 */
export function withRoundingKey<R>(key: tf.Tensor | undefined, work: () => R): R {
  const former = randomness;
  randomness = { key, draws: 0 };
  try {
    return work();
  } finally {
    randomness = former;
  }
}

/**
 * Runs `work` so that its stochastic roundings draw what they drew when it ran before: for what is computed again instead
 * of kept.
 *
 * @param draws What {@linkcode roundingDraws} told before it ran the first time.
 *
 * @internal
 */
export function withDrawsFrom<R>(draws: number, work: () => R): R {
  const former = randomness;
  randomness = { key: former.key, draws };
  try {
    return work();
  } finally {
    randomness = former;
  }
}

/**
 * How many stochastic roundings the region has had.
 *
 * @internal
 */
export function roundingDraws(): number {
  return randomness.draws;
}

/** Gets tensors that code shows: what each is, the layer that it is in, and the tensor, which it must not dispose of. */
export type Observer = (what: string, layer: string, tensor: tf.Tensor) => void;

let observer: Observer | undefined;

/**
 * Shows a tensor to whoever looks on; where nobody does, nothing happens.
 *
 * @param what What it is: `residual`, `scores`, `weights`, `activation`, `logits`.
 * @param tensor The tensor.
 * @returns The tensor.
 */
export function observe<X extends tf.Tensor>(what: string, tensor: X): X {
  observer?.(what, currentLayer, tensor);
  return tensor;
}

/** Whether somebody looks on. */
export function isObserved(): boolean {
  return observer !== undefined;
}

/**
 * Runs synchronous code with an observer of what it shows by {@linkcode observe}.
 *
 * @param looker Who is shown it.
 * @param work The code; its result is returned.
 */
export function withObserver<R>(looker: Observer, work: () => R): R {
  const former = observer;
  observer = looker;
  try {
    return work();
  } finally {
    observer = former;
  }
}

/**
 * The format that the region in force sets for a class of operations in a layer.
 *
 * @param opClass The class.
 * @param layer The layer (default: the one that code is in).
 * @returns undefined: none is set, and the policy's lists count.
 */
export function formatOf(opClass: OpClass, layer: string = currentLayer): Format | undefined {
  return formatUnder(currentTensorFlow().binding.policy, { layer, opClass });
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
 * Runs an operation of a class, in the format that is set for it where it stands.
 *
 * @param opClass Its class.
 * @param inputs Its floating inputs, which `work` is given in the same order.
 * @param work The operation, of TF.js ops and units.
 * @returns What `work` returns, rounded to the format where there is one.
 */
export function opScope<I extends readonly tf.Tensor[]>(
  opClass: OpClass,
  inputs: readonly [...I],
  work: (...inputs: I) => tf.Tensor,
): tf.Tensor {
  const format = formatOf(opClass);
  if (format === undefined) return work(...inputs as unknown as I);
  const arithmetic = arithmeticOf(format);
  const widen = arithmetic === POLICIES.float32;
  return taped(arithmetic, () => {
    const values = inputs.map((input) => boundary(input, format, widen));
    return boundary(work(...values as unknown as I), format, false);
  });
}

/**
 * The policy that a part runs by inside, whose inputs are rounded to its format. Products of float16 numbers are computed
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
 * A tensor as it crosses a part's edge: rounded to its format, and so is the gradient that crosses it back.
 *
 * @param widen Whether values go on as float32, which has them all.
 */
function boundary(x: tf.Tensor, format: Format, widen: boolean): tf.Tensor {
  const from = dtypeOf(x);
  // Nothing changes a float32 tensor in a float32 part.
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
  return foldIn(randomness.key ?? tf.tensor1d([0, 0], "int32"), randomness.draws++);
}

/** What TF.js's engine keeps of an op whose gradient may be asked for. */
interface TapeNode {
  gradient?: (dy: tf.Tensor | tf.Tensor[]) => Record<string, () => tf.Tensor>;
}

/** Tape nodes that have their policy already. */
const withTheirPolicy = new WeakSet<TapeNode>();

/** Runs `work` under a policy, and has the gradients of its ops run under the same one. */
function taped<R>(policy: Policy, work: () => R): R {
  const { binding } = currentTensorFlow();
  const tape = (tf.engine().state as unknown as { activeTape: TapeNode[] | null }).activeTape ?? [];
  const before = tape.length;
  const result = binding.withPolicy(policy, work);
  for (const node of tape.slice(before)) {
    const { gradient } = node;
    if (gradient === undefined || withTheirPolicy.has(node)) continue;
    withTheirPolicy.add(node);
    node.gradient = (dy) => {
      const parts = binding.withPolicy(policy, () => gradient(dy));
      return Object.fromEntries(
        Object.entries(parts).map(([name, part]) => [name, () => binding.withPolicy(policy, part)]),
      );
    };
  }
  return result;
}
