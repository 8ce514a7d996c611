/**
 * Precision of `tf.layers`: a layer adds its bias in the type of its product, as PyTorch's linear, convolution and recurrent
 * kernels do, which are one op each.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { BoundBackend } from "./_cast.ts";
import { derivedPolicy } from "./dispatch.ts";
import type { Policy } from "./policy.ts";

/** Class names of layers with a product and a bias. */
const PRODUCTS: ReadonlySet<string> = new Set([
  "ConvLSTM2D",
  "Conv1D",
  "Conv2D",
  "Conv2DTranspose",
  "Conv3D",
  "Conv3DTranspose",
  "Dense",
  "DepthwiseConv2D",
  "GRU",
  "LSTM",
  "RNN",
  "SeparableConv2D",
  "SimpleRNN",
  "TimeDistributed",
]);

/** Has layers run in the types of PyTorch's. */
export function installLayerTypes({ binding: { regions } }: BoundBackend): void {
  const layer = tf.layers.Layer.prototype;
  const { apply } = layer;
  layer.apply = function (...args) {
    const policy = policyOfLayer(this.getClassName(), regions.current.policy);
    return policy === undefined
      ? apply.apply(this, args)
      : regions.withPolicy(policy, () => apply.apply(this, args));
  };
}

/** The policy that a layer of a class runs under; undefined: the one in force. */
function policyOfLayer(name: string, policy: Policy): Policy | undefined {
  if (PRODUCTS.has(name)) return derivedPolicy(policy, "lowest");
  const raised = name === "LayerNormalization" && policy.classes.layerNorm === "float32";
  return raised ? derivedPolicy(policy, "float32") : undefined;
}
