import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import type { PolicyName } from "../precision/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { initialOptimizerState, type OptimizerConfig } from "./optimizer.ts";
import { initialScaler, nextScaler } from "./scaler.ts";
import { TINY, tinyBatch } from "./_testing.ts";
import { createTrainStep, disposeState, type StepConfig, type TrainState } from "./step.ts";

const tensorflow = await useTensorFlow();

const model: GptConfig = { ...TINY, nLayer: 1 };
const optimizer: OptimizerConfig = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 1 };
const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

function begin(scaler?: tf.Tensor): TrainState {
  const parameters = toParameters(initialParameters(model, 1));
  return {
    parameters,
    moments: initialOptimizerState(parameters, optimizer),
    ...(scaler && { scaler }),
  };
}

function stepOf(policy: PolicyName, given: Partial<StepConfig> = {}) {
  return createTrainStep({ model, optimizer, policy, execution: "graph", ...given });
}

Deno.test("nextScaler() halves on overflow, and doubles after 2000 consecutive finite steps", () => {
  const yes = tf.scalar(true, "bool"), no = tf.scalar(false, "bool");
  assertEquals(values(initialScaler()), [32768, 0]);
  assertEquals(values(nextScaler(tf.tensor1d([32768, 17]), no)), [16384, 0]);
  assertEquals(values(nextScaler(tf.tensor1d([32768, 1998]), yes)), [32768, 1999]);
  assertEquals(values(nextScaler(tf.tensor1d([32768, 1999]), yes)), [65536, 0]);
  assertEquals(values(nextScaler(tf.tensor1d([32768, 1999]), no)), [16384, 0]);
});

Deno.test("a step whose gradients overflow float16 is skipped, bit for bit; the scale is halved until they fit", () => {
  using step = stepOf("fp16-autocast");
  const data = tinyBatch();
  let state = begin(tf.tensor1d([2 ** 24, 5])); // gradients times 2^24 are beyond 65,504
  const before = values(state.parameters["wte.weight"]!);
  const first = step(state, data, { step: 1, lr: 0.01 });
  state = first.state;
  assert(!Number.isFinite(first.gradNorm));
  assert(Number.isFinite(first.loss)); // the reported loss is not scaled
  assertEquals(first.lossScale, 2 ** 24);
  assertEquals(values(state.parameters["wte.weight"]!), before);
  assertEquals(Object.values(state.moments["m"]!).every((m) => values(m).every((one) => one === 0)), true);
  assertEquals(values(state.scaler!), [2 ** 23, 0]);
  let steps = 1, norm = Infinity;
  for (; steps < 20 && !Number.isFinite(norm); steps++) {
    const result = step(state, data, { step: steps + 1, lr: 0.01 });
    state = result.state;
    norm = result.gradNorm;
  }
  assertLess(steps, 20);
  assertEquals(values(state.scaler!)[1], 1);
  assert(String(values(state.parameters["wte.weight"]!)) !== String(before));
  disposeState(state);
});

Deno.test("skipped steps leave no trace in AdamW's bias corrections: later steps equal those of a run without skips", () => {
  const data = tinyBatch(), lr = 0.01;
  const later = (state: TrainState, { from }: { from: number }) => {
    using step = stepOf("fp16-autocast");
    for (let i = 1; i <= 3; i++) state = step(state, data, { step: from + i, lr }).state;
    const parameters = Object.values(state.parameters).map(values);
    disposeState(state);
    return parameters;
  };
  using step = stepOf("fp16-autocast");
  let state: TrainState = { ...begin(tf.tensor1d([2 ** 24, 0])), skipped: 0 }, steps = 0;
  const gains = values(state.parameters["ln_f.weight"]!);
  for (let norm = NaN; !Number.isFinite(norm);) {
    // The last step in this loop is applied, and AdamW's first update is lr for every weight with a gradient.
    const result = step(state, data, { step: ++steps, lr });
    [state, norm] = [result.state, result.gradNorm];
  }
  assertGreater(steps, 2);
  assertEquals(state.skipped, steps - 1);
  values(state.parameters["ln_f.weight"]!).forEach((gain, i) =>
    assertAlmostEquals(Math.abs(gain - gains[i]!), lr, 1e-4 * lr)
  );
  const [scale] = values(state.scaler!);
  const alone = step({ ...begin(tf.tensor1d([scale!, 0])), skipped: 0 }, data, { step: 1, lr }).state;
  assertEquals(later(state, { from: steps }), later(alone, { from: 1 }));
});

