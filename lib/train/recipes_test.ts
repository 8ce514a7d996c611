/** Tests of training under recipes: delayed scaling as state, eager and compiled steps, resumption. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { gpt } from "../model/mod.ts";
import { parseOverride, type PolicyName } from "../precision/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { delayedOperands, nextHistories } from "./amax.ts";
import { createTrainer } from "./trainer.ts";
import type { TrainerOptions } from "./trainer_options.ts";

const tensorflow = await useTensorFlow();

const config = { nLayer: 2, nHead: 2, nEmbd: 32, blockSize: 16, vocabSize: 40 };

function batch(step: number) {
  const random = createRandom(5, `batch/${step}`);
  const ids = Array.from({ length: 4 * 17 }, () => random.integer(config.vocabSize));
  const rows = (from: number) =>
    Array.from({ length: 4 }, (_, b) => ids.slice(b * 17 + from, b * 17 + from + 16));
  return { x: tf.tensor2d(rows(0), [4, 16], "int32"), y: tf.tensor2d(rows(1), [4, 16], "int32") };
}

function losses(options: TrainerOptions, steps = 2): number[] {
  using model = gpt(config, { seed: 1 });
  using trainer = createTrainer(model, { ...options, steps: 8 });
  return Array.from({ length: steps }, (_, i) => trainer.step(batch(i)).loss);
}

const POLICIES: PolicyName[] = [
  "fp8-hybrid+delayed",
  "mxfp4+ceil+stochastic+hadamard",
  "nvfp4",
  "emulated:e4m7/tensor",
];

Deno.test("recipes train, and the losses of eager and compiled steps agree", () => {
  const wide = losses({ policy: "float32" });
  for (const policy of POLICIES) {
    const [graph, eager] = (["graph", "eager"] as const).map((execution) => losses({ policy, execution }));
    for (const [i, loss] of graph!.entries()) {
      // Sums of compiled and eager products differ in float32's last digits, which rounding to few bits amplifies.
      assertLess(Math.abs(loss - eager![i]!), 5e-3, policy);
      assertLess(Math.abs(loss - wide[i]!), 0.2, policy);
    }
    assert(graph!.some((loss, i) => loss !== wide[i]), policy);
  }
});

Deno.test("a resumed run equals an uninterrupted one, with delayed scaling and random draws", () => {
  const precisions: TrainerOptions[] = [
    {
      policy: "mxfp4+stochastic+hadamard",
      overrides: ["linear@h.1=e4m3fn/delayed-3", "linear.dy@head=e5m2/delayed"].map(parseOverride),
    },
    { policy: "fp8-hybrid+delayed", accumulate: 2, execution: "eager" },
  ];
  for (const precision of precisions) {
    using model = gpt(config, { seed: 1 }), other = gpt(config, { seed: 2 });
    using trainer = createTrainer(model, { ...precision, steps: 8 });
    for (let i = 0; i < 2; i++) trainer.step(batch(i));
    using resumed = createTrainer(other, { ...precision, steps: 8 });
    resumed.restore(trainer.checkpoint(), { name: "checkpoint", sampling: "any" });
    for (let i = 2; i < 4; i++) assertEquals(resumed.step(batch(i)).loss, trainer.step(batch(i)).loss);
    assertEquals(resumed.checkpoint(), trainer.checkpoint());
  }
});

Deno.test("the maxima of delayed scaling enter the scales one step later", () => {
  const delayed = losses({ policy: "fp8-hybrid+delayed" }), current = losses({ policy: "fp8-hybrid" });
  assertEquals(delayed[0], current[0]); // without a history, scales follow the current maxima
  assert(delayed.slice(1).some((loss, i) => loss !== current[i + 1]));
});

Deno.test("delayedOperands() names the operands with delayed scaling", () => {
  const operands = delayedOperands(config, { policy: "fp8-hybrid+delayed" });
  assertEquals(Object.keys(operands).length, 2 * 4 * 3);
  assertEquals(operands["h.0.attn.c_attn.x"], { length: 16, first: { history: 16, largest: 448 } });
  assertEquals(operands["h.0.attn.c_attn.dy"]!.first.largest, 57_344);
  const deeper = { ...config, nLayer: 3 };
  assertEquals(
    Object.keys(delayedOperands(deeper, { policy: "fp8-hybrid+delayed+bf16-ends" })).length,
    4 * 3,
  );
  assertEquals(delayedOperands(config, { policy: "mxfp8" }), {});
  const overrides = ["linear.dgrad.dy@h.1=e5m2/delayed-3", "linear.wgrad.dy@h.1=e5m2/delayed-5"].map(
    parseOverride,
  );
  const two = Object.values(delayedOperands(config, { policy: "float32", overrides }));
  assertEquals(two, Array(4).fill({ length: 5, first: { history: 3, largest: 57_344 } }));
});

Deno.test("probes contain the maxima of delayed scaling, and the scales that follow from previous steps", () => {
  using model = gpt(config, { seed: 1 });
  const overrides = [parseOverride("linear.forward.x=e4m3fn/delayed-2")];
  using trainer = createTrainer(model, { policy: "bf16-autocast", overrides, steps: 5, seed: 1, lr: 0.1 });
  const maxima: number[] = [];
  for (const step of [1, 2, 3, 4]) {
    const { x, y } = batch(step);
    const { probes } = trainer.step({ x, y }, { probed: true });
    const { amax, scale } = probes!["h.1.mlp.c_fc.x"]! as Record<string, number>;
    maxima.push(amax!);
    const past = maxima.slice(Math.max(0, step - 3), step - 1);
    assertEquals(scale, Math.fround(448 / Math.max(...step === 1 ? maxima : past)), `step ${step}`);
  }
  assert(new Set(maxima).size === 4);
});

Deno.test("nextHistories() puts a step's maximum first, and drops the oldest", () => {
  const former = { a: tf.tensor1d([3, 2, 1]), b: tf.tensor1d([5]), c: tf.tensor1d([7, 8]) };
  const next = nextHistories(former, { a: tf.scalar(4), b: tf.scalar(6) });
  const values = Object.values(next).map((history) => Array.from(history.dataSync()));
  assertEquals(values, [[4, 3, 2], [6], [7, 8]]);
});

Deno.test("a checkpoint with maxima fits its precision only, and steps leak no tensor", () => {
  using model = gpt(config, { seed: 1 });
  using trainer = createTrainer(model, { policy: "fp8-hybrid+delayed" });
  using plain = createTrainer(gpt(config, { seed: 1 }), { policy: "fp8-hybrid" });
  const resume = (bytes: Uint8Array<ArrayBuffer>, into: typeof trainer) =>
    into.restore(bytes, { name: "c", sampling: "any" });
  assertThrows(() => resume(trainer.checkpoint(), plain), UserError, "amax.");
  assertThrows(() => resume(plain.checkpoint(), trainer), UserError, "amax.h.0.attn.c_attn.x");
  plain.model.dispose();
  for (const execution of ["graph", "eager"] as const) {
    using eager = createTrainer(model, { policy: "fp8-hybrid+delayed", execution });
    const data = batch(1);
    eager.step(data);
    const before = tensorflow.liveHandles, tensors = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) eager.step(data);
    assertEquals([tensorflow.liveHandles, tf.memory().numTensors], [before, tensors], execution);
  }
  assertGreater(Object.keys(model.parameters).length, 0);
});

Deno.test("createTrainer() refuses invalid overrides and policies", () => {
  using model = gpt(config, { seed: 1 });
  const overrides = [parseOverride("linear.z=e4m3fn")];
  assertThrows(() => createTrainer(model, { overrides }), RangeError, 'no operand "z"');
  assertThrows(() => createTrainer(model, { policy: "mxfp8+fast" }), RangeError, "got +fast");
});
