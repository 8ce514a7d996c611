/**
 * Units: operations with a single rounding each, forward and backward.
 *
 * In a 16-bit type, a unit computes in float32 and rounds its result once, as PyTorch's kernels do. TF.js's chains of
 * ops would round after each op. Gradients are explicit and follow the same rule. Each unit follows the active policy.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { fused } from "../compile/fused.ts";
import { POLICIES } from "../binding/policy.ts";
import { operation, rounded } from "../precision/scope.ts";
import { trueDtype } from "../binding/true_dtype.ts";
import { cast, castAs, float32, productType, runOp, withGradient, withPolicy } from "./_unit.ts";

/** GPT-2's GELU: the float32 factor of the cube, and sqrt(2 / pi). */
const GELU_CUBE = 0.044715, GELU_SCALE = Math.sqrt(2 / Math.PI);

const T_ATTRIBUTE: [number, unknown] = [AttributeType.TYPE, DataType.FLOAT];

/** Parameters of {@linkcode linear}. */
export interface LinearParameters {
  /** [in, out], or [out, in] with `transposed`. */
  readonly weight: tf.Tensor;
  /** [out]. Default: none. */
  readonly bias?: tf.Tensor | undefined;
  /** True if `weight` is [out, in]. Default: false. */
  readonly transposed?: boolean;
}

/**
 * Computes `x @ w + b`, rounded once. A policy that lowers matrix products rounds `x`, `w` and `b` to its type.
 * Products, sums and the bias's gradient accumulate in float32.
 *
 * @param x Rows, [N, in].
 * @param parameters The weight, and the bias if any.
 * @returns [N, out], in the policy's type.
 */
export function linear(x: tf.Tensor, { weight, bias, transposed = false }: LinearParameters): tf.Tensor {
  if (bias === undefined) return product([x, weight], transposed);
  return productWithBias([x, transposed ? tf.transpose(weight) : weight, bias]);
}

const product = operation(
  "linear",
  ([x, weight]: [tf.Tensor, tf.Tensor], transposed: boolean) => tf.matMul(x, weight, false, transposed),
);

const productWithBias = operation("linear", (inputs: [tf.Tensor, tf.Tensor, tf.Tensor]) => {
  const low = productType();
  return withGradient(inputs, (x, weight, bias) => {
    const backward = ([dy]: tf.Tensor[], [x, weight]: tf.Tensor[]) => {
      const dyLow = low === undefined ? dy! : cast(dy!, low);
      const dx = tf.matMul(dyLow, weight!, false, true);
      const dw = tf.matMul(x!, dyLow, true, false);
      const db = tf.reshape(tf.matMul(tf.ones([1, dy!.shape[0]!]), dyLow), bias.shape);
      return [dx, dw, db];
    };
    return { values: [matMulBias([x, weight, bias], low)], saved: [x, weight], backward };
  })[0]!;
});

function matMulBias(inputs: tf.Tensor[], low: number | undefined): tf.Tensor {
  const { binding } = currentTensorFlow();
  // oneDNN's inner product ends the process if the inner dimension is empty.
  const empty = inputs[0]!.shape.at(-1) === 0;
  if (!empty && binding.trace?.mode !== "xla" && hasFusedMatMul()) {
    return runOp("_MklNativeFusedMatMul", {
      T: T_ATTRIBUTE,
      num_args: [AttributeType.INT, 1],
      fused_ops: [AttributeType.STRING, ["BiasAdd"]],
      transpose_a: [AttributeType.BOOL, false],
      transpose_b: [AttributeType.BOOL, false],
      // TensorFlow's own rewriter selects oneDNN's kernels by this label. They run under no other.
      _kernel: [AttributeType.STRING, "MklNameChangeOp"],
    }, inputs);
  }
  const [x, weight, bias] = low === undefined ? inputs : inputs.map((input) => float32(cast(input, low)));
  const value = withPolicy(POLICIES.float32, () => tf.add(tf.matMul(x!, weight!), bias!));
  return low === undefined ? value : cast(value, low);
}

let fusedMatMul: boolean | undefined;

