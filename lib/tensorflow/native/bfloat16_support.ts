/**
 * Detection of processors whose bfloat16 products are slow or wrong.
 *
 * @module
 */
import { readCpuInfo } from "../../file/cpu_info.ts";
import { type Attribute, AttributeType } from "./attribute.ts";
import { elements } from "./c_values.ts";
import { DataType } from "./dtype.ts";
import { EagerCalls } from "./eager_call.ts";
import type { Runtime } from "./runtime.ts";
import { TensorFlowError } from "./tensorflow_error.ts";

/** Products of bfloat16 numbers that run in float32 and round the result once, as bfloat16 instructions do. */
export interface Widening {
  /**
   * Matrix products. `all`: the processor emulates bfloat16. `partial tiles`: oneDNN's kernels for AMX are wrong if sums
   * have more than 32 terms, but not a multiple of 32.
   */
  readonly products: "none" | "partial tiles" | "all";
  /** True for convolutions: oneDNN's kernels are wrong for some numbers of channels. */
  readonly convolutions: boolean;
}

/** All products run in bfloat16. */
export const NOT_WIDENED: Widening = { products: "none", convolutions: false };

/** Returns the products of bfloat16 numbers that run in float32 on this machine. */
export function wideningOf(runtime: Runtime): Widening {
  if (runtime.usesGpu || Deno.build.arch !== "x86_64") return NOT_WIDENED;
  if (emulatesBfloat16(() => givesNaN(runtime))) return { products: "all", convolutions: true };
  return {
    products: givesNaN(runtime, PARTIAL_TILE) ? "partial tiles" : "none",
    convolutions: [3, 48].some((channels) => convolvesToNaN(runtime, channels)),
  };
}

/** Size of a product: number of its rows and columns, and of the terms of its sums. */
interface Size {
  readonly rows: number;
  readonly terms: number;
}

/**
 * Sizes of products that show a fault. With an odd number of terms, oneDNN's emulation multiplies the last infinite value
 * by zero. With a partial tile, its kernels for AMX read beyond a row and multiply values of the next row by zero, so that
 * NaN and infinities of a row reach the row above (TensorFlow 2.21, measured on an Intel Xeon with AMX; PyTorch 2.15 is
 * right). Finite operands are not affected.
 */
const ODD: Size = { rows: 16, terms: 5 }, PARTIAL_TILE: Size = { rows: 32, terms: 48 };

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

/** Returns true if a bfloat16 matrix product gives NaN, although its exact result is infinite. */
export function givesNaN(runtime: Runtime, { rows, terms }: Size = ODD): boolean {
  return isNaNOf(runtime, "MatMul", [[rows, terms], [terms, rows]]);
}

/** Returns true if a bfloat16 convolution by a filter of 1 x 1 gives NaN, although its exact result is infinite. */
function convolvesToNaN(runtime: Runtime, channels: number): boolean {
  return isNaNOf(runtime, "Conv2D", [[1, 8, 8, channels], [1, 1, channels, 16]], [
    { name: "strides", type: AttributeType.INT, value: [1, 1, 1, 1] },
    { name: "padding", type: AttributeType.STRING, value: "VALID" },
  ]);
}

/** Returns true if an op gives NaN for infinite values and ones. Returns false if it has no kernel for bfloat16. */
function isNaNOf(
  runtime: Runtime,
  op: string,
  shapes: readonly (readonly number[])[],
  attributes: Attribute[] = [],
): boolean {
  const { memory } = runtime, dtype = DataType.BFLOAT16;
  const handles = shapes.map((shape, i) =>
    memory.handleOfBytes({
      dtype,
      shape,
      bytes: new Uint8Array(new Uint16Array(elements(shape)).fill(i === 0 ? INFINITE : ONE).buffer),
    })
  );
  try {
    const [product] = new EagerCalls(runtime).execute(op, {
      inputs: handles.slice(),
      attributes: [{ name: "T", type: AttributeType.TYPE, value: dtype }, ...attributes],
      numOutputs: 1,
      describe: () => shapes.map((shape) => `bfloat16[${shape}]`),
    });
    handles.push(product!);
    return new Uint16Array(memory.readBytes(product!)).some((bits) => (bits & MAGNITUDE) > INFINITE);
  } catch (error) {
    if (error instanceof TensorFlowError) return false;
    throw error;
  } finally {
    for (const handle of handles) runtime.deleteHandle(handle);
  }
}
