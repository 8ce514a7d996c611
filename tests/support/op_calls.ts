/** Calls of common TF.js operations by name. The tests of precision run them under every policy. */
import * as tf from "@tensorflow/tfjs";
import * as lk from "../../lib/tensorflow/mod.ts";

/** Call with floating-point inputs in the order of `inputs`. */
export interface OpCase {
  /** Shapes of the floating-point inputs. */
  readonly inputs: readonly (readonly number[])[];
  /** Runs the operation. */
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** True if the operation has a gradient. Default: true. */
  readonly differentiable?: boolean;
}

// deno-lint-ignore no-explicit-any -- TF.js's ops want tensors of a rank, which the shapes below have
type Any = any;
const of = (run: (...inputs: Any[]) => tf.Tensor, ...inputs: number[][]): OpCase => ({ inputs, run });
const plain = (run: (...inputs: Any[]) => tf.Tensor, ...inputs: number[][]): OpCase => ({
  ...of(run, ...inputs),
  differentiable: false,
});

const V = [6], M = [4, 6], IMAGE = [1, 4, 4, 2], VOLUME = [1, 4, 4, 4, 2];

/** Calls by name. */
export const OP_CALLS: Readonly<Record<string, OpCase>> = {
  // Products
  matMul: of((x, w) => tf.matMul(x, w), M, [6, 3]),
  dot: of((x, y) => tf.dot(x, y), V, V),
  conv1d: of((x, w) => tf.conv1d(x, w, 1, "same"), [1, 6, 2], [3, 2, 3]),
  conv2d: of((x, w) => tf.conv2d(x, w, 1, "same"), IMAGE, [2, 2, 2, 3]),
  conv2dTranspose: of((x, w) => tf.conv2dTranspose(x, w, [1, 4, 4, 3], 1, "same"), IMAGE, [2, 2, 3, 2]),
  conv3d: of((x, w) => tf.conv3d(x, w, 1, "same"), VOLUME, [2, 2, 2, 2, 3]),
  depthwiseConv2d: of((x, w) => tf.depthwiseConv2d(x, w, 1, "same"), IMAGE, [2, 2, 2, 1]),
  einsumProduct: plain((x, w) => tf.einsum("ij,jk->ik", x, w), M, [6, 3]),
  fusedMatMul: of((a, b, bias) => tf.fused.matMul({ a, b, bias }), M, [6, 3], [3]),
  fusedMatMulRelu: of((a, b, bias) => tf.fused.matMul({ a, b, bias, activation: "relu" }), M, [6, 3], [3]),
  fusedConv2d: of(
    (x, filter, bias) => tf.fused.conv2d({ x, filter, strides: 1, pad: "same", bias, activation: "relu" }),
    IMAGE,
    [2, 2, 2, 3],
    [3],
  ),
  // Arithmetic
  add: of((x, y) => tf.add(x, y), M, M),
  sub: of((x, y) => tf.sub(x, y), M, M),
  mul: of((x, y) => tf.mul(x, y), M, M),
  div: of((x, y) => tf.div(x, y), M, M),
  maximum: of((x, y) => tf.maximum(x, y), M, M),
  minimum: of((x, y) => tf.minimum(x, y), M, M),
  mulNumber: of((x) => tf.mul(x, 0.5), M),
  addNumber: of((x) => tf.add(x, 1), M),
  addScalar: of((x) => tf.add(x, tf.scalar(1)), M),
  numberOver: of((x) => tf.div(1, x), M),
  powNumber: of((x) => tf.pow(x, 2), M),
  pow: of((x, y) => tf.pow(x, y), M, M),
  squaredDifference: of((x, y) => tf.squaredDifference(x, y), M, M),
  addN: of((x, y) => tf.addN([x, y]), M, M),
  atan2: of((x, y) => tf.atan2(x, y), M, M),
  // Functions of single numbers
  abs: of((x) => tf.abs(x), M),
  neg: of((x) => tf.neg(x), M),
  square: of((x) => tf.square(x), M),
  sqrt: of((x) => tf.sqrt(x), M),
  rsqrt: of((x) => tf.rsqrt(x), M),
  reciprocal: of((x) => tf.reciprocal(x), M),
  exp: of((x) => tf.exp(x), M),
  expm1: of((x) => tf.expm1(x), M),
  log: of((x) => tf.log(x), M),
  log1p: of((x) => tf.log1p(x), M),
  sin: of((x) => tf.sin(x), M),
  cos: of((x) => tf.cos(x), M),
  tan: of((x) => tf.tan(x), M),
  sinh: of((x) => tf.sinh(x), M),
  cosh: of((x) => tf.cosh(x), M),
  tanh: of((x) => tf.tanh(x), M),
  acos: of((x) => tf.acos(x), M),
  asin: of((x) => tf.asin(x), M),
  atan: of((x) => tf.atan(x), M),
  erf: of((x) => tf.erf(x), M),
  floor: of((x) => tf.floor(x), M),
  ceil: of((x) => tf.ceil(x), M),
  round: of((x) => tf.round(x), M),
  sign: of((x) => tf.sign(x), M),
  clip: of((x) => tf.clipByValue(x, 0.25, 0.75), M),
  // Activations
  relu: of((x) => tf.relu(x), M),
  relu6: of((x) => tf.relu6(x), M),
  leakyRelu: of((x) => tf.leakyRelu(x), M),
  prelu: of((x, alpha) => tf.prelu(x, alpha), M, [1, 6]),
  elu: of((x) => tf.elu(x), M),
  selu: of((x) => tf.selu(x), M),
  sigmoid: of((x) => tf.sigmoid(x), M),
  logSigmoid: of((x) => tf.logSigmoid(x), M),
  softplus: of((x) => tf.softplus(x), M),
  softmax: of((x) => tf.softmax(x), M),
  logSoftmax: of((x) => tf.logSoftmax(x), M),
  // Reductions
  sum: of((x) => tf.sum(x, 1), M),
  mean: of((x) => tf.mean(x, 1), M),
  prod: of((x) => tf.prod(x, 1), M),
  max: of((x) => tf.max(x, 1), M),
  min: of((x) => tf.min(x, 1), M),
  logSumExp: of((x) => tf.logSumExp(x, 1), M),
  cumsum: of((x) => tf.cumsum(x, 1), M),
  cumprod: plain((x) => tf.cumprod(x, 1), M),
  norm: of((x) => tf.norm(x), M),
  // Rearrangements
  transpose: of((x) => tf.transpose(x), M),
  einsumTranspose: plain((x) => tf.einsum("ij->ji", x), M),
  einsumOuter: plain((x, y) => tf.einsum("i,j->ij", x, y), V, V),
  reshape: of((x) => tf.reshape(x, [24]), M),
  slice: of((x) => tf.slice(x, [1, 1], [2, 2]), M),
  gather: of((x) => tf.gather(x, tf.tensor1d([0, 2], "int32")), M),
  tile: of((x) => tf.tile(x, [2, 1]), M),
  pad: of((x) => tf.pad(x, [[1, 0], [0, 1]]), M),
  mirrorPad: of((x) => tf.mirrorPad(x, [[1, 0], [0, 0]], "reflect"), M),
  reverse: of((x) => tf.reverse(x), M),
  concat: of((x, y) => tf.concat([x, y]), M, M),
  stack: of((x, y) => tf.stack([x, y]), M, M),
  meshgrid: of((x) => tf.meshgrid(x, tf.zeros([4]))[0]!, V),
  meshgridRows: of((y) => tf.meshgrid(tf.zeros([4]), y, { indexing: "ij" })[1]!, V),
  stridedSlice: plain((x) => tf.stridedSlice(x, [0, 1], [4, 6], [2, 2]), M),
  unstack: of((x) => tf.unstack(x)[1]!, M),
  split: of((x) => tf.split(x, 2)[1]!, M),
  expandDims: of((x) => tf.expandDims(x, 0), M),
  squeeze: of((x) => tf.squeeze(x), [1, 6]),
  broadcastTo: of((x) => tf.broadcastTo(x, [4, 6]), [1, 6]),
  depthToSpace: plain((x) => tf.depthToSpace(x, 2), [1, 2, 2, 4]),
  batchToSpaceND: of((x) => tf.batchToSpaceND(x, [2, 2], [[0, 0], [0, 0]]), [4, 1, 1, 1]),
  spaceToBatchND: of((x) => tf.spaceToBatchND(x, [2, 2], [[0, 0], [0, 0]]), [1, 2, 2, 1]),
  gatherND: plain((x) => tf.gatherND(x, tf.tensor2d([[0, 1], [2, 3]], [2, 2], "int32")), M),
  scatterND: plain((x) => tf.scatterND(tf.tensor2d([[0], [2]], [2, 1], "int32"), x, [4]), [2]),
  diag: plain((x) => tf.diag(x), V),
  bandPart: plain((x) => tf.linalg.bandPart(x, 1, 1), M),
  topk: plain((x) => tf.topk(x, 2).values, M),
  frame: plain((x) => tf.signal.frame(x, 2, 2), V),
  flipLeftRight: plain((x) => tf.image.flipLeftRight(x), IMAGE),
  rotateWithOffset: plain((x) => tf.image.rotateWithOffset(x, Math.PI / 2, 0, 0.5), IMAGE),
  where: of((x, y) => tf.where(tf.tensor1d([1, 0, 1, 0, 1, 0], "bool"), x, y), M, M),
  // Network layers
  avgPool: of((x) => tf.avgPool(x, 2, 2, "valid"), IMAGE),
  maxPool: of((x) => tf.maxPool(x, 2, 2, "valid"), IMAGE),
  avgPool3d: of((x) => tf.avgPool3d(x, 2, 2, "valid"), VOLUME),
  maxPool3d: of((x) => tf.maxPool3d(x, 2, 2, "valid"), VOLUME),
  localResponseNormalization: of((x) => tf.localResponseNormalization(x), IMAGE),
  batchNorm: of((x, m, v, b, g) => tf.batchNorm(x, m, v, b, g), IMAGE, [2], [2], [2], [2]),
  dropout: of((x) => tf.dropout(x, 0.5, undefined, 1), M),
  resizeBilinear: of((x) => tf.image.resizeBilinear(x, [2, 2]), IMAGE),
  resizeNearestNeighbor: of((x) => tf.image.resizeNearestNeighbor(x, [2, 2]), IMAGE),
  rfft: plain((x) => tf.real(tf.spectral.rfft(x)), V),
  // Losses
  meanSquaredError: of((x, y) => tf.losses.meanSquaredError(x, y), M, M),
  absoluteDifference: of((x, y) => tf.losses.absoluteDifference(x, y), M, M),
  huberLoss: of((x, y) => tf.losses.huberLoss(x, y), M, M),
  softmaxCrossEntropy: of((x, y) => tf.losses.softmaxCrossEntropy(x, y), M, M),
  sigmoidCrossEntropy: of((x, y) => tf.losses.sigmoidCrossEntropy(x, y), M, M),
  // Operations of this library
  linear: of((x, weight, bias) => lk.linear(x, { weight, bias }), M, [6, 3], [3]),
  gelu: of((x) => lk.gelu(x), M),
  layerNorm: of((x, weight, bias) => lk.layerNorm(x, { weight, bias }), M, [6], [6]),
  causalSoftmax: of((x) => lk.causalSoftmax(x, 0.5), [1, 2, 4, 4]),
  causalAttention: of(
    (q, k, v) => lk.causalAttention([q, k, v], { scale: 0.5 }),
    [1, 2, 4, 3],
    [1, 2, 4, 3],
    [1, 2, 4, 3],
  ),
  residual: of((x, y) => lk.residual(x, y), M, M),
  embedding: of((table) => lk.embedding(table, tf.tensor1d([0, 2], "int32")), M),
  crossEntropy: of((x) => lk.crossEntropy(x, tf.tensor1d([0, 1, 2, 3], "int32")), M),
};