/** Returns whether oneDNN's matrix product with a bias works on this machine. Tries a known product once. */
function hasFusedMatMul(): boolean {
  if (fusedMatMul !== undefined) return fusedMatMul;
  const { binding } = currentTensorFlow();
  if (binding.isUsingGpuDevice()) return fusedMatMul = false; // the op would run, but on the CPU
  const number = (shape: number[], value: number) =>
    binding.createTensor(
      shape,
      DataType.FLOAT,
      new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
    );
  const ids = [number([2, 2], 2), number([2, 2], 3), number([2], 1)];
  try {
    fusedMatMul = binding.probe("_MklNativeFusedMatMul", [
      { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
      { name: "num_args", type: AttributeType.INT, value: 1 },
      { name: "fused_ops", type: AttributeType.STRING, value: ["BiasAdd"] },
      { name: "_kernel", type: AttributeType.STRING, value: "MklNameChangeOp" },
    ], ids)?.every((value) => value === 13) ?? false;
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
  return fusedMatMul;
}

/** Computes tanh(sqrt(2 / pi) (x + 0.044715 x^3)) of a float32 x. */
function geluTanh(x: tf.Tensor): tf.Tensor {
  return tf.tanh(tf.mul(tf.mul(x, GELU_SCALE), tf.add(tf.mul(tf.square(x), GELU_CUBE), 1)));
}

const geluForward = fused("gelu", ([x]) => {
  const wide = float32(x!);
  return [castAs(tf.mul(tf.mul(wide, 0.5), tf.add(geluTanh(wide), 1)), x!)];
});

const geluBackward = fused("geluGrad", ([dy, x]) => {
  const wide = float32(x!), tanh = geluTanh(wide);
  const innerDerivative = tf.add(tf.mul(tf.square(wide), 3 * GELU_CUBE * GELU_SCALE), GELU_SCALE);
  const tanhTerm = tf.mul(tf.mul(wide, innerDerivative), tf.sub(1, tf.square(tanh)));
  const derivative = tf.mul(tf.add(tf.add(tanh, 1), tanhTerm), 0.5);
  return [castAs(tf.mul(float32(dy!), derivative), x!)];
});

/**
 * Computes GPT-2's GELU, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), in float32 and rounds once to x's type.
 *
 * @param x Any shape.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return geluOperation([x]);
}

const geluOperation = operation("gelu", (inputs: [tf.Tensor]) =>
  withGradient(inputs, (x) => ({
    values: geluForward([x], {}),
    saved: [x],
    backward: ([dy], [x]) => geluBackward([dy!, x!], {}),
  }))[0]!);

/**
 * Gathers rows of a table. The gradient accumulates rows in float32. The rows begin the residual stream and have the
 * format of the class `residual`, if set.
 *
 * @param table [V, C].
 * @param ids int32 [N], each in [0, V).
 * @returns [N, C].
 * @throws {TensorFlowError} For an ID out of range, when the op runs.
 */
export function embedding(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const gathered = withGradient([table], (table) => {
    const [rows] = table.shape;
    const backward = ([dy]: tf.Tensor[], [ids]: tf.Tensor[]) => [
      tf.unsortedSegmentSum(float32(dy!) as tf.Tensor2D, ids as tf.Tensor1D, rows!) as tf.Tensor,
    ];
    return { values: [tf.gather(table, ids)], saved: [ids], backward };
  })[0]!;
  return rounded("residual", gathered);
}

/** Rounding of bfloat16 matrix products, as measured on this machine. */
export type Rounding = "nearest" | "truncate" | "other";

/**
 * Measures how a bfloat16 matrix product rounds. 1 + 3 * 2^-9 lies between the neighbors 1 and 1 + 2^-7 and is nearer
 * to the upper one. TensorFlow without oneDNN truncates to the lower one (measured on TensorFlow 2.21).
 */
export function probeRounding(): Rounding {
  return tf.tidy(() => {
    const size = 32; // large enough for the code path of a model's products
    const ones = tf.eye(size);
    const values = tf.fill([size, size], 1);
    // 1 and 2^-8 + 2^-9 are exact in bfloat16. Their sum is not.
    const a = tf.concat([values, tf.fill([size, size], 2 ** -8 + 2 ** -9)], 1);
    const b = tf.concat([ones, ones], 0);
    const { binding } = currentTensorFlow();
    const product = binding.regions.withPolicy(POLICIES["bf16-autocast"], () => tf.matMul(a, b));
    if (trueDtype(product) !== "bfloat16") return "other";
    const found = product.dataSync();
    if (found.every((value) => value === 1 + 2 ** -7)) return "nearest";
    return found.every((value) => value === 1) ? "truncate" : "other";
  });
}
