/** Tests of gradients in formats with few exponent bits: scaling prevents underflow, whatever the batch size. */
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { gpt } from "../model/mod.ts";
import { parseOverride, type PolicyName } from "../precision/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { Replay } from "./replay.ts";
import type { TrainingData } from "./dataset.ts";
import { train } from "./loop.ts";
import { createTrainer } from "./trainer.ts";
import type { TrainerOptions } from "./trainer_options.ts";

await useTensorFlow();

const T = 64;
const config = { nLayer: 2, nHead: 2, nEmbd: 32, blockSize: T, vocabSize: 24 };

/** Draws sequences in which a token determines the next one nine times in ten. */
function batch(B: number, seed: number) {
  const random = createRandom(seed, "batch");
  const rows = Array.from({ length: B }, () => {
    const ids = [random.integer(config.vocabSize)];
    while (ids.length <= T) {
      const likely = (ids.at(-1)! * 5 + 3) % config.vocabSize;
      ids.push(random.uniform() < 0.9 ? likely : random.integer(config.vocabSize));
    }
    return ids;
  });
  const part = (from: number) => tf.tensor2d(rows.map((ids) => ids.slice(from, from + T)), [B, T], "int32");
  return { x: part(0), y: part(1) };
}

Deno.test("with scaling, e4m7 keeps the gradient's direction at 64, 768 and 4,096 tokens; without, it depends on the batch", () => {
  using model = gpt(config, { seed: 1 });
  using trainer = createTrainer(model, { lr: 3e-3 });
  for (let step = 0; step < 60; step++) {
    const data = batch(8, step);
    trainer.step(data);
    tf.dispose([data.x, data.y]);
  }
  const cosines: Record<string, number[]> = {};
  for (const tokens of [64, 768, 4096]) {
    const parameters = Object.fromEntries(
      Object.entries(model.parameters).map(([name, p]) => [name, tf.clone(p)]),
    );
    using replay = new Replay(parameters, [batch(tokens / T, 1000 + tokens)], { model: config });
    for (const policy of ["emulated:e4m7/tensor", "emulated:e4m7", "fp8-hybrid", "mxfp8"] as const) {
      const { cosine } = replay.measure({ policy });
      (cosines[policy] ??= []).push(cosine);
    }
  }
  for (const cosine of cosines["emulated:e4m7/tensor"]!) assertGreater(cosine, 0.999);
  const [small, , large] = cosines["emulated:e4m7"]!;
  assertLess(large!, 0.9);
  assertLess(large!, small!);
});

Deno.test("underflow() measures the share of gradients that an unscaled format loses; scaled formats lose none that matter", () => {
  using model = gpt(config, { seed: 1 });
  const shareIn = (options: TrainerOptions) => {
    using trainer = createTrainer(model, options);
    const data = batch(12, 1), tensors = tf.memory().numTensors;
    const share = trainer.underflow(data);
    assertEquals(tf.memory().numTensors, tensors);
    tf.dispose([data.x, data.y]);
    return share;
  };
  assertGreater(shareIn({ policy: "emulated:e4m3" })!, 0.5);
  assertLess(shareIn({ policy: "emulated:float16" })!, 0.1);
  assertGreater(shareIn({ policy: "bf16-autocast", overrides: [parseOverride("linear.dy=e4m3")] })!, 0.1);
  for (
    const policy of [
      "float32",
      "bf16-autocast",
      "fp16-autocast",
      "mxfp8",
      "emulated:e4m7/tensor",
      "emulated:e8m3",
    ]
  ) {
    assertEquals(shareIn({ policy: policy as PolicyName }), undefined, policy);
  }
  const stored = [parseOverride("optimizer=float16")];
  assertEquals(shareIn({ policy: "bf16-autocast", overrides: stored }), undefined);
});

Deno.test("train() records the share that underflows at the first step of a run, and only there", async () => {
  const ids = Int32Array.from({ length: 400 }, (_, i) => (i * 5 + 3) % config.vocabSize);
  const data: TrainingData = {
    train: ids,
    validation: ids.subarray(0, 80),
    tokenizer: { byteLengths: new Int32Array(config.vocabSize).fill(1) } as TrainingData["tokenizer"],
  };
  const shares: (number | undefined)[] = [];
  const given = {
    model: config,
    data,
    steps: 2,
    batchSize: 2,
    evalTokens: 64,
    policy: "emulated:e4m3" as const,
  };
  for await (const event of train({ ...given, execution: "eager" })) {
    if (event.event === "step") shares.push(event.underflow);
  }
  assertGreater(shares[0]!, 0.1);
  assertEquals(shares.slice(1), [undefined]);
});
