/**
 * What this machine can do at best: matrix products of TensorFlow's own kernels, and copies in memory. Prints one line of
 * JSON. `run.ts` starts it with the number of threads.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { toBfloat16, useTensorFlow } from "../../lib/tensorflow/mod.ts";

/** The best of some rounds. */
export interface Peak {
  library: "peak";
  /** A product of two 2048 × 2048 matrices, 10^9 operations a second. */
  float32_gflops: number;
  bf16_gflops: number;
  /** Reading and writing 64 MiB, 10^9 bytes a second. */
  copy_gb_per_s: number;
}

/** The shortest time of a call, milliseconds. */
function best(call: () => tf.Tensor, rounds: number): number {
  let least = Infinity;
  for (let i = 0; i < rounds; i++) {
    const begin = performance.now();
    const result = call();
    least = Math.min(least, performance.now() - begin);
    result.dispose();
  }
  return least;
}

if (import.meta.main) {
  await useTensorFlow({ threads: Number(Deno.args[0]) });
  const n = 2048, a = tf.randomNormal<tf.Rank.R2>([n, n]), low = toBfloat16(a) as tf.Tensor2D;
  const flops = 2 * n ** 3, values = tf.zeros([2 ** 24]);
  const peak: Peak = {
    library: "peak",
    float32_gflops: flops / best(() => tf.matMul(a, a), 25) / 1e6,
    bf16_gflops: flops / best(() => tf.matMul(low, low), 25) / 1e6,
    copy_gb_per_s: 2 * 4 * values.size / best(() => tf.neg(values), 25) / 1e6,
  };
  console.log(JSON.stringify(peak));
}
