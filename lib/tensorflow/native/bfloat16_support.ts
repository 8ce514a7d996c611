/**
 * Detection of processors whose bfloat16 products are slow or wrong.
 *
 * @module
 */
import { readCpuInfo } from "../../file/cpu_info.ts";
import { AttributeType } from "./attribute.ts";
import { elements } from "./c_values.ts";
import { DataType } from "./dtype.ts";
import { EagerCalls } from "./eager_call.ts";
import type { Runtime } from "./runtime.ts";
import { TensorFlowError } from "./tensorflow_error.ts";

/**
 * Products of bfloat16 numbers that run in float32 and round the result once, as bfloat16 instructions do. `all`: the
 * processor emulates bfloat16. `uneven`: oneDNN's kernels for sums of an uneven number of terms read beyond a row.
 */
export type Widening = "none" | "uneven" | "all";

/** Returns the products of bfloat16 numbers that run in float32 on this machine. */
export function wideningOf(runtime: Runtime): Widening {
  if (runtime.usesGpu) return "none";
  if (emulatesBfloat16(() => givesNaN(runtime))) return "all";
  return readsBeyondRows(runtime) ? "uneven" : "none";
}

/** Features of x86 processors with which oneDNN multiplies or converts bfloat16 numbers by instructions. */
const INSTRUCTIONS = ["avx512_bf16", "amx_bf16", "avx_ne_convert"] as const;

/** Bits of 1 and of Infinity in bfloat16, and the mask of a magnitude. */
const ONE = 0x3f80, INFINITE = 0x7f80, MAGNITUDE = 0x7fff;

/**
 * Returns true if oneDNN emulates bfloat16 on this machine: on an x86 processor without instructions for bfloat16. A
 * matrix product then takes about 3 times as long as in float32 (measured on an Intel Xeon, Ice Lake). The emulation
 * also gives NaN instead of infinite sums of an odd number of terms.
 *
 * Reading the processor's features requires all of Deno's permissions. Without them, a product is measured, so that
 * results do not depend on permissions.
 *
 * @param isNaN Measures whether a product gives NaN: {@linkcode givesNaN}.
 * @param machine Architecture, and features of the processor (undefined: unknown). Default: this machine.
 */
export function emulatesBfloat16(
  isNaN: () => boolean,
  { arch, flags }: { arch: string; flags: ReadonlySet<string> | undefined } = {
    arch: Deno.build.arch,
    flags: readCpuInfo()?.flags,
  },
): boolean {
  if (arch !== "x86_64") return false;
  return flags === undefined ? isNaN() : !INSTRUCTIONS.some((name) => flags.has(name));
}

/**
 * Returns true if oneDNN's kernels for AMX read beyond the rows of the first factor. If a sum has more than 32 terms, but
 * not a multiple of 32, they multiply values of the next row by zero, so that its NaN and infinities give NaN (oneDNN of
 * TensorFlow 2.21, measured on an Intel Xeon with AMX; PyTorch 2.15 is right). Finite results are not affected.
 */
function readsBeyondRows(runtime: Runtime): boolean {
  const flags = readCpuInfo()?.flags;
  return (flags === undefined || flags.has("amx_bf16")) && givesNaN(runtime, { rows: 32, terms: 48 });
}

/**
 * Returns true if a bfloat16 matrix product gives NaN, although its exact result is infinite.
 *
 * @param shape Number of rows and columns of the product, and number of terms of its sums. Default: an odd number of
 * terms. oneDNN's emulation adds terms in pairs, and multiplies the last infinite value by zero.
 */
export function givesNaN(
  runtime: Runtime,
  { rows, terms }: { rows: number; terms: number } = { rows: 16, terms: 5 },
): boolean {
  const { memory } = runtime, dtype = DataType.BFLOAT16;
  const filled = (shape: readonly number[], bits: number) =>
    memory.handleOfBytes({
      dtype,
      shape,
      bytes: new Uint8Array(new Uint16Array(elements(shape)).fill(bits).buffer),
    });
  const handles = [filled([rows, terms], INFINITE), filled([terms, rows], ONE)];
  try {
    const [product] = new EagerCalls(runtime).execute("MatMul", {
      inputs: handles.slice(),
      attributes: [{ name: "T", type: AttributeType.TYPE, value: dtype }],
      numOutputs: 1,
      describe: () => [`bfloat16[${rows},${terms}]`, `bfloat16[${terms},${rows}]`],
    });
    handles.push(product!);
    return new Uint16Array(memory.readBytes(product!)).some((bits) => (bits & MAGNITUDE) > INFINITE);
  } catch (error) {
    if (error instanceof TensorFlowError) return false; // without kernels for bfloat16
    throw error;
  } finally {
    for (const handle of handles) runtime.deleteHandle(handle);
  }
}
