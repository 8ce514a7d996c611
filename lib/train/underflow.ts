/**
 * Underflow of gradients: elements that are 0 in a run's precision and not in float32. Formats with few exponent bits
 * lose small gradients unless they are scaled, and how many depends on the size of the batch.
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
 * Returns whether gradients can underflow: a format of less range than float32 has no scaling. Policies with a gradient
 * scaler adapt to underflow by themselves.
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
 * Returns the share of gradient elements that underflow to 0 in a precision, of those that are not 0 in float32.
 *
 * @param parameters Weights, float32.
 * @param batch The batch, and the keys of its step.
 * @param config Model, objective and precision.
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
