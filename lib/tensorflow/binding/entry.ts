/**
 * Records of the binding's tensors, and validation of tensors and ops.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { HostValues } from "./conversions.ts";
import { type Attribute, AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import type { OpInput } from "./policy.ts";
import type { EagerCall } from "../native/eager_call.ts";
import type { Pointer } from "../native/c_values.ts";
import type { Runtime } from "../native/runtime.ts";
import type { GraphValue } from "../native/graph_output.ts";
import type { Trace } from "../native/trace.ts";

/** A tensor of the binding: an eager handle, a graph value, or both for a constant in a trace. */
export interface Entry {
  dtype: number;
  shape: number[];
  handle?: Pointer;
  symbol?: GraphValue;
  /** Trace that owns `symbol`. */
  trace?: Trace;
  /** Variable that the entry stands for in a trace. */
  variable?: tf.Variable;
  /** Cached casts of this entry by type. They are freed with the entry. */
  casts?: Map<number, number>;
  /** True if the tensor was created inside `autocast`. Casts of such activations are not cached. */
  activation: boolean;
  /**
   * True for a JavaScript number, or for integers within an op. Such a tensor does not widen the type of other tensors.
   */
  weak?: boolean;
}

/** An eager op that has run, with the numbers of its tensors. */
export interface RunOp {
  /** TensorFlow's name of the op. */
  readonly name: string;
  /** Numbers of the inputs, after casts. */
  readonly inputs: readonly number[];
  /** Numbers of the results. */
  readonly results: readonly number[];
}

/** A value from outside of a trace that the trace uses: an eager tensor or a variable. */
export interface Capture {
  /** Number of the tensor, or of the variable's placeholder. */
  id: number;
  /** The tensor's placeholder in the trace. */
  symbol: GraphValue;
  /** Handle of the captured tensor. Undefined for a variable. */
  handle?: Pointer;
  /** The captured variable. Undefined for a tensor. */
  variable?: tf.Variable;
}

/** Receiver of eager ops after they ran. */
export interface OpWatcher {
  /** Receives an op that has run. */
  take(op: RunOp): void;
}

/**
 * Copies strings into a new tensor, whose memory TensorFlow frees. The copy is needed because TensorFlow does not free
 * strings that were created through the C API.
 */
export function copyStrings(
  binding: { execute(name: string, call: EagerCall): Pointer[] },
  runtime: Runtime,
  { shape, values }: { shape: readonly number[]; values: readonly Uint8Array[] },
): Pointer {
  return runtime.memory.withStrings(shape, values, (strings) =>
    binding.execute("DeepCopy", {
      inputs: [strings],
      attributes: [{ name: "T", type: AttributeType.TYPE, value: DataType.STRING }],
      numOutputs: 1,
      describe: () => [`string[${shape}]`],
    })[0]!);
}

/** Deletes the handles of captured tensors. */
export function freeCaptures(runtime: Runtime, captures: Iterable<Capture>): void {
  for (const { handle } of captures) if (handle !== undefined) runtime.deleteHandle(handle);
}

/** Throws for negative sizes of an op's result. Sizes from 2^31 on overflow to negative numbers. */
export function requireSizes(op: string, sizes: ArrayLike<number | Uint8Array>): void {
  if (Array.from(sizes).every((size) => Number(size) >= 0)) return;
  throw new RangeError(
    `Cannot run ${op}: expected sizes of the result from 0 to 2^31 - 1, got [${sizes}].`,
  );
}

/**
 * Maximum number of dimensions of an op's input. If a kernel creates a tensor of more than 254 dimensions, TensorFlow
 * ends the process. The result of an op has at most one dimension more than two inputs together.
 */
const MAX_RANK = 120;

/** Throws for an invalid shape, before native code reads it. */
function requireShape(shape: readonly number[]): void {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new TypeError(
      `Cannot make a tensor: expected a shape of integers from 0, got ${JSON.stringify(shape)}.`,
    );
  }
  if (shape.length > MAX_RANK) {
    throw new TypeError(
      `Cannot use a tensor: expected at most ${MAX_RANK} dimensions, got ${shape.length}.`,
    );
  }
}

/**
 * Ops that read a shape from an input, with the index of that input. For negative sizes, oneDNN's kernels end the
 * process. TensorFlow's own kernels throw.
 */
export const SIZES_INPUT: ReadonlyMap<string, number> = new Map([
  ["Conv2DBackpropInput", 0],
  ["Conv2DBackpropFilter", 1],
  ["Conv3DBackpropInputV2", 0],
  ["Conv3DBackpropFilterV2", 1],
  ["DepthwiseConv2dNativeBackpropInput", 0],
  ["DepthwiseConv2dNativeBackpropFilter", 1],
]);

/** The op that returns its input unchanged. */
export const IDENTITY = { name: "Identity", attributes: [], numOutputs: 1 };

/** Returns the op that casts to a type. */
export function castOp(
  from: number,
  to: number,
): { name: string; attributes: Attribute[]; numOutputs: number } {
  return {
    name: "Cast",
    attributes: [
      { name: "SrcT", type: AttributeType.TYPE, value: from },
      { name: "DstT", type: AttributeType.TYPE, value: to },
    ],
    numOutputs: 1,
  };
}

/** Creates the error for the use of a disposed tensor. */
export function disposedTensor(which: string): Error {
  return new Error(`Cannot use ${which}: expected its data, got a disposed tensor.`);
}

/** Creates the error for the use of a graph value outside of its graph. */
export function staleSymbol(entry: Entry): Error {
  return new Error(
    `Cannot use the result of ${
      entry.symbol?.op ?? "an op"
    }: expected use inside the compiled function that made it, got use outside. ` +
      "Return the result from the function.",
  );
}

/** Creates the error for reading the data of a graph value. A graph value has no data during tracing. */
export function unreadableSymbol(entry: Entry): TypeError {
  return new TypeError(
    `Cannot read the result of ${
      entry.symbol?.op ?? "an op"
    }: expected a computed tensor, got a symbol of the function being compiled. ` +
      "Return it from the function and read it there, or use a TF.js op (tf.where) instead of a branch.",
  );
}

/** Returns the properties of an op's input that determine type promotion. Throws for too many dimensions. */
export function operandOf({ dtype, shape, weak = false }: Entry): OpInput {
  if (shape.length > MAX_RANK) requireShape(shape);
  return { dtype, shape, weak };
}

/** Throws for an invalid shape or values that cannot become a tensor, before native code reads them. */
export function requireValues(
  { shape, dtype, values }: {
    shape: readonly number[];
    dtype: number;
    values: HostValues | null | undefined;
  },
): void {
  if (values === null || values === undefined) {
    throw new TypeError(`Cannot make a tensor of shape [${shape}]: expected values, got ${values}.`);
  }
  requireShape(shape);
  if (dtype === DataType.STRING && !Array.from(values).every((value) => value instanceof Uint8Array)) {
    throw new TypeError("Cannot make a string tensor: expected Uint8Arrays, got other values.");
  }
}
