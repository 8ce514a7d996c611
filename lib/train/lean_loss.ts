/**
 * The loss of the head in chunks of rows: logits of all rows are never held at once, forward or backward.
 *
 * The head's product and the cross entropy of a chunk are followed at once by their gradient, written out here, so that
 * nothing of size [N, V] outlives its chunk (the form of Liger-Kernel's and Apple's Cut Cross-Entropy). The table's
 * gradient is added up in float32 over chunks, whatever the policy. The plain form, by TF.js's autodiff, is in `loss.ts`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../tensorflow/attribute.ts";
import { DataType } from "../tensorflow/dtype.ts";
import {
  crossEntropyWithSlope,
  currentTensorFlow,
  layerScope,
  observe,
  opScope,
  toFloat32,
} from "../tensorflow/mod.ts";

/** Logits of one chunk: 16 MiB in float32, large enough to keep matrix products fast. */
const CHUNK_LOGITS = 2 ** 22;

/** What is minimised beside the mean negative log likelihood. */
export interface Regularisation {
  /** Epsilon of label smoothing, in [0, 1): (1 - epsilon) nll + epsilon · the mean over V of -log p. */
  readonly labelSmoothing: number;
  /** Coefficient of (log Z)², which is added. */
  readonly zLoss: number;
}

/** The rows of a loss, and how they count. */
export interface LossRows {
  /** Token ids, int32 [N], each in [0, V). */
  readonly targets: tf.Tensor1D;
  /** What each row's loss is multiplied with in the sum, float32 [N]. */
  readonly weights: tf.Tensor1D;
  /** What is minimised beside. */
  readonly regularisation: Regularisation;
  /** Bounds logits x to cap · tanh(x / cap) (default: no bound); for {@linkcode leanLoss}, which makes them itself. */
  readonly logitSoftCap?: number | undefined;
  /** Rows of a chunk (default: as many as have 4 Mi logits). */
  readonly chunk?: number | undefined;
}

/** The sums of a loss over rows, float32 scalars. */
export interface LossSums {
  /** What is minimised; it has a gradient. */
  readonly objective: tf.Scalar;
  /** The negative log likelihood alone; it may have no gradient. */
  readonly nll: tf.Scalar;
}

/**
 * The rows that chunks take, in order.
 *
 * @param N Rows.
 * @param size What a chunk has: `rows`, or else as many as have 4 Mi logits of `V`.
 */
export function chunksOf(
  N: number,
  size: { V: number; rows?: number | undefined },
): { begin: number; size: number }[] {
  const rows = size.rows ?? Math.max(1, Math.floor(CHUNK_LOGITS / size.V));
  return Array.from(
    { length: Math.ceil(N / rows) },
    (_, i) => ({ begin: i * rows, size: Math.min(rows, N - i * rows) }),
  );
}

/**
 * The weighted sums of losses over rows.
 *
 * @param hidden Hidden states, [N, C].
 * @param table The head's rows, [V, C].
 * @param rows Targets, weights, and what is minimised.
 * @returns The sums. No tidy frees `nll`: it is the caller's to dispose of.
 */
export function leanLoss(hidden: tf.Tensor2D, table: tf.Tensor2D, rows: LossRows): LossSums {
  let nll: tf.Scalar | undefined;
  const fn = (hidden: tf.Tensor2D, table: tf.Tensor2D, save: tf.GradSaveFunc) => {
    const parts: tf.Tensor[] = [];
    let sums: ChunkSums | undefined;
    for (const range of chunksOf(hidden.shape[0], { V: table.shape[0], rows: rows.chunk })) {
      const former = sums;
      // What the last chunk ended with: the next one waits for it, also where TensorFlow runs a graph in parallel.
      const after = former === undefined ? [] : [former.dTable, toFloat32(parts.at(-1)!)];
      const chunk = tf.tidy(() => chunkGradient({ hidden, table, rows, range, former, after }));
      tf.dispose(former === undefined ? [] : [former.dTable, former.objective, former.nll]);
      parts.push(chunk.dHidden);
      sums = chunk;
    }
    nll = tf.keep(sums!.nll);
    save([parts.length === 1 ? parts[0]! : tf.concat(parts, 0), sums!.dTable]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy));
    return { value: sums!.objective, gradFunc };
  };
  // TF.js's type of a function with a gradient knows no mixed arguments.
  const objective = tf.customGrad(fn as unknown as Parameters<typeof tf.customGrad>[0])(hidden, table);
  return { objective: objective as tf.Scalar, nll: nll! };
}

/** What is carried from chunk to chunk: sums, and the table's gradient so far, float32 [V, C]. */
type ChunkSums = { objective: tf.Scalar; nll: tf.Scalar; dTable: tf.Tensor };

