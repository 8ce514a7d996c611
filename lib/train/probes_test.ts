import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { gptLogits, initialParameters, parameterShapes, toParameters } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { initialOptimizerState, type OptimizerConfig } from "./optimizer.ts";
import type { Probes } from "./probes.ts";
import { lossAndGradients } from "./gradients.ts";
import { TINY, tinyBatch } from "./_testing.ts";
import { createTrainStep, disposeState, type StepConfig, type TrainState } from "./step.ts";

const tensorflow = await useTensorFlow();

const model = TINY;
const optimizer: OptimizerConfig = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, clip: 1 };
const B = 4, T = 8;

/** Returns three steps with their metrics. */
function run(
  given: Partial<StepConfig> = {},
  probed = true,
  weights = (_name: string, p: tf.Tensor) => p,
  rows = B,
) {
  const config: StepConfig = { model, optimizer, policy: "float32", execution: "graph", ...given };
  const parameters = Object.fromEntries(
    Object.entries(toParameters(initialParameters(config.model, 1))).map((
      [name, p],
    ) => [name, weights(name, p)]),
  );
  let state: TrainState = { parameters, moments: initialOptimizerState(parameters, config.optimizer) };
  using step = createTrainStep(config);
  const data = tinyBatch(rows), probes: Probes[] = [], losses: number[] = [];
  for (let i = 1; i <= 3; i++) {
    const result = step(state, data, { step: i, lr: 1e-3, probed });
    state = result.state;
    losses.push(result.loss, result.gradNorm);
    if (result.probes) probes.push(result.probes);
  }
  disposeState(state);
  tf.dispose([data.x, data.y]);
  return { losses, probes };
}
/** Steps in float32, shared by several tests. */
const wide = run();
const figure = (probes: Probes | undefined, place: string, name: string) => probes?.[place]?.[name] as number;

Deno.test("probed steps equal unprobed ones, to the last bit, in graph mode and eager", () => {
  for (const policy of ["bf16-autocast", "emulated:e5m3-stochastic"] as const) {
    assertEquals(run({ policy }).losses, run({ policy }, false).losses, policy);
  }
  const eager = run({ execution: "eager" }), graph = wide;
  for (const [place, figures] of Object.entries(graph.probes[0]!)) {
    for (const [name, value] of Object.entries(figures)) {
      if (typeof value === "number") {
        assertAlmostEquals(
          figure(eager.probes[0], place, name),
          value,
          1e-3 * Math.max(1, Math.abs(value)),
          `${place} ${name}`,
        );
      }
    }
  }
});

Deno.test("probed steps of a batch in parts equal unprobed ones, to the last bit, and have the probes of whole tensors", () => {
  const given = { model: { ...model, nEmbd: 128 }, execution: "graph" } as const, rows = 16; // N · C = 2^14
  for (const policy of ["float32", "bf16-autocast"] as const) {
    const probed = run({ ...given, policy }, true, undefined, rows);
    assertEquals(probed.losses, run({ ...given, policy }, false, undefined, rows).losses, policy);
    if (policy !== "float32") continue; // in bfloat16, a difference in the last digit of float32 may grow by a rounding
    const whole = run({ ...given, policy, execution: "eager" }, true, undefined, rows); // not divided
    for (const [place, figures] of Object.entries(whole.probes[0]!)) {
      assertEquals(Object.keys(probed.probes[0]![place]!).sort(), Object.keys(figures).sort());
      for (const [name, value] of Object.entries(figures)) {
        const [got, want] = [probed.probes[0]![place]![name]!, value].map((one) => [one].flat());
        got!.forEach((one, i) =>
          assertAlmostEquals(one, want![i]!, 1e-3 * Math.max(1, Math.abs(want![i]!)), `${place} ${name}`)
        );
      }
    }
  }
});

