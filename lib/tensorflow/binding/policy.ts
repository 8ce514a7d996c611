/**
 * Precision policies as data: the type in which each TensorFlow op runs. This file selects the types. `binding.ts`
 * inserts the casts.
 *
 * @module
 */
import {
  describePolicy,
  type LinearRecipe,
  type NamedPolicy,
  type PolicyClasses,
  type PrecisionOverride,
} from "../../precision/mod.ts";
import type { Attribute } from "../native/attribute.ts";
import { NOT_WIDENED, type Widening } from "../native/bfloat16_support.ts";
import { DataType, isFloating } from "../native/dtype.ts";

/**
 * A precision policy: the types of ops, and the formats of operation classes. An op that no list contains runs in the
 * type of its inputs. If the types differ, it runs in their promoted type.
 */
export interface Policy {
  /** Name of the policy, as in specs and journals. */
  readonly name: string;
  /** The behavior that the policy reproduces, with a citation. */
  readonly source: string;
  /** Type of the ops in `lowOps`, as a number of `TF_DataType`. Undefined: those ops are not lowered. */
  readonly lowType?: number;
  /** Ops whose floating inputs are cast to `lowType`. */
  readonly lowOps: ReadonlySet<string>;
  /** Ops whose floating inputs are cast to float32. */
  readonly float32Ops: ReadonlySet<string>;
  /**
   * Formats of operation classes. An operation with a format runs in that format and ignores the two lists. Operations
   * of other classes follow the lists.
   */
  readonly classes: PolicyClasses;
  /** Formats of the operands of linear layers, if the policy is a recipe. */
  readonly linear?: LinearRecipe;
  /** Overrides of the formats by layer and operation class. Default: none. */
  readonly overrides?: readonly PrecisionOverride[];
  /**
   * Type promotion of ops that no list contains, for inputs of different types. Default: PyTorch's type promotion.
   * `lowest`: float32 parameters do not widen a 16-bit tensor. `float32`: all floating inputs are cast to float32, also
   * for the ops in `lowOps`.
   */
  readonly promotion?: "lowest" | "float32";
}

/**
 * Matrix products and convolutions. PyTorch's names: conv*, bmm, mm, linear, addmm, addbmm, baddbmm, matmul, prelu,
 * scaled_dot_product_attention. The lists for CPU and CUDA have the same.
 */
const PRODUCTS: ReadonlySet<string> = new Set([
  "_MklNativeFusedMatMul",
  "MatMul",
  "BatchMatMul",
  "BatchMatMulV2",
  "BatchMatMulV3",
  "Einsum",
  "Conv2D",
  "Conv2DBackpropInput",
  "Conv2DBackpropFilter",
  "Conv3D",
  "Conv3DBackpropInputV2",
  "Conv3DBackpropFilterV2",
  "DepthwiseConv2dNative",
  "DepthwiseConv2dNativeBackpropInput",
  "DepthwiseConv2dNativeBackpropFilter",
  "Prelu", // a TF.js kernel of several ops
]);

/** Products that are ops of TensorFlow. `Prelu` is elementwise. */
const WIDENED: ReadonlySet<string> = new Set([...PRODUCTS].filter((name) => name !== "Prelu"));

/**
 * Products whose float16 kernels on CPUs add in float32, as PyTorch's do. The kernels of the other products add in
 * float16, and `_MklNativeFusedMatMul` ends the process on CPUs without float16 instructions.
 */
const HALF_IN_FLOAT32: ReadonlySet<string> = new Set([
  "MatMul",
  "BatchMatMul",
  "BatchMatMulV2",
  "BatchMatMulV3",
  "Conv2D",
]);

/**
 * Ops in float32 on a CPU. PyTorch's names: cross_entropy_loss, nll_loss, prod, avg_pool3d, max_pool3d,
 * reflection_pad*, fft_*, and linalg. The CPU lists contain neither softmax nor layer_norm.
 */
const CPU_FLOAT32: ReadonlySet<string> = new Set([
  "SparseSoftmaxCrossEntropyWithLogits",
  "SoftmaxCrossEntropyWithLogits",
  "Prod",
  "AvgPool3D",
  "MaxPool3D",
  "MirrorPad",
  "FFT",
  "IFFT",
  "RFFT",
  "IRFFT",
  "Cholesky",
  "Qr",
  "Svd",
]);

/** Ops in float32 by PyTorch's CUDA lists. layer_norm and losses that are no TensorFlow ops are operation classes. */
const CUDA_FLOAT32: ReadonlySet<string> = new Set([
  "SparseSoftmaxCrossEntropyWithLogits",
  "SoftmaxCrossEntropyWithLogits",
  "Acos",
  "Asin",
  "Cosh",
  "Cumprod",
  "Cumsum",
  "Erfinv",
  "Exp",
  "Expm1",
  "Log",
  "Log1p",
  "LogSoftmax",
  "Pow",
  "Prod",
  "Reciprocal",
  "ResizeBilinear",
  "ResizeNearestNeighbor",
  "Rsqrt",
  "Sinh",
  "Softmax",
  "Softplus",
  "Square", // PyTorch's square is pow
  "Sum",
  "Tan",
  "norm", // a TF.js op of several TensorFlow ops
]);

