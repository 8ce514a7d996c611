/**
 * Outputs of graph nodes, and their conversion to C's `TF_Output`.
 *
 * @module
 */
import type { Pointer } from "./c_values.ts";

/** An output of a graph node. */
export interface GraphOutput {
  /** The node. */
  readonly operation: Pointer;
  /** Index of the output. */
  readonly index: number;
}

/** An output of a node, with its type and shape. */
export interface GraphValue extends GraphOutput {
  /** Type of the output, as a number of `TF_DataType`. */
  readonly dtype: number;
  /** Shape of the output, which is known at tracing. */
  readonly shape: number[];
  /** Name of the op that computes the output, for error messages. */
  readonly op: string;
}

/** Size of a `TF_Output` in bytes: a pointer, an int and padding. */
const OUTPUT_BYTES = 16;

/** Returns an output as C's struct, to pass by value. */
export function toOutput(output: GraphOutput): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OUTPUT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(Deno.UnsafePointer.value(output.operation)), true);
  view.setInt32(8, output.index, true);
  return bytes;
}

/** Returns outputs as a C array. The array has at least one entry, because an empty array has no address. */
export function toOutputs(outputs: readonly GraphOutput[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OUTPUT_BYTES * Math.max(1, outputs.length));
  outputs.forEach((output, i) => bytes.set(toOutput(output), i * OUTPUT_BYTES));
  return bytes;
}