Deno.test("probes equal a manual forward pass", () => {
  const { losses, probes: [first] } = wide;
  const parameters = toParameters(initialParameters(model, 1)), data = tinyBatch();
  const { gradients } = lossAndGradients(parameters, data, { model, policy: "float32" });
  for (const name of Object.keys(parameterShapes(model))) {
    const norm = Math.sqrt(tf.sum(tf.square(gradients[name]!)).dataSync()[0]!);
    assertAlmostEquals(figure(first, name, "gradNorm"), norm, 1e-5 * Math.max(1, norm), name);
    assertEquals(figure(first, name, "nonFinite"), 0);
  }
  const logits = gptLogits(parameters, data.x, model);
  assertAlmostEquals(figure(first, "head", "logitMax"), tf.max(logits).dataSync()[0]!, 1e-5);
  assertAlmostEquals(figure(first, "head", "logitMin"), tf.min(logits).dataSync()[0]!, 1e-5);
  assertAlmostEquals(
    figure(first, "head", "logZMean"),
    tf.mean(tf.logSumExp(logits, 1)).dataSync()[0]!,
    1e-5,
  );
  const byPosition = first!["loss"]!["byPosition"] as number[];
  assertEquals(byPosition.length, T);
  assertAlmostEquals(byPosition.reduce((a, b) => a + b) / T, losses[0]!, 1e-5);
  // The first query sees only itself. At initialization, the others see all keys nearly equally: about the mean of
  // ln(t).
  const even = [1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, t) => sum + Math.log(t) / 8, 0);
  assertAlmostEquals(figure(first, "h.0", "attentionEntropy"), even, 0.01);
  assertGreater(figure(first, "h.1", "residualMax"), 0);
  // AdamW's first update is lr for every weight with a gradient; gains are 1.
  assertAlmostEquals(figure(first, "ln_f.weight", "updateRatio"), 1e-3, 1e-5);
});

Deno.test("probes of a padded batch leave the padding out of the loss by position", () => {
  const whole = tinyBatch(B), y = whole.y.arraySync();
  const padded = y.map((row, b) => row.map((id, t) => t === T - 1 || b === 0 && t >= 2 ? -100 : id));
  const config: StepConfig = {
    model,
    optimizer,
    policy: "float32",
    execution: "graph",
    loss: { ignoreIndex: -100 },
  };
  const byPosition = (rows: number[][]) => {
    const parameters = toParameters(initialParameters(model, 1));
    const state = { parameters, moments: initialOptimizerState(parameters, optimizer) };
    using step = createTrainStep(config);
    const batch = { x: whole.x, y: tf.tensor2d(rows, [B, T], "int32") };
    return step(state, batch, { step: 1, lr: 1e-3, probed: true }).probes!["loss"]!["byPosition"] as number[];
  };
  const [all, some] = [byPosition(y), byPosition(padded)];
  for (const t of [0, 1]) assertAlmostEquals(some[t]!, all[t]!, 1e-6);
  // The row of the padding is left out at other positions: the mean of three rows differs from that of four.
  for (const t of [2, 6]) assertGreater(Math.abs(some[t]! - all[t]!), 1e-6);
  assertEquals(some[T - 1], NaN);
});

Deno.test("the loss in chunks gives the same metrics", () => {
  const plain = wide.probes[0]!, blocked = run({ loss: { blocked: true } }).probes[0]!;
  for (const place of ["head", "loss", "h.0"]) {
    for (const [name, value] of Object.entries(plain[place]!)) {
      const other = blocked[place]![name]!;
      [value].flat().forEach((one, i) =>
        assertAlmostEquals([other].flat()[i] as number, one as number, 1e-4)
      );
    }
  }
});

Deno.test("cancelled updates, cosines and subnormals reveal low precision", () => {
  const pure = run({ policy: "bf16-pure" }).probes[0], masters = wide.probes[0];
  assertEquals(figure(pure, "h.0.ln_1.weight", "cancelled"), 1);
  assertEquals(figure(masters, "h.0.ln_1.weight", "cancelled"), 0);
  assert(first(masters, "gradCosine") === undefined); // everything is float32
  const cosine = (policy: "bf16-autocast" | "emulated:e8m1") =>
    first(run({ policy }).probes[0], "gradCosine")!;
  assertGreater(cosine("bf16-autocast"), 0.999);
  assertLess(cosine("emulated:e8m1"), cosine("bf16-autocast"));
  // e3m7's smallest normal number is 2^-2: nearly all gradients are below it.
  assertGreater(figure(run({ policy: "emulated:e3m7" }).probes[0], "h.0.mlp.c_fc.weight", "subnormal"), 0);
  assertEquals(figure(run({ policy: "bf16-autocast" }).probes[0], "h.0.mlp.c_fc.weight", "subnormal"), 0);
});