const NONE: ReadonlySet<string> = new Set<string>();

/** Type and lists of ops of each predefined policy. */
const OPS: Readonly<
  Record<NamedPolicy, Pick<Policy, "lowType" | "lowOps" | "float32Ops">>
> = {
  float32: { lowOps: NONE, float32Ops: NONE },
  "bf16-autocast": { lowType: DataType.BFLOAT16, lowOps: PRODUCTS, float32Ops: CPU_FLOAT32 },
  "bf16-autocast-cuda": { lowType: DataType.BFLOAT16, lowOps: PRODUCTS, float32Ops: CUDA_FLOAT32 },
  "bf16-keras": { lowType: DataType.BFLOAT16, lowOps: PRODUCTS, float32Ops: CPU_FLOAT32 },
  "bf16-pure": { lowType: DataType.BFLOAT16, lowOps: PRODUCTS, float32Ops: CPU_FLOAT32 },
  "bf16-pure-stochastic": { lowType: DataType.BFLOAT16, lowOps: PRODUCTS, float32Ops: CPU_FLOAT32 },
  "bf16-pure-kahan": { lowType: DataType.BFLOAT16, lowOps: PRODUCTS, float32Ops: CPU_FLOAT32 },
  "fp16-autocast": { lowType: DataType.HALF, lowOps: PRODUCTS, float32Ops: CUDA_FLOAT32 },
};

/** The predefined policies, by name. */
export const POLICIES: Readonly<Record<NamedPolicy, Policy>> = Object.fromEntries(
  Object.entries(OPS).map(([name, ops]) => [name, policyWith(name, ops)]),
) as Record<NamedPolicy, Policy>;

function policyWith(name: string, ops: Pick<Policy, "lowType" | "lowOps" | "float32Ops">): Policy {
  const { source, classes, linear } = describePolicy(name);
  return { name, source, classes, ...(linear && { linear }), ...ops };
}

/**
 * Returns a policy by its name. `emulated:FORMAT` sets formats of operation classes. All ops outside of operations with
 * a format run in float32. A recipe sets formats of linear layers. All other ops run as under `bf16-autocast`.
 *
 * @throws {RangeError} If the policy is unknown.
 */
export function policyOf(name: string): Policy {
  if (Object.hasOwn(POLICIES, name)) return POLICIES[name as NamedPolicy];
  return policyWith(name, describePolicy(name).linear === undefined ? OPS.float32 : OPS["bf16-autocast"]);
}

/**
 * Ops whose CPU kernels for 16-bit types accumulate or exponentiate in 16 bits. Under every policy, they run in float32
 * and round once, to the input's type, as PyTorch's kernels do.
 */
export const FLOAT32_UNITS: ReadonlySet<string> = new Set([
  "AddN",
  "BiasAddGrad",
  "Cumprod",
  "Cumsum",
  "LogSoftmax",
  "SegmentSum",
  "Softmax",
  "UnsortedSegmentSum",
]);

/**
 * Elementwise arithmetic. For a 16-bit tensor and a float32 number, it computes in float32 and rounds once, as
 * PyTorch's kernels do. The number itself is not rounded.
 */
const ARITHMETIC: ReadonlySet<string> = new Set([
  "AddV2",
  "Atan2",
  "BiasAdd",
  "Div",
  "DivNoNan",
  "FloorDiv",
  "FloorMod",
  "Mod",
  "Mul",
  "Pow",
  "RealDiv",
  "SquaredDifference",
  "Sub",
]);

/** The casts of an op's floating inputs and results. */
export interface Casts {
  /** The type to cast floating inputs to. Undefined: no cast. */
  inputs?: number;
  /** The type of an op that runs in float32 instead and rounds its result once. Undefined: the op runs in its type. */
  widened?: number;
  /** The type to cast float32 results to. Undefined: no cast. */
  results?: number;
}

/** Properties of an op's input that determine type promotion. */
export interface OpInput {
  /** Type of the input, as a number of `TF_DataType`. */
  readonly dtype: number;
  /** Shape of the input. */
  readonly shape: readonly number[];
  /** True for a JavaScript number, or for integers within an op. Such an input adopts the type of the other inputs. */
  readonly weak: boolean;
}

/** A call of an op. */
export interface OpCall {
  /** Name of the TensorFlow op. */
  readonly name: string;
  /** Inputs of the op, in order. */
  readonly inputs: readonly OpInput[];
  /** Attributes of the op. Only the equation of `Einsum` and the transposition of a first factor are used. */
  readonly attributes?: readonly Attribute[];
}

/**
 * Returns an input's priority in type promotion. As in PyTorch, tensors with dimensions precede zero-dimensional
 * tensors, which precede numbers.
 */
function weightOf({ shape, weak }: OpInput): number {
  return weak ? 1 : shape.length === 0 ? 2 : 3;
}

/**
 * Returns the type to which PyTorch promotes floating inputs: the widest type among tensors with dimensions. If there
 * are none, the widest among zero-dimensional tensors, else among numbers. Returns 0 if no input is floating.
 */
