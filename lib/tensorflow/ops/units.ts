/**
 * Units: operations that round once, forward and backward.
 *
 * In a 16-bit type, a unit computes in float32 and rounds its result once, as PyTorch's kernels do. The same
 * computation by TF.js's ops would round after each op. Gradients are explicit and follow the same rule. Each unit
 * applies the active policy.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { currentTensorFlow } from "../binding/backend.ts";
import { fused } from "../binding/fused.ts";
import { POLICIES } from "../binding/policy.ts";
import { operation, rounded } from "../precision/scope.ts";
import { trueDtype } from "../binding/true_dtype.ts";
import { castAs, float32, withGradient } from "./_unit.ts";

/** Constants of GPT-2's GELU: the factor of x³, and sqrt(2 / pi). */
const GELU_CUBE = 0.044715, GELU_SCALE = Math.sqrt(2 / Math.PI);

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
 * Computes GPT-2's GELU, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). The computation is in float32 and rounds
 * once, to x's type. The operation's class is `gelu`.
 *
 * @param x A floating tensor of any shape.
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
 * Gathers rows of a table of embeddings. The gradient of the table accumulates in float32. The rows begin the residual
 * stream. If the class `residual` has a format, the rows are rounded to it.
 *
 * @param table [V, C].
 * @param ids int32 [N], each in [0, V).
 * @returns [N, C].
 * @throws {TensorFlowError} If an id is out of range. Functions compiled with mode `xla` use the nearest row instead.
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

/** Rounding of bfloat16 matrix products on this machine, from {@linkcode probeRounding}. */
export type Rounding = "nearest" | "truncate" | "other";

/**
 * Measures how a bfloat16 matrix product rounds on this machine. The exact result 1 + 3 · 2^-9 lies between the
 * bfloat16 numbers 1 and 1 + 2^-7, nearer to the upper one. TensorFlow's own kernels, without oneDNN, truncate to 1
 * (measured with TensorFlow 2.21). They run only on processors with bfloat16 instructions: on others, losskit computes
 * the product in float32.
 *
 * @returns `nearest` for 1 + 2^-7, `truncate` for 1, `other` for any other result or type.
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