function first(probes: Probes | undefined, name: string): number | undefined {
  return probes?.["h.0.mlp.c_fc.weight"]?.[name] as number | undefined;
}

Deno.test("every optimizer has probes of its updates", () => {
  const given: OptimizerConfig[] = [
    { ...optimizer, optimizer: "sgd", momentum: 0 },
    { ...optimizer, optimizer: "sgd", momentum: 0.9 },
    { ...optimizer, optimizer: "muon", lr: 1e-3, muonLr: 0.02, muonMomentum: 0.95, nsDtype: "float32" },
  ];
  for (const optimizer of given) {
    const found = run({ optimizer }), plain = run({ optimizer }, false);
    assertEquals(found.losses, plain.losses);
    for (const place of Object.keys(initialParameters(model, 1))) {
      assertGreater(figure(found.probes[2], place, "updateRatio"), 0, place);
      assertLess(figure(found.probes[2], place, "cancelled"), 1, place);
    }
  }
});

Deno.test("shares of saturated and flushed values reveal formats of small range", () => {
  const of = (policy: StepConfig["policy"]) => run({ policy }).probes[0];
  const unscaled = of("emulated:e4m3");
  assertGreater(figure(unscaled, "h.0", "gradFlushed"), 0.1);
  assertEquals(figure(unscaled, "h.0", "saturated"), 0);
  const scaled = of("mxfp4");
  assertGreater(figure(scaled, "h.1", "lastBin"), 0.05);
  assertLess(figure(scaled, "h.1", "gradFlushed"), 1);
  assert(figure(of("bf16-autocast"), "h.0", "flushed") === undefined);
});

Deno.test("the coherence of errors tells truncation from stochastic rounding", () => {
  // Larger weights than the initial ones: attention and the MLP are not linear.
  const larger = (_: string, p: tf.Tensor) => p.rank === 2 ? tf.mul(p, 15) : p;
  const of = (format: string) => {
    const { probes } = run({ overrides: [{ opClasses: ["linear"], format }] }, true, larger, 64);
    return figure(probes[0], "h.1", "coherence");
  };
  const [stochastic, truncated] = [of("e8m3-stochastic"), of("e8m3-truncate")];
  assertAlmostEquals(stochastic, 1, 0.3, `${truncated}`);
  assertGreater(truncated, 1.5);
  assert(figure(wide.probes[0], "h.1", "coherence") === undefined);
});

Deno.test("non-finite numbers are counted in their scope", () => {
  const bad = (name: string, p: tf.Tensor) => name === "h.1.mlp.c_fc.bias" ? tf.fill(p.shape, Infinity) : p;
  const { probes: [found] } = run({}, true, bad);
  assertEquals(figure(found, "h.0", "nonFinite"), 0);
  assertGreater(figure(found, "h.1", "nonFinite"), 0);
  assertEquals(figure(found, "head", "nonFinite"), B * T * 23);
});

Deno.test("probes leave no tensor, and require a whole batch", () => {
  using step = createTrainStep({ model, optimizer, policy: "bf16-autocast", execution: "graph" });
  const parameters = toParameters(initialParameters(model, 1)), data = tinyBatch();
  let state: TrainState = { parameters, moments: initialOptimizerState(parameters, optimizer) };
  state = step(state, data, { step: 1, lr: 1e-3, probed: true }).state;
  const before = tensorflow.liveHandles, tensors = tf.memory().numTensors;
  for (let i = 2; i <= 4; i++) state = step(state, data, { step: i, lr: 1e-3, probed: true }).state;
  assertEquals([tensorflow.liveHandles, tf.memory().numTensors], [before, tensors]);
  using parts = createTrainStep({ model, optimizer, policy: "float32", execution: "graph", accumulate: 2 });
  assertThrows(
    () => parts(state, data, { step: 5, lr: 1e-3, probed: true }),
    RangeError,
    "expected accumulate 1",
  );
  disposeState(state);
});
