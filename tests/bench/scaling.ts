/**
 * Measures attention over T at a fixed number of tokens: in blocks, and with all T^2 products. Prints one line of JSON.
 * Started by `growth.ts` with the number of threads.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { causalAttention, compile, useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { median } from "./measure.ts";

/** Time of attention forward and backward at one T, in milliseconds. */
export interface AttentionCost {
  T: number;
  blocks_ms: number;
  full_ms: number;
}

const TOKENS = 4096, H = 4, D = 64, ROUNDS = 7;

if (import.meta.main) {
  await useTensorFlow({ threads: Number(Deno.args[0]) });
  const costs = [128, 256, 512, 1024, 2048].map((T): AttentionCost => {
    const shape = [TOKENS / T, H, T, D];
    const inputs = [1, 2, 3, 4].map((seed) => tf.randomNormal(shape, 0, 1, "float32", seed));
    const forms = [{}, { block: T }].map((form) =>
      compile((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, dy: tf.Tensor) =>
        tf.grads((...[q, k, v]: tf.Tensor[]) => causalAttention([q!, k!, v!], { scale: D ** -0.5, ...form }))(
          [q, k, v],
          dy,
        )
      )
    );
    const times: number[][] = [[], []];
    for (let round = 0; round <= ROUNDS; round++) {
      forms.forEach((form, i) => {
        const begin = performance.now();
        tf.dispose(form(...inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]));
        if (round > 0) times[i]!.push(performance.now() - begin); // the first round includes compilation
      });
    }
    tf.dispose(inputs);
    for (const form of forms) form.dispose();
    return { T, blocks_ms: median(times[0]!), full_ms: median(times[1]!) };
  });
  console.log(JSON.stringify(costs));
}
