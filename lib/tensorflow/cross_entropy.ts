/**
 * Cross entropy of rows of logits with its slope, as a unit; and the same by blocks of columns.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "./attribute.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType } from "./dtype.ts";
import { fused, isFused } from "./fused.ts";
import { dtypeOf } from "./true_dtype.ts";
import { cast, float32, rowSums, withGradient } from "./_unit.ts";

/** By logits [N, V], those of the targets [N, 1] and the targets [N, 1]: losses [N] and slopes [N, V]. */
const lossAndSlope = fused("crossEntropy", ([logits, picked, targets]) => {
  const V = logits!.shape[1]!, wide = float32(logits!);
  const top = tf.max(wide, 1, true); // [N, 1]
  const exponentials = tf.exp(tf.sub(wide, top));
  const total = rowSums(exponentials); // [N, 1]
  const hits = tf.cast(tf.equal(tf.reshape(tf.range(0, V, 1, "int32"), [1, V]), targets!), "float32");
  const slopes = tf.sub(tf.mul(exponentials, tf.div(1, total)), hits);
  const losses = tf.sub(tf.log(total), tf.sub(float32(picked!), top));
  return [tf.reshape(losses, [-1]), slopes];
});

/**
 * Cross entropy of rows in nats, log sum exp(logits) - logits[target], each row's maximum subtracted first, and its slope
 * by logits, softmax - onehot. In float32 whatever comes in. It has no gradient of its own.
 *
 * TensorFlow's own op runs on one row after the other; of many logits in a graph, XLA's passes take a fifth of its time.
 *
 * @param logits [N, V].
 * @param targets int32 [N], each in [0, V).
 * @returns `losses` [N] and `slopes` [N, V].
 */
function crossEntropyWithSlope(
  logits: tf.Tensor,
  targets: tf.Tensor,
): { losses: tf.Tensor; slopes: tf.Tensor } {
  let results: tf.Tensor[];
  if (isFused([logits])) {
    const column = tf.expandDims(targets, 1); // [N, 1]
    const places = tf.concat([tf.reshape(tf.range(0, targets.size, 1, "int32"), [-1, 1]), column], 1);
    // Outside of XLA, whose gather knows no index out of range.
    const picked = tf.expandDims(tf.gatherND(logits, places), 1);
    results = lossAndSlope([logits, picked, column], {});
  } else {
    results = currentTensorFlow().backend.executeMultipleOutputs(
      "SparseSoftmaxCrossEntropyWithLogits",
      [
        { name: "T", type: AttributeType.TYPE, value: DataType.FLOAT },
        { name: "Tlabels", type: AttributeType.TYPE, value: DataType.INT32 },
      ],
      [float32(logits), targets],
      2,
    );
  }
  return { losses: results[0]!, slopes: results[1]! };
}

const weighted = fused("weightedRows", ([rows, weights], { dtype }: { dtype: number }) => [
  cast(tf.mul(rows!, tf.expandDims(weights!, 1)), dtype),
]);

/**
 * Cross entropy of each row in nats, in float32 whatever comes in; its gradient is rounded to the logits' type.
 *
 * @param logits [N, V].
 * @param targets int32 [N], each in [0, V).
 * @returns float32 [N].
 */
export function sparseCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return withGradient([logits], (logits) => {
    const dtype = dtypeOf(logits);
    const { losses, slopes } = crossEntropyWithSlope(logits, targets);
    return {
      values: [losses],
      saved: [slopes],
      backward: ([dy], [slopes]) => weighted([slopes!, dy!], { dtype }),
    };
  })[0]!;
}

/** What is known of rows of logits from the columns seen so far, each float32 [N, 1]. */
export interface RowStatistics {
  /** The largest logit. */
  readonly top: tf.Tensor;
  /** The sum of exp(logit - top). */
  readonly total: tf.Tensor;
  /** The target's logit; 0 while its column is to come. */
  readonly picked: tf.Tensor;
  /** The sum of logits, where it is asked for. */
  readonly sum?: tf.Tensor | undefined;
}

