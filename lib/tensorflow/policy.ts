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
} from "../precision/mod.ts";
import { DataType, isFloating } from "./dtype.ts";

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
}

/** conv*, bmm, mm, linear, addmm, addbmm, baddbmm, matmul, scaled_dot_product_attention: the same on CPU and CUDA. */
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
]);

/** cross_entropy_loss, nll_loss, prod, fft_*, and linalg; softmax and layer_norm are in no CPU list. */
const CPU_FLOAT32: ReadonlySet<string> = new Set([
  "SparseSoftmaxCrossEntropyWithLogits",
  "SoftmaxCrossEntropyWithLogits",
  "Prod",
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
  "Rsqrt",
  "Sinh",
  "Softmax",
  "Softplus",
  "Sum",
  "Tan",
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

/** What becomes of an op's floating inputs and results. */
export interface Casts {
  /** The type that floating inputs are cast to; undefined: as they are. */
  inputs?: number;
  /** The type that float32 results are cast to; undefined: as they are. */
  results?: number;
}

/**
 * Decides the casts around one op.
 *
 * @param policy The policy in force.
 * @param op The TensorFlow op's name and the types of its inputs.
 */
export function decideCasts(policy: Policy, op: { name: string; dtypes: readonly number[] }): Casts {
  let widest = 0;
  let mixed = false;
  for (const dtype of op.dtypes) {
    if (!isFloating(dtype)) continue;
    if (widest !== 0 && dtype !== widest) {
      mixed = true;
      widest = DataType.FLOAT; // bfloat16 with half has no common 16-bit type
    } else widest = dtype;
  }
  if (widest === 0 || op.name === "Cast") return {};
  if (policy.lowType !== undefined && policy.lowOps.has(op.name)) return { inputs: policy.lowType };
  if (policy.float32Ops.has(op.name)) return { inputs: DataType.FLOAT };
  if (widest !== DataType.FLOAT && FLOAT32_UNITS.has(op.name)) {
    return { inputs: DataType.FLOAT, results: widest };
  }
  return mixed ? { inputs: widest } : {};
}
