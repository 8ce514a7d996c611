/**
 * Precision policies as data: which TensorFlow op runs in which type. Deciding is here, casting is in `binding.ts`.
 *
 * @module
 */
import {
  describePolicy,
  type NamedPolicy,
  type PolicyClasses,
  type PrecisionOverride,
} from "../../precision/mod.ts";
import type { Attribute } from "../native/attribute.ts";
import { DataType, isFloating } from "../native/dtype.ts";

/** A named table of ops. An op in no list runs in its inputs' type, in the widest of them where they differ. */
export interface Policy {
  /** The name that specs and journals use. */
  readonly name: string;
  /** What the table reproduces, and where it was read. */
  readonly source: string;
  /** The type that the ops of `lowOps` run in. */
  readonly lowType?: number;
  /** Ops whose floating inputs become `lowType`. */
  readonly lowOps: ReadonlySet<string>;
  /** Ops whose floating inputs become float32. */
  readonly float32Ops: ReadonlySet<string>;
  /**
   * Formats, by name, of the classes of operations that a model names its parts by; inside such a part ops run in it, and
   * the lists above do not count. A class that is not here runs by the lists.
   */
  readonly classes: PolicyClasses;
  /** What a region sets beside: formats of single layers and classes. */
  readonly overrides?: readonly PrecisionOverride[];
  /**
   * How an op that no list names treats mixed types: PyTorch's type promotion (default); `lowest`: float32 parameters do
   * not widen a 16-bit tensor; `float32`: every floating input becomes float32, listed or not.
   */
  readonly promotion?: "lowest" | "float32";
}

/** conv*, bmm, mm, linear, addmm, addbmm, baddbmm, matmul, prelu, scaled_dot_product_attention: the same on CPU and CUDA. */
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
  "Prelu", // a kernel of TF.js, of several ops
]);

/** cross_entropy_loss, nll_loss, prod, avg_pool3d, max_pool3d, reflection_pad*, fft_*, and linalg; softmax and layer_norm are in no CPU list. */
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

/** The CUDA lists; layer_norm and the losses that are no op of TensorFlow are classes of operations. */
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
  "norm", // TF.js's op, of several of TensorFlow's
]);

const NONE: ReadonlySet<string> = new Set<string>();

/** The ops of each named policy, by what its classes are. */
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

/** The policies that have a name of their own. */
export const POLICIES: Readonly<Record<NamedPolicy, Policy>> = Object.fromEntries(
  Object.entries(OPS).map(([name, ops]) => [name, policyWith(name, ops)]),
) as Record<NamedPolicy, Policy>;

function policyWith(name: string, ops: Pick<Policy, "lowType" | "lowOps" | "float32Ops">): Policy {
  const { source, classes } = describePolicy(name);
  return { name, source, classes, ...ops };
}

/**
 * A policy by its name. `emulated:FORMAT` acts on classes of operations alone: ops outside of a model's parts are
 * float32.
 *
 * @throws {RangeError} for a name that no policy has.
 */
export function policyOf(name: string): Policy {
  return Object.hasOwn(POLICIES, name) ? POLICIES[name as NamedPolicy] : policyWith(name, OPS.float32);
}

/**
 * Ops whose CPU kernels for 16-bit types add up in 16 bits, or exponentiate there. Whatever the policy, they run in
 * float32 and their result is rounded once to the type that came in: that is what PyTorch's kernels do.
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
 * Elementwise arithmetic. With a 16-bit tensor and a float32 number it computes in float32 and rounds once, as PyTorch's
 * kernels do: the number itself is not rounded.
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

/** What becomes of an op's floating inputs and results. */
export interface Casts {
  /** The type that floating inputs are cast to; undefined: as they are. */
  inputs?: number;
  /** The type that float32 results are cast to; undefined: as they are. */
  results?: number;
}

/** An input of an op, as far as type promotion needs it. */
export interface OpInput {
  /** `TF_DataType`. */
  readonly dtype: number;
  /** Number of dimensions. */
  readonly rank: number;
  /** Whether it stands for a JavaScript number or integers, whose type gives way to that of tensors. */
  readonly weak: boolean;
}

/** A call of an op. */
export interface OpCall {
  /** The TensorFlow op's name. */
  readonly name: string;
  /** Its inputs in order. */
  readonly inputs: readonly OpInput[];
  /** Its attributes. Only the equation of `Einsum` matters. */
  readonly attributes?: readonly Attribute[];
}

/** How much an input counts in type promotion: numbers least, tensors without dimensions next, as in PyTorch. */
function weightOf({ rank, weak }: OpInput): number {
  return weak ? 1 : rank === 0 ? 2 : 3;
}

/**
 * Returns the type that PyTorch promotes floating inputs to: the widest of those with dimensions, else of tensors without,
 * else of numbers. 0: no input is floating.
 */
export function promotedType(inputs: readonly OpInput[]): number {
  let type = 0, weight = 0;
  for (const input of inputs) {
    const { dtype } = input;
    if (!isFloating(dtype)) continue;
    const own = weightOf(input);
    if (own > weight) [type, weight] = [dtype, own];
    // bfloat16 with half has no common 16-bit type.
    else if (own === weight && dtype !== type) type = DataType.FLOAT;
  }
  return type;
}

/** Returns the 16-bit type among inputs; undefined: none, or two. */
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
 * Whether a call of a listed op is a matrix product. `Einsum` is one only where two operands share an index that the
 * result lacks; otherwise it rearranges, sums or multiplies elementwise, and PyTorch's runs as those do.
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
 * Decides the casts around one op.
 *
 * @param policy The policy in force.
 * @param op The call.
 */
export function decideCasts(policy: Policy, op: OpCall): Casts {
  const { name, inputs } = op;
  const promoted = promotedType(inputs);
  if (promoted === 0 || name === "Cast") return {};
  // There is no complex type of 16-bit parts.
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

/** Whether the policy's float32 list names an op. A number over a tensor is a `Reciprocal`, as PyTorch's `__rtruediv__` is. */
function isRaised({ float32Ops }: Policy, { name, inputs }: OpCall): boolean {
  if (float32Ops.has(name)) return true;
  return name === "RealDiv" && inputs[0]!.weak && !inputs[1]!.weak && float32Ops.has("Reciprocal");
}
