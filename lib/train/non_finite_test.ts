import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { decodeSafetensors, encodeSafetensors } from "../model/safetensors.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { markResult, watchNonFinite } from "../tensorflow/precision/watch.ts";
import { train, type TrainOptions } from "./loop.ts";
import { findNonFinite, type NonFinite, type NonFinitePlace, type ReplayedRun } from "./non_finite.ts";

const tensorflow = await useTensorFlow();

function tokens(count: number): Int32Array {
  const random = createRandom(5, "tokens");
  return Int32Array.from({ length: count }, () => random.integer(8));
}

const data = {
  train: tokens(2000),
  validation: tokens(500),
  tokenizer: { byteLengths: new Int32Array(8).fill(1) },
};
const base: ReplayedRun = {
  model: { nLayer: 2, nHead: 2, nEmbd: 16, blockSize: 16, vocabSize: 8 },
  ...{ data, batchSize: 4, steps: 8, evalEvery: 4, evalTokens: 64, checkpointEvery: 4, warmupSteps: 0 },
};

/** Trains until a loss or gradient is not finite. Returns its place and the checkpoint before it. */
async function fault(run: ReplayedRun) {
  let checkpoint: TrainOptions["resumeFrom"], place: NonFinitePlace | undefined;
  for await (const event of train(run)) {
    if (event.event === "checkpoint") checkpoint = { bytes: event.bytes, name: "checkpoint" };
    if (event.event === "eval" && !Number.isFinite(event.loss)) {
      place = { step: event.step, evaluation: true };
    }
    if (event.event === "step" && !(Number.isFinite(event.loss) && Number.isFinite(event.gradNorm))) {
      place = { step: event.step };
    }
    if (place !== undefined) break;
  }
  return { place, checkpoint };
}

/** Trains and finds the first non-finite number. */
async function find(options: Partial<ReplayedRun>): Promise<NonFinite> {
  const run = { ...base, ...options };
  const { place, checkpoint } = await fault(run);
  assert(place !== undefined, "the fault has no effect");
  const found = await findNonFinite({ ...run, resumeFrom: run.resumeFrom ?? checkpoint }, place);
  assert(found !== undefined, JSON.stringify(place));
  assertEquals([found.step, found.evaluation ?? false], [place.step, place.evaluation ?? false]);
  return found;
}

const named = ({ pass, layer, opClass, op }: NonFinite) => [pass, layer, opClass, op];

Deno.test("an overflow of a layer's emulated softmax is named, in the evaluation before the first step", async () => {
  // The scores of layer 1 are beyond 3.75, e2m3's largest number.
  const weights = { ...base, model: { ...base.model, initStd: 1 } };
  const overrides = [{ layers: ["h.1"], opClasses: ["softmax" as const], format: "e2m3" }];
  const found = await find({ ...weights, overrides, policy: "bf16-autocast" });
  assertEquals(named(found), ["forward", "h.1", "softmax", "rounding to e2m3"]);
  assertEquals([found.step, found.evaluation, found.output.largest], [0, true, 3.75]);
  const [input] = found.inputs;
  assertGreater(Math.max(input!.max, -input!.min), 3.75);
  assertEquals(input!.nonFinite, 0);
  assertGreater(found.output.nonFinite, 0);
});

Deno.test("a gradient that overflows in one layer's products is found in the backward pass", async () => {
  const loss = (logits: tf.Tensor3D, _y: tf.Tensor2D) => tf.mul(tf.sum(logits), 1e4) as tf.Scalar;
  const overrides = [{ layers: ["h.0"], opClasses: ["linear" as const], format: "e3m3" }];
  const found = await find({ loss, clip: 0, overrides });
  assertEquals([...named(found), found.step], ["backward", "h.0", "linear", "rounding to e3m3", 1]);
  assertGreater(Math.max(found.inputs[0]!.max, -found.inputs[0]!.min), found.output.largest);
});

