/**
 * Cross entropy of rows of logits and its gradient, over all columns at once or over blocks of columns.
 *
 * Letters: N rows, V columns, v columns of a block.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { DataType } from "../native/dtype.ts";
import { fused, isFused } from "../binding/fused.ts";
import { operation } from "../precision/scope.ts";
import { dtypeOf } from "../binding/true_dtype.ts";
import { cast, float32, maxOver, rowMax, rowSums, type WithBackward, withGradient } from "./_unit.ts";

/**
 * Computes losses [N], exponentials [N, V] and their sums [N, 1] from logits [N, V] and the targets' logits [N, 1]. The
 * gradient is computed from the exponentials, which saves one pass over [N, V].
 */
const lossesOf = fused("crossEntropy", ([logits, targetLogit]) => {
  const wide = float32(logits!), max = rowMax(wide); // [N, 1]
  const exponentials = tf.exp(tf.sub(wide, max)), sumExp = rowSums(exponentials);
  const losses = tf.sub(tf.log(sumExp), tf.sub(float32(targetLogit!), max));
  return [tf.reshape(losses, [-1]), exponentials, sumExp];
});

/** Computes the gradient of the weighted losses with respect to the logits, [N, V]: (softmax - onehot) weight. */
const gradientOfLosses = fused(
  "crossEntropyGrad",
  ([exponentials, sumExp, columns, targets, weights], { dtype }: { dtype: number }) => {
    const dLogits = tf.sub(tf.mul(exponentials!, tf.div(1, sumExp!)), oneHot(columns!, targets!));
    return [cast(tf.mul(dLogits, weights!), dtype)];
  },
);

/**
 * Returns the indices of v columns, int32 [1, v]. Fused functions take them as an input: if XLA computes an index for each
 * number, it does not vectorize the loop, and the gradient of a row takes twice as long.
 */
function columnsOf(v: number): tf.Tensor {
  return tf.reshape(tf.range(0, v, 1, "int32"), [1, v]);
}

/** Returns 1 in the target's column and 0 elsewhere, float32 [N, v], from {@linkcode columnsOf} and targets [N, 1]. */
function oneHot(columns: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.cast(tf.equal(columns, targets), "float32");
}

/**
 * Returns the logit of each row in a column, [N, 1], from logits [N, v] and columns [N, 1]. Not for use in XLA, whose
 * gather does not detect an index out of range.
 */
function logitsAt(logits: tf.Tensor, columns: tf.Tensor): tf.Tensor {
  const N = logits.shape[0]!;
  const places = tf.concat([tf.reshape(tf.range(0, N, 1, "int32"), [N, 1]), columns], 1);
  return tf.expandDims(tf.gatherND(logits, places), 1);
}

/** Computes the losses of {@linkcode lossOfRows} with XLA, for many logits. */
function compiledLosses(logits: tf.Tensor, targets: tf.Tensor): WithBackward {
  const V = logits.shape[1]!, dtype = dtypeOf(logits);
  const column = tf.expandDims(targets, 1); // [N, 1]
  const [losses, exponentials, sumExp] = lossesOf([logits, logitsAt(logits, column)], {});
  return {
    values: [losses!],
    saved: [exponentials!, sumExp!, column],
    backward: ([dy], [exponentials, sumExp, column]) => {
      const rows = [exponentials!, sumExp!, columnsOf(V), column!, tf.expandDims(dy!, 1)];
      return gradientOfLosses(rows, { dtype });
    },
  };
}

/** Computes the losses of {@linkcode lossOfRows} with TensorFlow's op, which processes one row after the other. */
function lossesByOp(logits: tf.Tensor, targets: tf.Tensor): WithBackward {
  const [losses, dLogits] = currentTensorFlow().backend.executeMultipleOutputs(
    "SparseSoftmaxCrossEntropyWithLogits",
    [
      { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
      { name: "Tlabels", type: AttributeType.TYPE, value: DataType.INT32 },
    ],
    [float32(logits), targets],
    2,
  );
  const dtype = dtypeOf(logits);
  return {
    values: [losses!],
    saved: [dLogits!],
    backward: ([dy], [dLogits]) => [cast(tf.mul(dLogits!, tf.expandDims(dy!, 1)), dtype)],
  };
}

/**
 * Computes the cross entropy of each row in nats, in float32 for every type of the logits. The gradient has the logits'
 * type. If an override sets a format for the class `loss`, logits and losses are rounded to that format.
 *
 * @param logits [N, V].
 * @param targets int32 [N], each in [0, V).
 * @returns Losses [N]: float32, or the storage type of the format of `loss`.
 */
export function sparseCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return lossOfRows([logits], targets);
}

