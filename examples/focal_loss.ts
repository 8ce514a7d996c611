/** The focal loss (Lin et al. 2017): the cross entropy of a token, weighted by (1 - probability)². */
import * as tf from "@tensorflow/tfjs";
import type { Criterion } from "@losskit/losskit/train";

const focalLoss: Criterion = (logits, y) => {
  const [B, T, V] = logits.shape;
  const logProbabilities = tf.logSoftmax(tf.cast(tf.reshape(logits, [B * T, V]), "float32"));
  const counted = tf.cast(tf.greaterEqual(tf.reshape(y, [B * T]), 0), "float32"); // padding has the target -100
  const targets = tf.oneHot(tf.relu(tf.reshape(y, [B * T])), V);
  const logP = tf.sum(tf.mul(logProbabilities, targets), 1); // [N]
  const losses = tf.mul(tf.square(tf.sub(1, tf.exp(logP))), tf.neg(logP));
  return tf.div(tf.sum(tf.mul(losses, counted)), tf.sum(counted));
};

export default focalLoss;
