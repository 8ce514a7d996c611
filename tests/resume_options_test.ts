// @heavy
/**
 * A trainer that is saved and resumed gives the bits of an uninterrupted one, for any combination of options of the model
 * and the optimizer.
 */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { gpt, type GptConfig } from "../lib/model/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import { createTrainer, type TrainerOptions } from "../lib/train/mod.ts";

await useTensorFlow();

const V = 11, T = 8, B = 2, STEPS = 4;

const models: fc.Arbitrary<GptConfig> = fc.record({
  nLayer: fc.constantFrom(1, 2),
  nHead: fc.constant(4),
  nEmbd: fc.constant(16),
  vocabSize: fc.constant(V),
  blockSize: fc.constant(T),
  norm: fc.constantFrom("layerNorm", "rmsNorm"),
  position: fc.constantFrom("learned", "rotary"),
  activation: fc.constantFrom("gelu", "swiglu", "relu2"),
  bias: fc.boolean(),
  tiedHead: fc.boolean(),
  nKvHead: fc.constantFrom(1, 2, 4),
  nInner: fc.constantFrom(0, 24),
  ropeTheta: fc.constantFrom(100, 10_000),
  ropeScaling: fc.constantFrom("none", "linear:2", "llama3:4,1,4,8"),
  qkNorm: fc.boolean(),
  dropout: fc.constantFrom(0, 0.1),
});

const optimizers: fc.Arbitrary<TrainerOptions> = fc.record({
  optimizer: fc.constantFrom("adamw", "sgd", "muon"),
  nsDtype: fc.constantFrom("bf16", "float32"),
  muonMomentum: fc.constantFrom(0.9, 0.95),
  policy: fc.constantFrom("float32", "bf16-autocast"),
  emaDecay: fc.constantFrom(0, 0.5),
  clip: fc.constantFrom(0, 1),
});

/** Returns the batch of a step. */
function batchOf(step: number): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const ids = (offset: number) => Array.from({ length: B * T }, (_, i) => (i * 7 + step * 3 + offset) % V);
  return { x: tf.tensor2d(ids(0), [B, T], "int32"), y: tf.tensor2d(ids(7), [B, T], "int32") };
}

Deno.test("a trainer resumes bit by bit with any options of the model and the optimizer", () => {
  const seen = new Set<unknown>();
  fc.assert(
    fc.property(models, optimizers, fc.integer({ min: 1, max: STEPS - 1 }), (config, options, at) => {
      const all = { ...options, steps: STEPS, warmupSteps: 1, lr: 1e-2, seed: 3 };
      using model = gpt(config, { seed: 1 }), whole = createTrainer(model, all);
      for (let step = 0; step < at; step++) whole.step(batchOf(step));
      const bytes = whole.checkpoint();
      using other = gpt(config, { seed: 2 }), resumed = createTrainer(other, all);
      resumed.restore(bytes, { name: "the checkpoint", sampling: "any" });
      for (let step = at; step < STEPS; step++) {
        assertEquals(resumed.step(batchOf(step)).loss, whole.step(batchOf(step)).loss);
      }
      assertEquals(resumed.checkpoint(), whole.checkpoint());
      for (const value of [...Object.values(config), ...Object.values(options)]) seen.add(value);
    }),
    { numRuns: 25, seed: 20261129, endOnFailure: true },
  );
  for (const value of ["muon", "rmsNorm", "rotary", "swiglu", "llama3:4,1,4,8"]) {
    assert(seen.has(value), value);
  }
});
