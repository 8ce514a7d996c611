// @heavy
/**
 * Compares the effects of bfloat16 and float16 on token probabilities. bfloat16 has 3 fewer mantissa bits, so its rounding
 * errors are 8 times as large. The errors of log p are then also 8 times as large, if all numbers are in float16's range and
 * errors add up linearly.
 */
import * as tf from "@tensorflow/tfjs";
import { assert, assertGreater, assertLess } from "@std/assert";
import { estimate } from "../lib/analysis/mod.ts";
import { type GptConfig, gptLogits } from "../lib/model/mod.ts";
import { autocast, type PolicyName, sparseCrossEntropy, useTensorFlow } from "../lib/tensorflow/mod.ts";
import { createRandom, evalWindows } from "../lib/text/mod.ts";
import { decodeCheckpoint, train, type TrainOptions } from "../lib/train/mod.ts";

await useTensorFlow();

const V = 16;

/** Returns tokens of a Markov source of order 2: the last two tokens determine three possible next tokens. */
function source(count: number, seed: number): Int32Array {
  const random = createRandom(seed, "source");
  const tokens = new Int32Array(count);
  for (let i = 2; i < count; i++) {
    const at = (5 * tokens[i - 1]! + 3 * tokens[i - 2]!) % V;
    tokens[i] = random.uniform() < 0.1 ? random.integer(V) : (at + random.integer(3)) % V;
  }
  return tokens;
}

const model: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 64, vocabSize: V, blockSize: 64 };
const options = {
  model,
  lr: 3e-3,
  warmupSteps: 10,
  steps: 150,
  seed: 1,
  batchSize: 12,
  blockSize: 64,
  data: {
    train: source(100_000, 1),
    validation: source(20_000, 2),
    tokenizer: { byteLengths: new Int32Array(V).fill(1) },
  },
  evalEvery: 150,
  evalTokens: 2048,
  checkpointEvery: 150,
} satisfies TrainOptions;

Deno.test("the ratio of mean |delta log p| between bfloat16 and float16 is 8 for the same weights", async () => {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  for await (const event of train(options)) if (event.event === "checkpoint") bytes = event.bytes;
  const { state } = decodeCheckpoint(bytes!, { ...options, name: "trained" });
  const validation = source(20_000, 2);
  /** Returns log probabilities of the targets of each window. */
  const logP = (policy: PolicyName) =>
    [...evalWindows(validation, { B: 8, T: 64, maxTokens: 12_288 })].map((batch) =>
      tf.tidy(() =>
        autocast(policy, () => {
          const x = tf.tensor2d(batch.x, [batch.B, batch.T], "int32");
          const logits = gptLogits(state.parameters, x, model);
          return sparseCrossEntropy(logits, tf.tensor1d(batch.y, "int32")).dataSync();
        })
      )
    );
  const [exact, bfloat16, float16] = ["float32", "bf16-autocast", "fp16-autocast"].map((policy) =>
    logP(policy as PolicyName)
  ) as [Float32Array[], Float32Array[], Float32Array[]];
  const moved = (low: Float32Array[], i: number) =>
    low[i]!.reduce((sum, value, j) => sum + Math.abs(value - exact[i]![j]!), 0) / low[i]!.length;
  // One ratio of means per batch of 512 targets. Batches are approximately independent.
  const ratios = exact.map((_, i) => moved(bfloat16, i) / moved(float16, i));
  const { mean, half } = estimate(ratios);
  console.log(`mean |delta log p| of bfloat16 over float16: ${mean.toFixed(2)} ± ${half!.toFixed(2)}`);
  assertGreater(ratios.length, 20);
  assert(Math.abs(mean - 8) < 1.2, `${mean} ± ${half}`);
  assertLess(half!, 0.5);
});
