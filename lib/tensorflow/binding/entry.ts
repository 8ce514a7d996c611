/**
 * What the binding keeps of a tensor, and the small facts about tensors and ops that it works with.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { type Attribute, AttributeType } from "../native/attribute.ts";
import type { Pointer, Runtime } from "../native/runtime.ts";
import type { GraphValue, Trace } from "../native/trace.ts";

/** A tensor of the binding: an eager handle, a value of a graph, or both while a constant is traced. */
export interface Entry {
  dtype: number;
  shape: number[];
  handle?: Pointer;
  symbol?: GraphValue;
  /** The trace that `symbol` belongs to. */
  trace?: Trace;
  /** The variable that it stands for in a trace. */
  variable?: tf.Variable;
  /** Casts of this entry by type, which live as long as it. */
  casts?: Map<number, number>;
  /** Made inside an autocast region: an activation, whose casts are not worth keeping. */
  activation: boolean;
  /** Made from a JavaScript number or from integers inside of an op: it does not widen a tensor that it meets. */
  weak?: boolean;
}

/** What a trace uses from outside: a tensor, by a handle of its own, or a variable. */
export interface Capture {
  /** The number of the tensor, or of the variable's stand-in. */
  id: number;
  /** The placeholder that stands for the tensor in the trace. */
  symbol: GraphValue;
  /** The handle of the tensor that is captured. */
  handle?: Pointer;
  /** The variable. */
  variable?: tf.Variable;
}

/** Deletes the handles of what a trace uses. */
export function freeCaptures(runtime: Runtime, captures: Iterable<Capture>): void {
  for (const { handle } of captures) if (handle !== undefined) runtime.deleteHandle(handle);
}

/** Refuses sizes of an op's result that are negative, as those of 2^31 and more become. */
export function requireSizes(op: string, sizes: ArrayLike<number | Uint8Array>): void {
  if (Array.from(sizes).every((size) => Number(size) >= 0)) return;
  throw new RangeError(
    `Cannot run ${op}: the sizes of its result must be 0 or more, and under 2^31: given [${sizes}]`,
  );
}

/**
 * Most dimensions of an op's input. TensorFlow ends the process when a kernel makes a tensor of more than 254, and no op
 * makes more dimensions than two inputs have together and one.
 */
export const MAX_RANK = 120;

/** Refuses what is no shape, before native code trusts it. */
export function requireShape(shape: readonly number[]): void {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new TypeError(
      `Cannot make a tensor: its shape must be a list of whole numbers, 0 or more: it is ${
        JSON.stringify(shape)
      }`,
    );
  }
  if (shape.length > MAX_RANK) {
    throw new TypeError(
      `Cannot use a tensor of ${shape.length} dimensions: at most ${MAX_RANK} are supported`,
    );
  }
}

/**
 * Ops that are told a shape by the values of an input, and which input that is. oneDNN's kernels end the process when
 * a size in it is negative, where TensorFlow's own give an error.
 */
export const SIZES_INPUT: ReadonlyMap<string, number> = new Map([
  ["Conv2DBackpropInput", 0],
  ["Conv2DBackpropFilter", 1],
  ["Conv3DBackpropInputV2", 0],
  ["Conv3DBackpropFilterV2", 1],
  ["DepthwiseConv2dNativeBackpropInput", 0],
  ["DepthwiseConv2dNativeBackpropFilter", 1],
]);

/** The op that gives its input. */
export const IDENTITY = { name: "Identity", attributes: [], numOutputs: 1 };

/** The op that changes a type. */
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

/** The error for a graph's value that is used where there is no such graph. */
export function staleSymbol(entry: Entry): Error {
  return new Error(
    `Cannot use the result of ${
      entry.symbol?.op ?? "an op"
    } outside of the compiled function that made it: ` +
      "return it from the function",
  );
}

/** The error for a graph's value that is read as if it were there. */
export function unreadableSymbol(entry: Entry): TypeError {
  return new TypeError(
    `Cannot read the result of ${
      entry.symbol?.op ?? "an op"
    } while its function is being compiled: it has no ` +
      "value yet. Return it from the function and read it there, or use a TF.js op (tf.where) in place of a branch.",
  );
}
