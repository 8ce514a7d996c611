/**
 * Underflow of gradients: gradient elements that are 0 in a run's precision, but not in float32. A format with few
 * exponent bits loses small gradients unless they are scaled. The mean over a larger batch has smaller gradients per
 * position, so that more of them are lost.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";
import { describePolicy, parseQuantizer, quantizerOf } from "../precision/mod.ts";
import { fullPolicyName, type Precision } from "../tensorflow/mod.ts";
import { type GradientConfig, lossAndGradients } from "./gradients.ts";
import type { BatchTensors } from "./loss.ts";

/**
 * Returns true if gradients can underflow in a precision, because a format with fewer exponent bits than float32 is
 * used without scaling. If the policy has a gradient scaler, which adapts to underflow, only the overrides count.
 */
export function canUnderflow({ policy, overrides = [] }: Precision): boolean {
  const { classes, scaled } = describePolicy(fullPolicyName(policy));
  const used = [
    ...(scaled ? [] : Object.values(classes).map(parseQuantizer)),
    ...overrides.filter(({ opClasses }) => !opClasses?.every((one) => one === "optimizer" || one === "loss"))
      .map(quantizerOf),
  ];
  return used.some(({ format, scaling }) => scaling === undefined && format.exponent < 8);
}

/**
 * Returns the share of gradient elements that are 0 in a precision, of all elements that are not 0 in float32.
 *
 * @param parameters Weights, float32.
 * @param batch Inputs and targets, int32 [B, T], and the keys of dropout and stochastic rounding.
 * @param config The model, the loss and the precision.
 * @returns The share, from 0 to 1.
 */
export function underflowShare(parameters: Parameters, batch: BatchTensors, config: GradientConfig): number {
  return tf.tidy(() => {
    const gradientsIn = (precision: Precision) => {
      const { loss, gradients } = lossAndGradients(parameters, batch, { ...config, ...precision });
      loss.dispose();
      return gradients;
    };
    const low = gradientsIn({ policy: config.policy, overrides: config.overrides });
    const wide = gradientsIn({ policy: "float32", overrides: [] });
    const count = (which: tf.Tensor) => tf.sum(tf.cast(which, "float32"));
    const counts = Object.entries(wide).map(([name, gradient]) => {
      const isPresent = tf.notEqual(gradient, 0);
      return tf.stack([count(tf.logicalAnd(isPresent, tf.equal(low[name]!, 0))), count(isPresent)]);
    });
    const [lost, present] = tf.sum(tf.stack(counts), 0).dataSync() as unknown as [number, number];
    return lost / Math.max(present, 1) as unknown as tf.TensorContainer;
  }) as unknown as number;
}
