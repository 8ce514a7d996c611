/**
 * `TF_Output`: one output of a node, as C wants it.
 *
 * @module
 */
import type { Pointer } from "./runtime.ts";

/** One output of a node of a graph. */
export interface GraphOutput {
  /** The node. */
  readonly operation: Pointer;
  /** Which of its outputs. */
  readonly index: number;
}

/** Bytes of a `TF_Output`: a pointer, an int, padding. */
const OUTPUT_BYTES = 16;

/** One output as C passes it by value. */
export function toOutput(output: GraphOutput): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OUTPUT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(Deno.UnsafePointer.value(output.operation)), true);
  view.setInt32(8, output.index, true);
  return bytes;
}

/** Outputs as C's array; never empty, since an empty one has no address. */
export function toOutputs(outputs: readonly GraphOutput[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OUTPUT_BYTES * Math.max(1, outputs.length));
  outputs.forEach((output, i) => bytes.set(toOutput(output), i * OUTPUT_BYTES));
  return bytes;
}
