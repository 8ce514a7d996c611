/**
 * Measures the peak of this machine: matrix products with TensorFlow's kernels, and memory copies. Prints one line of JSON.
 * Started by `run.ts` with the number of threads.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { toBfloat16, useTensorFlow } from "../../lib/tensorflow/mod.ts";

/** Best result over rounds. */
export interface Peak {
  library: "peak";
  /** Product of two 2048 × 2048 matrices, in 10^9 operations per second. */
  float32_gflops: number;
  bf16_gflops: number;
  /** Reading and writing 64 MiB, in 10^9 bytes per second. */
  copy_gb_per_s: number;
}

/** Returns the shortest time of a call, in milliseconds. */
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