/**
 * Computes the cross entropy of each row in nats, log sum exp(logits) - logits[target], with its gradient. Each row's
 * maximum is subtracted first. The computation is in float32 for every input type.
 */
const lossOfRows = operation(
  "loss",
  (inputs: [tf.Tensor], targets: tf.Tensor) =>
    withGradient(
      inputs,
      (logits) => isFused([logits]) ? compiledLosses(logits, targets) : lossesByOp(logits, targets),
    )[0]!,
);

/** Statistics of rows of logits over the columns processed so far, float32 [N, 1] each. */
export interface RowStatistics {
  /** Largest logit of each row. */
  readonly max: tf.Tensor;
  /** Sum of exp(logit - max) of each row. */
  readonly sumExp: tf.Tensor;
  /** Logit of each row's target. 0 until the target's column is processed. */
  readonly targetLogit: tf.Tensor;
  /** Sum of max - logit of each row, for label smoothing. Undefined if not requested. */
  readonly belowMax?: tf.Tensor | undefined;
}

/** Number of columns that {@linkcode statistics} reduces side by side. */
const SIDE_BY_SIDE = 64;

/**
 * Statistics of logits [N, v / w, w]. XLA reduces w columns side by side in vector registers. A sum over [N, v] would add one
 * number at a time, or need memory for all exponentials.
 */
const statistics = fused("blockStatistics", ([logits, max, sumExp, belowMax, count]) => {
  const wide = float32(logits!);
  const higher = tf.maximum(max!, rowMax(maxOver(wide, 1, { keepDims: false })));
  const shifted = tf.sub(wide, tf.expandDims(higher, 2));
  const added = (x: tf.Tensor) => rowSums(tf.sum(x, 1));
  const all = tf.add(tf.mul(sumExp!, tf.exp(tf.sub(max!, higher))), added(tf.exp(shifted)));
  if (belowMax === undefined) return [higher, all];
  // Before the first column, max is the lowest float32, and a higher maximum minus it may overflow.
  const raised = tf.where(tf.equal(sumExp!, 0), tf.zerosLike(max!), tf.mul(count!, tf.sub(higher, max!)));
  return [higher, all, tf.sub(tf.add(belowMax, raised), added(shifted))];
});

/** The lowest finite float32. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/** Returns the statistics of N rows before the first column. */
export function noStatistics(N: number, { belowMax }: { belowMax: boolean }): RowStatistics {
  const zeros = () => tf.fill([N, 1], 0);
  return {
    max: tf.fill([N, 1], LOWEST), // not -Infinity: the difference of two infinities is NaN
    sumExp: zeros(),
    targetLogit: zeros(),
    ...(belowMax && { belowMax: zeros() }),
  };
}

/**
 * Adds a block of columns to the statistics of rows. This is the online softmax of Milakov and Gimelshein (2018,
 * *Online normalizer calculation for softmax*), by blocks instead of single numbers.
 *
 * @param former Statistics of the columns before the block.
 * @param logits Logits of the block, [N, v], in any floating type.
 * @param block `targets`: the targets' columns relative to the block's first column, int32 [N, 1]. `before`: number of
 * columns in the former statistics.
 * @returns Statistics that include the block.
 */
export function addColumns(
  former: RowStatistics,
  logits: tf.Tensor,
  { targets, before }: { targets: tf.Tensor; before: number },
): RowStatistics {
  const [N, v] = logits.shape as [number, number];
  const { max, sumExp, targetLogit, belowMax } = former;
  const w = v % SIDE_BY_SIDE === 0 ? SIDE_BY_SIDE : v;
  const inside = tf.logicalAnd(tf.greaterEqual(targets, 0), tf.less(targets, v));
  const own = float32(logitsAt(logits, tf.clipByValue(targets, 0, v - 1)));
  const smoothed = belowMax === undefined ? [] : [belowMax, tf.fill([1, 1], before)];
  const [higher, all, more] = statistics([tf.reshape(logits, [N, v / w, w]), max, sumExp, ...smoothed], {});
  return {
    max: higher!,
    sumExp: all!,
    targetLogit: tf.where(inside, own, targetLogit),
    ...(more && { belowMax: more }),
  };
}