Deno.test("a learning rate of 1e5 is traced to the step whose numbers overflow, from a checkpoint and in the graph", async () => {
  for (const policy of ["float32", "bf16-autocast"] as const) {
    const found = await find({ policy, lr: 1e5, clip: 0 });
    assertGreater(found.step, 1);
    const most = found.inputs.reduce((a, { min, max }) => Math.max(a, max, -min), 0);
    assertGreater(most, 1e18);
  }
});

Deno.test("a float16 overflow in the forward pass is named", async () => {
  const run = { ...base, policy: "fp16-autocast", lr: 100, clip: 0 } as const;
  const found = await find(run);
  assertEquals([found.pass, found.opClass, found.op, found.output.format, found.output.largest], [
    ...["forward", "linear", "Cast", "float16"],
    65_504,
  ]);
  assertGreater(Math.max(found.inputs[0]!.max, -found.inputs[0]!.min), 65_504);
});

Deno.test("the op of a step that the gradient scaler skipped is named: scaled gradients are beyond float16", async () => {
  // 100 times the initial factor of 2^15 is beyond 65,504.
  const loss = (logits: tf.Tensor3D, _y: tf.Tensor2D) => tf.mul(tf.sum(logits), 100) as tf.Scalar;
  const run = { ...base, policy: "fp16-autocast", loss } as const;
  const { place } = await fault(run);
  assertEquals(place, { step: 1 });
  const found = await findNonFinite(run, place!);
  // The custom loss is outside of layers.
  assertEquals([found?.pass, found?.layer, found?.op, found?.output.format], [
    ...["backward", "", "Cast", "float16"],
  ]);
  assertGreater(found!.inputs[0]!.max, 65_504);
});

Deno.test("weights that an update made infinite are traced to the step before", async () => {
  const run: ReplayedRun = {
    ...{ ...base, lr: 1, overrides: [{ opClasses: ["optimizer"], format: "e2m3" }] },
  };
  const { place, checkpoint } = await fault(run);
  const found = await findNonFinite({ ...run, resumeFrom: checkpoint }, place!);
  assertEquals([found?.step, found?.pass, found?.op], [
    place!.step - Number(!place!.evaluation),
    "update",
    "rounding to e2m3",
  ]);
  assert(found?.parameter !== undefined);
});

Deno.test("an infinite weight in a checkpoint is named as such", async () => {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  for await (const event of train({ ...base, steps: 4 })) {
    if (event.event === "checkpoint") bytes = event.bytes;
  }
  const { tensors, metadata } = decodeSafetensors(bytes!, "checkpoint");
  tensors["h.1.mlp.c_fc.weight"]!.values[3] = Infinity;
  const resumeFrom = { bytes: encodeSafetensors({ tensors, metadata }), name: "checkpoint" };
  const found = await findNonFinite({ ...base, resumeFrom }, { step: 6 });
  assertEquals([found?.pass, found?.layer, found?.parameter, found?.step], [
    ...["weights", "h.1", "h.1.mlp.c_fc.weight"],
    4,
  ]);
  assertEquals(found?.output.nonFinite, 1 / found!.output.shape.reduce((a, b) => a * b));
});

Deno.test("masks are not faults, NaN from masks is a fault, and faults without effect on results are ignored", () => {
  tf.tidy(() => {
    const x = tf.tensor1d([1, -Infinity]), big = tf.tensor1d([1e30, 1]);
    const origin = (work: () => tf.Tensor) =>
      watchNonFinite(() => {
        const result = work();
        markResult(result);
        return result;
      }).origin?.op;
    assertEquals(origin(() => tf.softmax(x)), undefined);
    assertEquals(origin(() => tf.sub(tf.add(x, 1), x)), "Sub");
    assertEquals(origin(() => tf.relu(tf.neg(tf.square(big)))), undefined);
    assertEquals(origin(() => tf.add(tf.square(big), x)), "Square");
  });
});

Deno.test("a search leaves no tensor", async () => {
  const before = [tf.memory().numTensors, tensorflow.liveHandles];
  await find({ lr: 1e5, clip: 0 });
  assertEquals([tf.memory().numTensors, tensorflow.liveHandles], before);
});
