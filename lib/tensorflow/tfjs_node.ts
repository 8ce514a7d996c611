/**
 * A replacement for `@tensorflow/tfjs-node`: TF.js with `tf.node` and `tf.io` on libtensorflow. The import completes
 * when TensorFlow runs.
 *
 * ```ts
 * import * as tf from "@losskit/losskit/tfjs-node";
 *
 * console.log(tf.getBackend()); // tensorflow
 * const png = await tf.node.encodePng(tf.zeros<tf.Rank.R3>([2, 2, 3], "int32"));
 * console.log(tf.node.decodePng(png).shape); // [2, 2, 3]
 * ```
 *
 * @module
 */
import { useTensorFlow } from "./binding/backend.ts";

export * from "@tensorflow/tfjs";
export { io, node } from "./node.ts";

await useTensorFlow();
