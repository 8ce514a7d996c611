/**
 * Cross entropy of rows of logits with its slope, as a unit.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "./attribute.ts";
import { currentTensorFlow } from "./backend.ts";
import { DataType } from "./dtype.ts";
import { fused, isFused } from "./fused.ts";
import { dtypeOf } from "./true_dtype.ts";
import { cast, float32, rowMeans, withGradient } from "./_unit.ts";

/** By logits [N, V], those of the targets [N, 1] and the targets [N, 1]: losses [N] and slopes [N, V]. */
const lossAndSlope = fused("crossEntropy", ([logits, picked, targets]) => {
  const V = logits!.shape[1]!, wide = float32(logits!);
  const top = tf.max(wide, 1, true); // [N, 1]
  const exponentials = tf.exp(tf.sub(wide, top));
  const total = tf.mul(rowMeans(exponentials), V); // [N, 1]
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
export function crossEntropyWithSlope(
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