export function promotedType(inputs: readonly OpInput[]): number {
  let type = 0, weight = 0;
  for (const input of inputs) {
    const { dtype } = input;
    if (!isFloating(dtype)) continue;
    const own = weightOf(input);
    if (own > weight) [type, weight] = [dtype, own];
    // bfloat16 and half have no common 16-bit type.
    else if (own === weight && dtype !== type) type = DataType.FLOAT;
  }
  return type;
}

/** Returns the 16-bit type among the inputs. Undefined if there is none, or two. */
function lowTypeOf(inputs: readonly OpInput[]): number | undefined {
  let low: number | undefined;
  for (const { dtype } of inputs) {
    if (!isFloating(dtype) || dtype === DataType.FLOAT || dtype === low) continue;
    if (low !== undefined) return undefined;
    low = dtype;
  }
  return low;
}

/**
 * Returns true if a call of an op in the list of products is a matrix product. An `Einsum` is a product only if two
 * operands share an index that the result lacks. Otherwise it rearranges, sums or multiplies elementwise, and follows
 * the rules of such ops, as in PyTorch.
 */
function isProduct({ name, inputs, attributes = [] }: OpCall): boolean {
  if (name !== "Einsum") return true;
  if (inputs.length < 2) return false;
  const equation = String(attributes.find((attribute) => attribute.name === "equation")?.value ?? "");
  const [terms = "", result = ""] = equation.replaceAll(/\s/g, "").split("->");
  const [first = "", ...others] = terms.split(",");
  return [...first].some((index) =>
    /\p{L}/u.test(index) && !result.includes(index) && others.join().includes(index)
  );
}

/**
 * Returns true if the sums of a matrix product end with a part of an AMX tile. A product whose first factor is transposed
 * has another kernel.
 */
function hasPartialTile({ name, inputs, attributes = [] }: OpCall): boolean {
  const isPartial = (size: number) => size > TILE && size % TILE !== 0;
  if (name === "Einsum") return inputs.some(({ shape }) => shape.some(isPartial));
  if (!name.includes("MatMul")) return false;
  const transposes = attributes.some(({ name, value }) =>
    (name === "transpose_a" || name === "adj_x") && value === true
  );
  return !transposes && isPartial(inputs[0]!.shape.at(-1)!);
}

/** Returns true if a product of bfloat16 numbers runs in float32. */
function isWidenedBy({ products, convolutions }: Widening, op: OpCall): boolean {
  if (products === "all" || convolutions && op.name.startsWith("Conv")) return true;
  return products === "partial tiles" && hasPartialTile(op);
}

/** Number of terms of a sum that an AMX instruction adds. */
const TILE = 32;

/**
 * Returns the casts of an op's inputs and results that a policy requires.
 *
 * @param policy The active policy.
 * @param op The call of the op.
 * @param machine `widening`: products that run in float32 (default: none). `usesCpuKernels`: true if TensorFlow's
 * kernels for CPUs run the op.
 */
export function decideCasts(
  policy: Policy,
  op: OpCall,
  { widening = NOT_WIDENED, usesCpuKernels = false }: { widening?: Widening; usesCpuKernels?: boolean } = {},
): Casts {
  const casts = castsOfPolicy(policy, op);
  if (!WIDENED.has(op.name) || !isProduct(op)) return casts;
  const type = casts.inputs ?? promotedType(op.inputs);
  const isWidened = type === DataType.BFLOAT16
    ? isWidenedBy(widening, op)
    : type === DataType.HALF && usesCpuKernels && !HALF_IN_FLOAT32.has(op.name);
  return isWidened ? { ...casts, widened: type } : casts;
}

function castsOfPolicy(policy: Policy, op: OpCall): Casts {
  const { name, inputs } = op;
  const promoted = promotedType(inputs);
  if (promoted === 0 || name === "Cast") return {};
  // TensorFlow has no complex type with 16-bit parts.
  if (policy.promotion === "float32" || name === "Complex") return { inputs: DataType.FLOAT };
  if (policy.lowType !== undefined && policy.lowOps.has(name) && isProduct(op)) {
    return { inputs: policy.lowType };
  }
  if (isRaised(policy, op)) return { inputs: DataType.FLOAT };
  const type = policy.promotion === "lowest" ? lowTypeOf(inputs) ?? promoted : promoted;
  const mixed = inputs.some(({ dtype }) => isFloating(dtype) && dtype !== type);
  if (type !== DataType.FLOAT && (FLOAT32_UNITS.has(name) || mixed && ARITHMETIC.has(name))) {
    return { inputs: DataType.FLOAT, results: type };
  }
  return mixed ? { inputs: type } : {};
}

/**
 * Returns true if the policy's float32 list contains an op. A number divided by a tensor counts as `Reciprocal`, like
 * PyTorch's `__rtruediv__`.
 */
function isRaised({ float32Ops }: Policy, { name, inputs }: OpCall): boolean {
  if (float32Ops.has(name)) return true;
  return name === "RealDiv" && inputs[0]!.weak && !inputs[1]!.weak && float32Ops.has("Reciprocal");
}
