/**
 * tfjs-node's `tf.node.*` and its additions to `tf.io`, re-exported from the modules of the package tfjs-node-gpu.
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
 * After `useTensorFlow`, `tf.io` itself saves models to `file://` paths and loads them from there.
 *
 * @module
 */
import "./binding/shim.ts";
import * as tf from "@tensorflow/tfjs";
import { ProgbarLogger } from "@tensorflow/tfjs-node-gpu/dist/callbacks.js";
import * as nodeIo from "@tensorflow/tfjs-node-gpu/dist/io/index.js";
import { node as tfjsNode } from "@tensorflow/tfjs-node-gpu/dist/node.js";

/** The namespace `tf.node` of tfjs-node: images, SavedModels, TensorBoard summaries and callbacks. */
export const node: typeof tfjsNode = tfjsNode;

/** TF.js's `tf.io`, extended by tfjs-node's handlers for files and HTTP. */
export const io: typeof tf.io & typeof nodeIo = { ...tf.io, ...nodeIo };

// Shows the progress of `model.fit`, as tfjs-node does.
tf.registerCallbackConstructor(1, ProgbarLogger);
