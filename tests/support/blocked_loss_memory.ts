/**
 * Prints the memory growth of a process by the loss of the output head and its gradients, in MiB, as one line of JSON. Linux
 * only.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { peakBytes } from "../../lib/run/peak_memory.ts";
import { compile, useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { blockedGradients } from "./blocked_gradients.ts";

/** Returns the peak of resident memory in MiB. */
const peak = () => peakBytes()! / 2 ** 20;

const { N, V, C } = JSON.parse(Deno.args[0]!);
await useTensorFlow({ threads: 1, device: "cpu" });
const targets = tf.zeros([N], "int32") as tf.Tensor1D, weights = tf.fill([N], 1 / N) as tf.Tensor1D;
const rows = { targets, weights, regularization: { labelSmoothing: 0, zLoss: 0 } };
using call = compile((hidden: tf.Tensor, table: tf.Tensor) => blockedGradients(hidden, table, rows));
const hidden = tf.randomNormal([N, C]), table = tf.randomNormal([V, C]);
const before = peak();
for (const result of call(hidden, table) as tf.Tensor[]) result.dataSync();
console.log(JSON.stringify({ grown: peak() - before }));
