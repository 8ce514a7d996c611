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
import { fused } from "./fused.ts";
import { POLICIES, type Policy } from "./policy.ts";
import { castTo, dtypeOf, trueDtype } from "./true_dtype.ts";

/** The float32 multiplier of the cube in GPT-2's GELU, and sqrt(2 / pi). */
const GELU_CUBE = 0.044715, GELU_SCALE = Math.sqrt(2 / Math.PI);

/** Values with their gradient: `backward` gets the values' gradients, and returns that of every input in order. */
interface WithBackward {
  values: tf.Tensor[];
  /** What `backward` uses of the forward pass; TF.js keeps it alive until then. */
  saved: tf.Tensor[];
  backward: (dys: tf.Tensor[], saved: tf.Tensor[]) => tf.Tensor[];
}

/** The part of TF.js's engine that `tf.customGrad` is made of, which allows for several results. */
interface GradientEngine {
  runKernelFunc(params: {
    forwardFunc: (backend: unknown, save: tf.GradSaveFunc) => tf.Tensor[];
    backwardsFunc: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor[];
}

/** `tf.customGrad` for any number of inputs and results. */
function withGradient<I extends tf.Tensor[]>(
  inputs: I,
  forward: (...inputs: I) => WithBackward,
): tf.Tensor[] {
  let backward: WithBackward["backward"] | undefined;
  return (tf.engine() as unknown as GradientEngine).runKernelFunc({
    forwardFunc: (_, save) => {
      const result = forward(...inputs);
      backward = result.backward;
      save(result.saved);
      return result.values;
    },
    backwardsFunc: (dys, saved) => {
      const gradients = backward!(Array.isArray(dys) ? dys : [dys], saved);
      return Object.fromEntries(gradients.map((gradient, i) => [i, () => gradient]));
    },
    inputs: { ...inputs } as unknown as Record<string, tf.Tensor>,
  });
}

function withPolicy<R>(policy: Policy, work: () => R): R {
  return currentTensorFlow().binding.withPolicy(policy, work);
}

/** Casts to the type that another tensor had; both are float32 to TF.js. */
function cast(tensor: tf.Tensor, dtype: number): tf.Tensor {
  return dtypeOf(tensor) === dtype ? tensor : castTo(tensor, dtype);
}

/** Casts to the type that another tensor has. */
const castAs = (tensor: tf.Tensor, like: tf.Tensor): tf.Tensor => cast(tensor, dtypeOf(like));

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
  const low = productType();
  return withGradient([x, parameters.weight, parameters.bias], (x, weight, bias) => {
    const types = [x, weight, bias].map(dtypeOf);
    const backward = ([dy]: tf.Tensor[], [x, weight]: tf.Tensor[]) =>
      withPolicy(policy, () => {
        const dyLow = low === undefined ? dy! : cast(dy!, low);
        const dx = tf.matMul(dyLow, weight!, false, true);
        const dw = tf.matMul(x!, dyLow, true, false);
        const db = tf.reshape(tf.matMul(tf.ones([1, dy!.shape[0]!]), dyLow), bias.shape);
        return [cast(dx, types[0]!), cast(dw, types[1]!), cast(db, types[2]!)];
      });
    return { values: [matMulBias([x, weight, bias], low)], saved: [x, weight], backward };
  })[0]!;
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

/** tanh(sqrt(2 / pi) (x + 0.044715 x^3)) of a float32 x. */
function geluTanh(x: tf.Tensor): tf.Tensor {
  return tf.tanh(tf.mul(tf.mul(x, GELU_SCALE), tf.add(tf.mul(tf.square(x), GELU_CUBE), 1)));
}

const geluForward = fused("gelu", ([x]) => {
  const wide = float32(x!);
  return [castAs(tf.mul(tf.mul(wide, 0.5), tf.add(geluTanh(wide), 1)), x!)];
});

const geluBackward = fused("geluGrad", ([dy, x]) => {
  const wide = float32(x!), tanh = geluTanh(wide);
  const slope = tf.add(tf.mul(tf.square(wide), 3 * GELU_CUBE * GELU_SCALE), GELU_SCALE);
  const bend = tf.mul(tf.mul(wide, slope), tf.sub(1, tf.square(tanh)));
  const derivative = tf.mul(tf.add(tf.add(tanh, 1), bend), 0.5);
  return [castAs(tf.mul(float32(dy!), derivative), x!)];
});

/**
 * GPT-2's GELU, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), computed in float32 and rounded once to x's type.
 *
 * @param x Any shape.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return withGradient([x], (x) => ({
    values: geluForward([x], {}),
    saved: [x],
    backward: ([dy], [x]) => geluBackward([dy!, x!], {}),
  }))[0]!;
}

const softmaxForward = fused("causalSoftmax", ([scores], { scale }: { scale: number }) => {
  const shifted = tf.add(tf.mul(float32(scores!), scale), causalMask(scores!.shape.at(-1)!));
  return [castAs(tf.softmax(shifted), scores!)];
});

const softmaxBackward = fused("causalSoftmaxGrad", ([dy, weights], { scale }: { scale: number }) => {
  const T = weights!.shape.at(-1)!;
  const wide = tf.reshape(float32(weights!), [-1, T]), wideDy = tf.reshape(float32(dy!), [-1, T]);
  const total = tf.mul(rowMeans(tf.mul(wideDy, wide)), T);
  const dScores = tf.mul(tf.mul(wide, tf.sub(wideDy, total)), scale);
  return [castAs(tf.reshape(dScores, weights!.shape), weights!)];
});

/**
 * Attention weights: the softmax of `scale * scores` over keys, a query seeing itself and what is before it.
 * Computed in float32 and rounded once to the scores' type.
 *
 * @param scores Products of queries with keys, [B, H, T, T].
 * @param scale What scores are multiplied with, usually 1 / sqrt(D).
 */
export function causalSoftmax(scores: tf.Tensor, scale: number): tf.Tensor {
  return withGradient([scores], (scores) => {
    const values = softmaxForward([scores], { scale });
    return {
      values,
      saved: values,
      backward: ([dy], [weights]) => softmaxBackward([dy!, weights!], { scale }),
    };
  })[0]!;
}

function causalMask(size: number): tf.Tensor {
  const mask = new Float32Array(size * size);
  for (let query = 0; query < size; query++) {
    mask.fill(-Infinity, query * size + query + 1, (query + 1) * size);
  }
  return tf.tensor2d(mask, [size, size]);
}

/**
 * Means of rows, [N, C] to [N, 1]. XLA adds a row up one number at a time, unless it is a product with ones; TensorFlow's
 * own kernel does not need that.
 */
function rowMeans(x: tf.Tensor): tf.Tensor {
  if (currentTensorFlow().binding.trace?.mode !== "xla") return tf.mean(x, -1, true);
  const C = x.shape.at(-1)!;
  return tf.div(tf.matMul(x, tf.ones([C, 1])), C);
}

/** Rows that LayerNorm made 0 in the mean and 1 in the variance: the result, and what backward wants to know. */
function normalise(
  [x, gain, bias]: [tf.Tensor, tf.Tensor, tf.Tensor],
  { epsilon, dtype }: { epsilon: number; dtype: number },
): { value: tf.Tensor; mean: tf.Tensor; inverse: tf.Tensor } {
  const mean = rowMeans(x); // [N, 1]
  const centred = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(rowMeans(tf.square(centred)), epsilon)); // [N, 1]
  return { value: cast(tf.add(tf.mul(tf.mul(centred, inverse), gain), bias), dtype), mean, inverse };
}

/** Gradients of LayerNorm: of x, float32, of gain and of bias. */
function normaliseGrad(
  [dy, x, mean, inverse, gain]: readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const wideDy = float32(dy);
  const normal = tf.mul(tf.sub(x, mean), inverse);
  const dNormal = tf.mul(wideDy, gain);
  const average = rowMeans(dNormal);
  const along = rowMeans(tf.mul(dNormal, normal));
  const dx = tf.mul(tf.sub(tf.sub(dNormal, average), tf.mul(normal, along)), inverse);
  return [dx, tf.sum(tf.mul(wideDy, normal), 0), tf.sum(wideDy, 0)];
}

interface NormOptions {
  epsilon: number;
  dtype: number;
}

const normForward = fused("layerNorm", ([x, gain, bias], options: NormOptions) => {
  const { value, mean, inverse } = normalise([float32(x!), gain!, bias!], options);
  return [value, mean, inverse];
});

const normBackward = fused("layerNormGrad", ([dy, x, mean, inverse, gain]) => {
  const [dx, dGain, dBias] = normaliseGrad([dy!, float32(x!), mean!, inverse!, gain!]);
  return [castAs(dx, x!), dGain, dBias];
});

const addNormForward = fused("addLayerNorm", ([x, y, gain, bias], options: NormOptions) => {
  const sum = tf.add(x!, float32(y!));
  const { value, mean, inverse } = normalise([sum, gain!, bias!], options);
  return [sum, value, mean, inverse];
});

const addNormBackward = fused(
  "addLayerNormGrad",
  ([dSum, dy, sum, mean, inverse, gain], { dtype }: { dtype: number }) => {
    const [dx, dGain, dBias] = normaliseGrad([dy!, sum!, mean!, inverse!, gain!]);
    const total = tf.add(dx, dSum!);
    return dtype === DataType.FLOAT ? [total, dGain, dBias] : [total, dGain, dBias, cast(total, dtype)];
  },
);

/** What LayerNorm is given besides its input. */
export interface LayerNormParameters {
  /** Gains, [C]. */
  weight: tf.Tensor;
  /** Shifts, [C]. */
  bias: tf.Tensor;
  /** Added to the variance; default 1e-5. */
  epsilon?: number;
  /** Whether the result is rounded to the type that the policy's matrix products take; default: it has x's type. */
  lowered?: boolean;
}

/** The type that the policy in force has matrix products take. */
function productType(): number | undefined {
  const { policy } = currentTensorFlow().binding;
  return policy.lowOps.has("MatMul") ? policy.lowType : undefined;
}

/**
 * Layer normalisation over the last dimension, (x - mean) / sqrt(variance + epsilon) * weight + bias, the variance
 * divided by C. Computed in float32 and rounded once to x's type, or to that of products.
 *
 * @param x [N, C].
 * @param parameters `weight` [C], `bias` [C], and `epsilon` (default 1e-5).
 */
export function layerNorm(x: tf.Tensor, parameters: LayerNormParameters): tf.Tensor {
  const { weight, bias, epsilon = 1e-5, lowered = false } = parameters;
  const dtype = (lowered ? productType() : undefined) ?? dtypeOf(x);
  return withGradient([x, weight, bias], (x, gain, bias) => {
    const [value, mean, inverse] = normForward([x, gain, bias], { epsilon, dtype });
    return {
      values: [value!],
      saved: [x, mean!, inverse!, gain],
      backward: ([dy], [x, mean, inverse, gain]) => normBackward([dy!, x!, mean!, inverse!, gain!], {}),
    };
  })[0]!;
}

/**
 * A step of the residual stream: the sum of two, and its {@linkcode layerNorm}, in one pass.
 *
 * @param x The stream, float32 [N, C].
 * @param y What is added to it, [N, C] of any floating type.
 * @param parameters Of the LayerNorm.
 * @returns The sum, float32 [N, C], and its LayerNorm.
 */
export function addLayerNorm(
  x: tf.Tensor,
  y: tf.Tensor,
  parameters: LayerNormParameters,
): { sum: tf.Tensor; normal: tf.Tensor } {
  const { weight, bias, epsilon = 1e-5, lowered = false } = parameters;
  const dtype = (lowered ? productType() : undefined) ?? DataType.FLOAT;
  const dtypeY = dtypeOf(y);
  const [sum, normal] = withGradient([x, y, weight, bias], (x, y, gain, bias) => {
    const [sum, value, mean, inverse] = addNormForward([x, y, gain, bias], { epsilon, dtype });
    return {
      values: [sum!, value!],
      saved: [sum!, mean!, inverse!, gain],
      backward: ([dSum, dy], [sum, mean, inverse, gain]) => {
        const inputs = [dSum!, dy!, sum!, mean!, inverse!, gain!];
        const [dx, dGain, dBias, dY] = addNormBackward(inputs, { dtype: dtypeY });
        return [dx!, dY ?? dx!, dGain!, dBias!];
      },
    };
  });
  return { sum: sum!, normal: normal! };
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
    const backward = ([dy]: tf.Tensor[], [ids]: tf.Tensor[]) => [
      tf.unsortedSegmentSum(float32(dy!) as tf.Tensor2D, ids as tf.Tensor1D, rows!) as tf.Tensor,
    ];
    return { values: [tf.gather(table, ids)], saved: [ids], backward };
  })[0]!;
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
    const backward = ([dy]: tf.Tensor[], [slope]: tf.Tensor[]) => [
      cast(tf.mul(slope!, tf.expandDims(dy!, 1)), dtype),
    ];
    return { values: [value!], saved: [slope!], backward };
  })[0]!;
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
