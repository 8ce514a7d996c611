/**
 * tfjs-node's `tf.node.*` and its additions to `tf.io`, re-exported from tfjs-node-gpu's own modules.
 *
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { useTensorFlow } from "@losskit/losskit/tensorflow";
 * import { node } from "@losskit/losskit/tensorflow/node";
 *
 * await useTensorFlow();
 * const png = await node.encodePng(tf.zeros<tf.Rank.R3>([2, 2, 3], "int32"));
 * console.log(node.decodePng(png).shape); // [2, 2, 3]
 * ```
 *
 * After {@linkcode useTensorFlow}, `tf.io` itself saves models to `file://` paths and loads them from there.
 *
 * @module
 */
import "./binding/shim.ts";
import * as tf from "@tensorflow/tfjs";
import { ProgbarLogger } from "@tensorflow/tfjs-node-gpu/dist/callbacks.js";
import * as nodeIo from "@tensorflow/tfjs-node-gpu/dist/io/index.js";
import { node as tfjsNode } from "@tensorflow/tfjs-node-gpu/dist/node.js";

/** tfjs-node's namespace `tf.node`: images, SavedModels, TensorBoard summaries and callbacks. */
export const node: typeof tfjsNode = tfjsNode;

/** TF.js's `tf.io` with tfjs-node's file and HTTP handlers. */
export const io: typeof tf.io & typeof nodeIo = { ...tf.io, ...nodeIo };

// Shows the progress of `model.fit`, as tfjs-node does.
tf.registerCallbackConstructor(1, ProgbarLogger);
