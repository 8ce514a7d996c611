/**
 * Measures memory and time of the blocked cross entropy (head, loss, both gradients). Prints one line of JSON. Started by
 * `growth.ts`; `peers/torch_head.py` measures PyTorch.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { autocast, compile, useTensorFlow } from "../../lib/tensorflow/mod.ts";
import { blockedGradients } from "../support/blocked_gradients.ts";
import { benchBatches } from "./batches.ts";
import { median, memoryTouched } from "./measure.ts";
import type { BenchConfig } from "./train_steps.ts";

/** Sizes and precision of the measurement. */
export interface HeadConfig {
  /** Number of rows. */
  n: number;
  vocab: number;
  n_embd: number;
  precision: BenchConfig["precision"];
  threads: number;
}

/** Result of the measurement. */
export interface HeadResult {
  library: string;
  loss: number;
  /** Peak memory without inputs, in MiB. */
  peak_mb: number;
  median_ms: number;
}

/** Returns reproducible values, equal in both libraries: fractions of multiples of the golden ratio, centered and scaled. */
function values(count: number, spread: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 0.618033988749895) % 1 - 0.5) * spread);
}

if (import.meta.main) {
  const { n, vocab, n_embd, precision, threads }: HeadConfig = JSON.parse(Deno.args[0]!);
  await useTensorFlow({ threads });
  const targets = tf.tensor1d(benchBatches({ vocab, count: n }).next().value!.targets, "int32");
  const weights = tf.fill([n], 1 / n) as tf.Tensor1D;
  using call = compile((hidden: tf.Tensor, table: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) =>
    autocast(precision, () => {
      const rows = {
        targets: targets as tf.Tensor1D,
        weights: weights as tf.Tensor1D,
        regularization: { labelSmoothing: 0, zLoss: 0 },
      };
      return blockedGradients(hidden, table, rows);
    })
  );
  const hidden = tf.tensor2d(values(n * n_embd, 4), [n, n_embd]);
  const table = tf.tensor2d(values(vocab * n_embd, 0.4), [vocab, n_embd]);
  const run = () => {
    const results = call(hidden, table, targets, weights) as tf.Tensor[];
    const loss = results[0]!.dataSync()[0]!;
    tf.dispose(results);
    return loss;
  };
  run(); // warm-up, as for PyTorch
  let loss = NaN;
  // TensorFlow caches allocations, so resident memory is not informative. Measure touched memory instead, minus that of an
  // idle call and minus the inputs.
  const idle = memoryTouched(() => tf.tidy(() => tf.add(weights, 1).dataSync()));
  const given = [hidden, table, targets, weights].reduce((sum, { size }) => sum + 4 * size, 0) / 2 ** 20;
  const peak_mb = memoryTouched(() => loss = run()) - idle - given;
  const times = Array.from({ length: 5 }, () => {
    const begin = performance.now();
    run();
    return performance.now() - begin;
  });
  const result: HeadResult = { library: "losskit", loss, peak_mb, median_ms: median(times) };
  console.log(JSON.stringify(result));
}