Deno.test("scaled steps follow float32's trajectory, whole, in micro-batches and in chunks", () => {
  const data = tinyBatch();
  const losses = (policy: PolicyName, given: Partial<StepConfig> = {}) => {
    // A large epsilon: without it, AdamW moves weights by lr along gradients that consist of rounding errors.
    using step = stepOf(policy, { optimizer: { ...optimizer, eps: 1e-2 }, ...given });
    let state = begin(policy === "fp16-autocast" ? initialScaler() : undefined);
    const found: number[] = [], norms: number[] = [];
    for (let i = 1; i <= 4; i++) {
      const result = step(state, data, { step: i, lr: 0.01 });
      state = result.state;
      found.push(result.loss);
      norms.push(result.gradNorm);
    }
    disposeState(state);
    return { found, norms };
  };
  const wide = losses("float32");
  for (const given of [{}, { accumulate: 2 }, { loss: { blocked: true } }, { execution: "eager" as const }]) {
    const low = losses("fp16-autocast", given);
    for (const [i, loss] of low.found.entries()) {
      // float16 has 11 significant bits; losses average the roundings of 32 positions.
      const about = `${JSON.stringify(given)} ${JSON.stringify([low, wide])}`;
      assertLess(Math.abs(loss - wide.found[i]!), 2 ** -10 * loss, about);
      assertLess(Math.abs(low.norms[i]! / wide.norms[i]! - 1), 2 ** -6, about);
    }
  }
});

Deno.test("small gradients survive in float16 only with the scale", () => {
  const data = tinyBatch();
  const norm = (scale: number) => {
    using step = stepOf("fp16-autocast", { loss: { labelSmoothing: 0 } });
    const result = step(begin(tf.tensor1d([scale, 0])), data, { step: 1, lr: 0.01 });
    disposeState(result.state);
    return result.gradNorm;
  };
  using plain = stepOf("float32");
  const wide = plain(begin(), data, { step: 1, lr: 0.01 });
  disposeState(wide.state);
  assertLess(Math.abs(norm(2 ** 10) / wide.gradNorm - 1), 2 ** -6);
  // Gradients of logits are about 1 / 32; scaled by 2^-22, nearly all are below float16's smallest number, 2^-24.
  assertLess(norm(2 ** -22), 0.5 * wide.gradNorm);
});

Deno.test("the scaler is in the checkpoints of runs that have one, and in no others", () => {
  const state = { ...begin(tf.tensor1d([4096, 321])), skipped: 2 };
  const random = createRandom(1, "x").state();
  const bytes = encodeCheckpoint(state, { step: 3, cursor: random });
  const expected = { name: "c", model, optimizer };
  const read = decodeCheckpoint(bytes, { ...expected, policy: "fp16-autocast" }).state;
  assertEquals([values(read.scaler!), read.skipped], [[4096, 321], 2]);
  const { skipped: _, ...old } = state; // a checkpoint of version 0.1
  assertEquals(
    decodeCheckpoint(encodeCheckpoint(old, { step: 3, cursor: random }), {
      ...expected,
      policy: "fp16-autocast",
    }).state.skipped,
    0,
  );
  assertThrows(
    () => decodeCheckpoint(encodeCheckpoint(state, { step: 1, cursor: random }), expected),
    UserError,
    "2 skipped steps of 1",
  );
  assertThrows(() => decodeCheckpoint(bytes, { ...expected, policy: "float32" }), UserError, "scaler");
  disposeState(read);
  disposeState(state);
  const without = begin();
  const bare = encodeCheckpoint(without, { step: 3, cursor: random });
  assertThrows(
    () => decodeCheckpoint(bare, { ...expected, policy: "fp16-autocast" }),
    UserError,
    "expected scaler",
  );
  disposeState(without);
});

Deno.test("scaled steps leave no tensor", () => {
  using step = stepOf("fp16-autocast");
  const data = tinyBatch();
  let state = begin(initialScaler());
  state = step(state, data, { step: 1, lr: 0.01 }).state;
  const before = tensorflow.liveHandles, tensors = tf.memory().numTensors;
  for (let i = 2; i <= 4; i++) state = step(state, data, { step: i, lr: 0.01 }).state;
  assertEquals([tensorflow.liveHandles, tf.memory().numTensors], [before, tensors]);
  disposeState(state);
});