function chunkGradient(given: {
  hidden: tf.Tensor2D;
  table: tf.Tensor2D;
  rows: LossRows;
  range: { begin: number; size: number };
  former: ChunkSums | undefined;
  after: readonly tf.Tensor[];
}): ChunkSums & { dHidden: tf.Tensor } {
  const { hidden, table, rows, range, former } = given;
  const x = sliceAfter(hidden, range, given.after); // [n, C]
  const weights = tf.slice(rows.weights, [range.begin], [range.size]);
  const targets = tf.slice(rows.targets, [range.begin], [range.size]);
  const product = toFloat32(inHead(x, table, (x, table) => tf.matMul(x, table, false, true))); // [n, V]
  const cap = rows.logitSoftCap;
  const bounded = cap === undefined ? undefined : tf.tanh(tf.div(product, cap));
  const logits = atLoss(bounded === undefined ? product : tf.mul(bounded, cap!)) as tf.Tensor2D;
  observe("logits", logits);
  const losses = lossesAndSlopes(logits, targets, rows.regularisation);
  const nll = atLoss(losses.nll), objective = atLoss(losses.objective);
  const weighted = atLoss(tf.mul(losses.slope, tf.expandDims(weights, 1))) as tf.Tensor2D;
  // A policy that lowers products rounds this on its way into them, as it does in the plain form.
  const dLogits = bounded === undefined
    ? weighted
    : tf.mul(weighted, tf.sub(1, tf.square(bounded))) as tf.Tensor2D;
  const dHidden = inHead(dLogits, table, (dLogits, table) => tf.matMul(dLogits, table)); // [n, C]
  const dTable = toFloat32(inHead(dLogits, x, (dLogits, x) => tf.matMul(dLogits, x, true, false))); // [V, C]
  const sum = (losses: tf.Tensor) => tf.sum(tf.mul(losses, weights));
  const own = { objective: sum(objective), nll: sum(nll), dTable };
  const add = (name: keyof typeof own) => former === undefined ? own[name] : tf.add(former[name], own[name]);
  return {
    dHidden,
    objective: add("objective") as tf.Scalar,
    nll: add("nll") as tf.Scalar,
    dTable: add("dTable"),
  };
}

/** A product of the head, in the format that is set for it. */
function inHead(a: tf.Tensor, b: tf.Tensor, product: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): tf.Tensor {
  return layerScope("head", () => opScope("linear", [a, b], product));
}

/** What crosses the edge of the loss, rounded to the format that is set for it, in float32. */
function atLoss(x: tf.Tensor): tf.Tensor {
  return layerScope("loss", () => toFloat32(opScope("loss", [x], (x) => x)));
}

/**
 * Losses of rows, and the slopes of what is minimised, d objective / d logits: softmax - onehot; with smoothing, plus
 * epsilon (onehot - 1 / V); with the z-loss, plus 2 coefficient log Z softmax.
 */
function lossesAndSlopes(
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
  { labelSmoothing, zLoss }: Regularisation,
): { nll: tf.Tensor; objective: tf.Tensor; slope: tf.Tensor } {
  const { losses: nll, slopes: gap } = crossEntropyWithSlope(logits, targets); // [n], [n, V]: softmax - onehot
  if (labelSmoothing === 0 && zLoss === 0) return { nll, objective: nll, slope: gap };
  const V = logits.shape[1];
  const hit = tf.oneHot(targets, V, 1, 0, "float32"); // [n, V]
  const logZ = tf.add(nll, tf.sum(tf.mul(logits, hit), 1)); // [n]
  const spread = tf.sub(logZ, tf.mean(logits, 1)); // [n]: the mean over V of -log p
  const smooth = tf.add(tf.mul(nll, 1 - labelSmoothing), tf.mul(spread, labelSmoothing));
  const objective = tf.add(smooth, tf.mul(tf.square(logZ), zLoss));
  const smoothSlope = tf.add(gap, tf.mul(tf.sub(hit, 1 / V), labelSmoothing));
  const zSlope = tf.mul(tf.add(gap, hit), tf.mul(tf.expandDims(logZ, 1), 2 * zLoss));
  return { nll, objective, slope: tf.add(smoothSlope, zSlope) };
}

/**
 * Rows of a matrix, taken once other tensors are there. A graph runs what is ready, which without this would be the
 * products of all chunks at once; TensorFlow's IdentityN passes its inputs on when it has them all.
 */
function sliceAfter(
  matrix: tf.Tensor2D,
  { begin, size }: { begin: number; size: number },
  after: readonly tf.Tensor[],
): tf.Tensor2D {
  const { backend, binding } = currentTensorFlow();
  const columns = matrix.shape[1];
  if (after.length === 0 || binding.trace === undefined) return tf.slice(matrix, [begin, 0], [size, columns]);
  const types = [DataType.INT32, ...after.map(() => DataType.FLOAT)];
  const [start] = backend.executeMultipleOutputs(
    "IdentityN",
    [{ name: "T", type: AttributeType.TYPE, value: types }],
    [tf.tensor1d([begin, 0], "int32"), ...after],
    types.length,
  );
  return backend.executeSingleOutput(
    "Slice",
    [
      { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
      { name: "Index", type: AttributeType.TYPE, value: DataType.INT32 },
    ],
    [matrix, start!, tf.tensor1d([size, columns], "int32")],
  ) as tf.Tensor2D;
}
