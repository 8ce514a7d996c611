/**
 * Units: operations that are one rounding each, forward and backward.
 *
 * In a 16-bit type a unit computes inside in float32 and rounds its result once, as PyTorch's kernels do; TF.js's
 * chains of ops would round after each. Their gradients are written out, with the same rule. What a unit runs in
 * follows the policy in force where it is called.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "./attribute.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType } from "./dtype.ts";
import { POLICIES, type Policy } from "./policy.ts";
import { castTo, dtypeOf, trueDtype } from "./true_dtype.ts";

/** The float32 multiplier of the cube in GPT-2's GELU, and sqrt(2 / pi). */
const GELU_CUBE = 0.044715, GELU_SCALE = Math.sqrt(2 / Math.PI);

/** A value with its gradient: `backward` gets the value's gradient, and returns that of every input in order. */
interface WithBackward {
  value: tf.Tensor;
  /** What `backward` uses of the forward pass; TF.js keeps it alive until then. */
  saved: tf.Tensor[];
  backward: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

/** `tf.customGrad` for any number of inputs, its loose types in one place. */
function withGradient<I extends tf.Tensor[]>(inputs: I, forward: (...inputs: I) => WithBackward): tf.Tensor {
  const fn = (...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const { value, saved, backward } = forward(...args as I);
    save(saved);
    return { value, gradFunc: backward };
  };
  return tf.customGrad(fn as unknown as Parameters<typeof tf.customGrad>[0])(...inputs);
}

function withPolicy<R>(policy: Policy, work: () => R): R {
  return currentTensorFlow().binding.withPolicy(policy, work);
}

/** Casts to the type that another tensor had; both are float32 to TF.js. */
function cast(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

const float32 = (tensor: tf.Tensor): tf.Tensor => cast(tensor, DataType.FLOAT);

function runOp(name: string, attributes: Record<string, [number, unknown]>, inputs: tf.Tensor[]): tf.Tensor {
  const list = Object.entries(attributes).map(([key, [type, value]]) => ({ name: key, type, value }));
  return currentTensorFlow().backend.executeSingleOutput(name, list, inputs);
}

const T_ATTRIBUTE: [number, unknown] = [AttributeType.TYPE, DataType.FLOAT];

/**
 * `x @ w + b`, rounded once. Under a policy that lowers matrix products, `x`, `w` and `b` are rounded to its type,
 * products and sums run in float32, and so do the sums over rows of the bias's gradient.
 *
 * @param x Rows, [N, in].
 * @param parameters `weight` [in, out] and `bias` [out].
 * @returns [N, out], in the policy's type.
 */
export function linear(x: tf.Tensor, parameters: { weight: tf.Tensor; bias: tf.Tensor }): tf.Tensor {
  const policy = currentTensorFlow().binding.policy;
  const low = policy.lowOps.has("MatMul") ? policy.lowType : undefined;
  return withGradient([x, parameters.weight, parameters.bias], (x, weight, bias) => {
    const types = [x, weight, bias].map(dtypeOf);
    const backward = (dy: tf.Tensor, [x, weight]: tf.Tensor[]) =>
      withPolicy(policy, () => {
        const dyLow = low === undefined ? dy : cast(dy, low);
        const dx = tf.matMul(dyLow, weight!, false, true);
        const dw = tf.matMul(x!, dyLow, true, false);
        const db = runOp("BiasAddGrad", { T: T_ATTRIBUTE }, [dyLow]);
        return [cast(dx, types[0]!), cast(dw, types[1]!), cast(db, types[2]!)];
      });
    return { value: matMulBias([x, weight, bias], low), saved: [x, weight], backward };
  });
}

function matMulBias(inputs: tf.Tensor[], low: number | undefined): tf.Tensor {
  const { binding } = currentTensorFlow();
  // oneDNN's inner product ends the process when there is nothing to sum over.
  const empty = inputs[0]!.shape.at(-1) === 0;
  if (!empty && binding.trace?.mode !== "xla" && hasFusedMatMul()) {
    return runOp("_MklNativeFusedMatMul", {
      T: T_ATTRIBUTE,
      num_args: [AttributeType.INT, 1],
      fused_ops: [AttributeType.STRING, ["BiasAdd"]],
      transpose_a: [AttributeType.BOOL, false],
      transpose_b: [AttributeType.BOOL, false],
      // oneDNN's kernels answer under this label only; the attribute is how TensorFlow's own rewriter asks for them.
      _kernel: [AttributeType.STRING, "MklNameChangeOp"],
    }, inputs);
  }
  const [x, weight, bias] = low === undefined ? inputs : inputs.map((input) => float32(cast(input, low)));
  const value = withPolicy(POLICIES.float32, () => tf.add(tf.matMul(x!, weight!), bias!));
  return low === undefined ? value : cast(value, low);
}

let fusedMatMul: boolean | undefined;

/** Whether oneDNN's matrix product with a bias answers on this machine, tried once with a known product. */
function hasFusedMatMul(): boolean {
  if (fusedMatMul !== undefined) return fusedMatMul;
  const { binding } = currentTensorFlow();
  if (binding.isUsingGpuDevice()) return fusedMatMul = false; // it would answer, on the CPU
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

/**
 * GPT-2's GELU, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), computed in float32 and rounded once to x's type.
 *
 * @param x Any shape.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return withGradient([x], (x) => {
    const dtype = dtypeOf(x);
    const wide = float32(x);
    const inner = tf.mul(tf.mul(wide, GELU_SCALE), tf.add(tf.mul(tf.square(wide), GELU_CUBE), 1));
    const tanh = tf.tanh(inner);
    const value = cast(tf.mul(tf.mul(wide, 0.5), tf.add(tanh, 1)), dtype);
    const backward = (dy: tf.Tensor, [x, tanh]: tf.Tensor[]) => {
      const wide = float32(x!);
      const slope = tf.add(tf.mul(tf.square(wide), 3 * GELU_CUBE * GELU_SCALE), GELU_SCALE);
      const bend = tf.mul(tf.mul(wide, slope), tf.sub(1, tf.square(tanh!)));
      const derivative = tf.mul(tf.add(tf.add(tanh!, 1), bend), 0.5);
      return cast(tf.mul(float32(dy), derivative), dtype);
    };
    return { value, saved: [x, tanh], backward };
  });
}

/**
 * Attention weights: the softmax of `scale * scores` over keys, a query seeing itself and what is before it.
 * Computed in float32 and rounded once to the scores' type.
 *
 * @param scores Products of queries with keys, [B, H, T, T].
 * @param scale What scores are multiplied with, usually 1 / sqrt(D).
 */
export function causalSoftmax(scores: tf.Tensor, scale: number): tf.Tensor {
  return withGradient([scores], (scores) => {
    const dtype = dtypeOf(scores);
    const shifted = tf.add(tf.mul(float32(scores), scale), causalMask(scores.shape.at(-1)!));
    const value = cast(tf.softmax(shifted), dtype);
    const backward = (dy: tf.Tensor, [weights]: tf.Tensor[]) => {
      const wide = float32(weights!);
      const weighted = tf.mul(float32(dy), wide);
      const total = tf.sum(weighted, -1, true);
      return cast(tf.mul(tf.sub(weighted, tf.mul(wide, total)), scale), dtype);
    };
    return { value, saved: [value], backward };
  });
}

function causalMask(size: number): tf.Tensor {
  const mask = new Float32Array(size * size);
  for (let query = 0; query < size; query++) {
    mask.fill(-Infinity, query * size + query + 1, (query + 1) * size);
  }
  return tf.tensor2d(mask, [size, size]);
}

/**
 * Layer normalisation over the last dimension, (x - mean) / sqrt(variance + epsilon) * weight + bias, the variance
 * divided by C. Computed in float32 and rounded once to x's type.
 *
 * @param x [N, C].
 * @param parameters `weight` [C], `bias` [C], and `epsilon` (default 1e-5).
 */
export function layerNorm(
  x: tf.Tensor,
  parameters: { weight: tf.Tensor; bias: tf.Tensor; epsilon?: number },
): tf.Tensor {
  const epsilon = parameters.epsilon ?? 1e-5;
  return withGradient([x, parameters.weight, parameters.bias], (x, gain, bias) => {
    const dtype = dtypeOf(x);
    const wide = float32(x);
    const centred = tf.sub(wide, tf.mean(wide, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon)); // [N, 1]
    const normal = tf.mul(centred, inverse);
    const value = cast(tf.add(tf.mul(normal, gain), bias), dtype);
    const backward = (dy: tf.Tensor, [normal, inverse, gain]: tf.Tensor[]) => {
      const wideDy = float32(dy);
      const byNormal = tf.mul(wideDy, normal!);
      const dNormal = tf.mul(wideDy, gain!);
      const mean = tf.mean(dNormal, -1, true);
      const along = tf.mean(tf.mul(dNormal, normal!), -1, true);
      const dx = tf.mul(tf.sub(tf.sub(dNormal, mean), tf.mul(normal!, along)), inverse!);
      return [cast(dx, dtype), tf.sum(byNormal, 0), tf.sum(wideDy, 0)];
    };
    return { value, saved: [normal, inverse, gain], backward };
  });
}

/**
 * Rows of a table, as an embedding takes them. Its gradient adds rows up in float32.
 *
 * @param table [V, C].
 * @param ids int32 [N], each in [0, V).
 * @returns [N, C].
 * @throws {TensorFlowError} for an id out of range, when it runs.
 */
export function embedding(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  return withGradient([table], (table) => {
    const [rows] = table.shape;
    const backward = (dy: tf.Tensor, [ids]: tf.Tensor[]) =>
      tf.unsortedSegmentSum(float32(dy) as tf.Tensor2D, ids as tf.Tensor1D, rows!);
    return { value: tf.gather(table, ids), saved: [ids], backward };
  });
}

/**
 * Cross entropy of each row in nats, log sum exp(logits) - logits[target], in float32 whatever comes in: TensorFlow
 * subtracts each row's maximum first.
 *
 * @param logits [N, V].
 * @param targets int32 [N], each in [0, V).
 * @returns float32 [N].
 */
export function sparseCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return withGradient([logits], (logits) => {
    const dtype = dtypeOf(logits);
    const [value, slope] = currentTensorFlow().backend.executeMultipleOutputs(
      "SparseSoftmaxCrossEntropyWithLogits",
      [
        { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
        { name: "Tlabels", type: AttributeType.TYPE, value: DataType.INT32 },
      ],
      [float32(logits), targets],
      2,
    );
    const backward = (dy: tf.Tensor, [slope]: tf.Tensor[]) =>
      cast(tf.mul(slope!, tf.expandDims(dy, 1)), dtype);
    return { value: value!, saved: [slope!], backward };
  });
}

/** How bfloat16 matrix products round on this machine, found by trying. */
export type Rounding = "nearest" | "truncate" | "other";

/**
 * Tries how a bfloat16 matrix product rounds: 1 + 3 * 2^-9 lies between the neighbours 1 and 1 + 2^-7, nearer to the
 * upper. TensorFlow without oneDNN truncates to the lower (facts measured on TF 2.21).
 */
export function probeRounding(): Rounding {
  return tf.tidy(() => {
    const size = 32; // large enough to take the path that a model's products take
    const ones = tf.eye(size);
    const values = tf.fill([size, size], 1);
    // Exact in bfloat16: 1 and 2^-8 + 2^-9; their sum needs more bits than it has.
    const a = tf.concat([values, tf.fill([size, size], 2 ** -8 + 2 ** -9)], 1);
    const b = tf.concat([ones, ones], 0);
    const { binding } = currentTensorFlow();
    const product = binding.withPolicy(POLICIES["bf16-autocast"], () => tf.matMul(a, b));
    if (trueDtype(product) !== "bfloat16") return "other";
    const found = product.dataSync();
    if (found.every((value) => value === 1 + 2 ** -7)) return "nearest";
    return found.every((value) => value === 1) ? "truncate" : "other";
  });
}
