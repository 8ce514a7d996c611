/** The optimizer Lion (Chen et al. 2023): the sign of an interpolated momentum, with decoupled weight decay. */
import * as tf from "@tensorflow/tfjs";
import type { Optimizer } from "@losskit/losskit/train";

const lion: Optimizer = {
  init: (_name, shape) => ({ momentum: shape }),
  update({ parameters, gradients, state, lr, options: { beta1, beta2, weightDecay } }) {
    const next = Object.entries(parameters).map(([name, p]) => {
      const g = gradients[name]!, m = state["momentum"]![name]!;
      const direction = tf.sign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)));
      const decayed = p.rank >= 2 ? tf.add(direction, tf.mul(p, weightDecay)) : direction;
      const momentum = tf.add(tf.mul(m, beta2), tf.mul(g, 1 - beta2));
      return [name, tf.sub(p, tf.mul(decayed, lr)), momentum] as const;
    });
    return {
      parameters: Object.fromEntries(next.map(([name, p]) => [name, p])),
      state: { momentum: Object.fromEntries(next.map(([name, , m]) => [name, m])) },
    };
  },
};

export default lion;
