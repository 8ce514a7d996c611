/**
 * Precision policies as data: which TensorFlow op runs in which type. Deciding is here, casting is in `binding.ts`.
 *
 * @module
 */
import type { OpClass, PrecisionOverride } from "../precision/mod.ts";
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
  readonly classes?: Readonly<Partial<Record<OpClass, string>>>;
  /** What a region sets beside: formats of single layers and classes. */
  readonly overrides?: readonly PrecisionOverride[];
}

/** Names of the policies. */
export type PolicyName = "float32" | "bf16-autocast";

/** The policies by name. */
export const POLICIES: Readonly<Record<PolicyName, Policy>> = {
  float32: {
    name: "float32",
    source: "TensorFlow's and PyTorch's default: every op in the type of its inputs",
    lowOps: new Set<string>(),
    float32Ops: new Set<string>(),
  },
  "bf16-autocast": {
    name: "bf16-autocast",
    source: 'PyTorch\'s torch.autocast("cpu", torch.bfloat16): aten/src/ATen/autocast_mode.h, the CPU lists',
    lowType: DataType.BFLOAT16,
    // conv*, bmm, mm, linear, addmm, addbmm, baddbmm, matmul, scaled_dot_product_attention
    lowOps: new Set([
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
    ]),
    // cross_entropy_loss, nll_loss, prod, fft_*, and linalg; softmax and layer_norm are in no CPU list
    float32Ops: new Set([
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
    ]),
  },
};

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