/**
 * Combines the statistics of disjoint sets of columns of the same rows.
 *
 * @param of Statistics, and the number of columns that each contains.
 */
export function joinColumns(
  of: readonly { readonly statistics: RowStatistics; readonly columns: number }[],
): RowStatistics {
  const [first, ...others] = of.map(({ statistics }) => statistics);
  const max = others.reduce((max, other) => tf.maximum(max, other.max), first!.max);
  const sum = (term: (one: RowStatistics, columns: number) => tf.Tensor) =>
    of.map(({ statistics, columns }) => term(statistics, columns)).reduce((a, b) => tf.add(a, b));
  return {
    max,
    sumExp: sum((one) => tf.mul(one.sumExp, tf.exp(tf.sub(one.max, max)))),
    targetLogit: sum(({ targetLogit }) => targetLogit), // 0 in all but one
    ...(first!.belowMax && {
      belowMax: sum((one, columns) => tf.add(one.belowMax!, tf.mul(columns, tf.sub(max, one.max)))),
    }),
  };
}

/** Settings of {@linkcode columnGradients}. */
export interface GradientOptions {
  /** Number of columns of all blocks. */
  readonly V: number;
  /** Epsilon of label smoothing. */
  readonly labelSmoothing: number;
  /** Coefficient of the z-loss, (log Z)² of each row. */
  readonly zLoss: number;
  /** Type of the result, as TensorFlow's number. */
  readonly dtype: number;
}

/**
 * Rounds float32 to another type, in a function of its own: if XLA writes 16-bit numbers in a loop of exponentials, the
 * exponentials take twice as long.
 */
const roundTo = fused("roundTo", ([x], { dtype }: { dtype: number }) => [cast(x!, dtype)]);

/**
 * Computes the gradients of the weighted losses of rows with respect to a block of their logits.
 *
 * The gradient of a row is softmax - onehot, times the row's weight. Label smoothing adds epsilon (onehot - 1 / V). The
 * z-loss adds 2 `zLoss` log Z softmax.
 *
 * @param logits Logits of the block, [N, v], in any floating type.
 * @param rows Values of each row over all columns, float32 [N, 1]: `max`, `sumExp` and `weights`. `targets`: the
 * targets' columns relative to the block's first column, int32 [N, 1].
 * @param options V, label smoothing, z-loss and type.
 * @returns [N, v].
 */
export function columnGradients(
  logits: tf.Tensor,
  rows: { max: tf.Tensor; sumExp: tf.Tensor; weights: tf.Tensor; targets: tf.Tensor },
  options: GradientOptions,
): tf.Tensor {
  const { dtype, ...settings } = options;
  const columns = columnsOf(logits.shape[1]!);
  const wide = gradientsOf(
    [logits, rows.max, rows.sumExp, rows.weights, rows.targets, columns],
    settings,
  )[0]!;
  return dtype === DataType.FLOAT ? wide : roundTo([wide], { dtype })[0]!;
}

const gradientsOf = fused(
  "blockGradients",
  (
    [logits, max, sumExp, weights, targets, columns],
    { V, labelSmoothing, zLoss }: Omit<GradientOptions, "dtype">,
  ) => {
    const exponentials = tf.exp(tf.sub(float32(logits!), max!));
    const hits = oneHot(columns!, targets!);
    let share = tf.div(1, sumExp!);
    if (zLoss !== 0) {
      const logZ = tf.add(max!, tf.log(sumExp!));
      share = tf.mul(share, tf.add(1, tf.mul(logZ, 2 * zLoss)));
    }
    const aim = labelSmoothing === 0 ? hits : tf.add(tf.mul(hits, 1 - labelSmoothing), labelSmoothing / V);
    return [tf.mul(tf.sub(tf.mul(exponentials, share), aim), weights!)];
  },
);