const statistics = fused("blockStatistics", ([logits, top, total, sum]) => {
  const wide = float32(logits!);
  const higher = tf.maximum(top!, tf.max(wide, 1, true));
  const own = rowSums(tf.exp(tf.sub(wide, higher)));
  const all = tf.add(tf.mul(total!, tf.exp(tf.sub(top!, higher))), own);
  return sum === undefined ? [higher, all] : [higher, all, tf.add(sum, rowSums(wide))];
});

/** The lowest finite float32. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/** Statistics of rows of which no column was seen. */
export function noStatistics(N: number, { sum }: { sum: boolean }): RowStatistics {
  const zeros = () => tf.fill([N, 1], 0);
  return {
    top: tf.fill([N, 1], LOWEST), // not -Infinity: less that of a row of such logits is NaN
    total: zeros(),
    picked: zeros(),
    ...(sum && { sum: zeros() }),
  };
}

/**
 * Adds a block of columns to the statistics of rows, as Milakov and Gimelshein (2018, *Online normalizer calculation for
 * softmax*) do one number at a time.
 *
 * @param former The statistics of the columns before.
 * @param logits The block, [N, v], in any floating type.
 * @param targets int32 [N, 1]: the targets' columns, counted from the block's first.
 */
export function addColumns(former: RowStatistics, logits: tf.Tensor, targets: tf.Tensor): RowStatistics {
  const [N, v] = logits.shape as [number, number];
  const { top, total, picked, sum } = former;
  const inside = tf.logicalAnd(tf.greaterEqual(targets, 0), tf.less(targets, v));
  const columns = tf.clipByValue(targets, 0, v - 1);
  const places = tf.concat([tf.reshape(tf.range(0, N, 1, "int32"), [N, 1]), columns], 1);
  const own = tf.expandDims(float32(tf.gatherND(logits, places)), 1);
  const inputs = sum === undefined ? [logits, top, total] : [logits, top, total, sum];
  const [higher, all, more] = statistics(inputs, {});
  return {
    top: higher!,
    total: all!,
    picked: tf.where(inside, own, picked),
    ...(more && { sum: more }),
  };
}

/** What is minimised of each row, beside what {@linkcode columnSlopes} is given as tensors. */
export interface SlopeOptions {
  /** All columns. */
  readonly V: number;
  /** Epsilon of label smoothing. */
  readonly labelSmoothing: number;
  /** Coefficient of (log Z)². */
  readonly zLoss: number;
  /** The type of the result. */
  readonly dtype: number;
}

/**
 * Slopes of rows' objectives by a block of their logits, weighted: softmax - onehot; with smoothing, plus
 * epsilon (onehot - 1 / V); with the z-loss, plus 2 coefficient log Z softmax.
 *
 * @param logits The block, [N, v], in any floating type.
 * @param rows Of all columns, float32 [N, 1]: the largest logit, the sum of exp(logit - top), and the weights; and, int32
 * [N, 1], the targets' columns, counted from the block's first.
 * @returns [N, v].
 */
export function columnSlopes(
  logits: tf.Tensor,
  rows: { top: tf.Tensor; total: tf.Tensor; weights: tf.Tensor; targets: tf.Tensor },
  options: SlopeOptions,
): tf.Tensor {
  return slopesOf([logits, rows.top, rows.total, rows.weights, rows.targets], options)[0]!;
}

const slopesOf = fused(
  "blockSlopes",
  ([logits, top, total, weights, targets], { V, labelSmoothing, zLoss, dtype }: SlopeOptions) => {
    const v = logits!.shape[1]!;
    const exponentials = tf.exp(tf.sub(float32(logits!), top!));
    const hits = tf.cast(tf.equal(tf.reshape(tf.range(0, v, 1, "int32"), [1, v]), targets!), "float32");
    let share = tf.div(1, total!);
    if (zLoss !== 0) {
      const logZ = tf.add(top!, tf.log(total!));
      share = tf.mul(share, tf.add(1, tf.mul(logZ, 2 * zLoss)));
    }
    const aim = labelSmoothing === 0 ? hits : tf.add(tf.mul(hits, 1 - labelSmoothing), labelSmoothing / V);
    return [cast(tf.mul(tf.sub(tf.mul(exponentials, share), aim), weights!), dtype)];
  },
);
