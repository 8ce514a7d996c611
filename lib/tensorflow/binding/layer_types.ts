/**
 * Precision of `tf.layers`. A layer adds its bias in the type of its product. This is PyTorch's behavior, whose linear,
 * convolution and recurrent kernels are single ops.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { BoundBackend } from "./_cast.ts";
import { derivedPolicy } from "./dispatch.ts";
import type { Policy } from "./policy.ts";

/** Class names of the layers that have a matrix product and a bias. */
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

/** Patches `tf.layers.Layer.apply` so that layers compute in the types of the equivalent PyTorch layers. */
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

/** Returns the policy under which layers of a class run. Undefined if the active policy applies. */
function policyOfLayer(name: string, policy: Policy): Policy | undefined {
  if (PRODUCTS.has(name)) return derivedPolicy(policy, "lowest");
  const raised = name === "LayerNormalization" && policy.classes.layerNorm === "float32";
  return raised ? derivedPolicy(policy, "float32") : undefined;
}
