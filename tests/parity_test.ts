/**
 * Compares losskit with PyTorch's results, recorded by `fixtures/make_reference.py`.
 */
import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import {
  decodeSafetensors,
  type GptConfig,
  gptLogits,
  type ParameterRecord,
  toParameters,
} from "../lib/model/mod.ts";
import {
  autocast,
  causalSoftmax,
  gelu,
  layerNorm,
  linear,
  type PolicyName,
  trueDtype,
  useTensorFlow,
} from "../lib/tensorflow/mod.ts";
import { tokenLosses, type TrainState, zeroMoments } from "../lib/train/mod.ts";
import { lossAndGradients } from "../lib/train/gradients.ts";
import { createTrainStep } from "../lib/train/step.ts";

interface Pair {
  x: number[][];
  y: number[][];
}
interface Measured {
  loss: number;
  tokenLoss: number[];
  gradientNorms: Record<string, number>;
  training: { losses: number[]; gradNorms: number[] };
}
interface Reference {
  config: { n_layer: number; n_head: number; n_embd: number; vocab_size: number; block_size: number };
  optimizer: { lr: number; betas: [number, number]; eps: number; weightDecay: number; clip: number };
  inputs: Pair;
  batches: Pair[];
  float64: Measured;
  float32: Measured;
  bfloat16Autocast: Measured;
}

const folder = new URL("./fixtures/reference/", import.meta.url);
const reference: Reference = JSON.parse(Deno.readTextFileSync(new URL("reference.json", folder)));
const { tensors } = decodeSafetensors(
  Deno.readFileSync(new URL("weights.safetensors", folder)),
  "the fixture",
);
const model: GptConfig = {
  nLayer: reference.config.n_layer,
  nHead: reference.config.n_head,
  nEmbd: reference.config.n_embd,
  vocabSize: reference.config.vocab_size,
  blockSize: reference.config.block_size,
};
await useTensorFlow({ threads: 2 });

const toBatch = ({ x, y }: Pair) => ({
  x: tf.tensor2d(x, undefined, "int32"),
  y: tf.tensor2d(y, undefined, "int32"),
});
const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0));

function trainTen(
  weights: ParameterRecord,
  policy: PolicyName,
  execution: "graph" | "eager",
): Measured["training"] {
  const parameters = toParameters(weights);
  let state: TrainState = { parameters, moments: zeroMoments(parameters) };
  const { betas: [beta1, beta2], lr, ...optimizer } = reference.optimizer;
  using step = createTrainStep({ model, policy, execution, optimizer: { ...optimizer, beta1, beta2 } });
  const losses: number[] = [], gradNorms: number[] = [];
  for (const [i, pair] of reference.batches.entries()) {
    const result = step(state, toBatch(pair), { step: i + 1, lr });
    state = result.state;
    losses.push(result.loss);
    gradNorms.push(result.gradNorm);
  }
  return { losses, gradNorms };
}

Deno.test("float32 losses equal PyTorch's, per token and in the mean", () => {
  const losses = tokenLosses(toParameters(tensors), toBatch(reference.inputs), model).dataSync();
  reference.float32.tokenLoss.forEach((want, i) => assertAlmostEquals(losses[i]!, want, 1e-5));
  const { loss } = lossAndGradients(toParameters(tensors), toBatch(reference.inputs), {
    model,
    policy: "float32",
  });
  const ownError = Math.abs(reference.float32.loss - reference.float64.loss);
  const bound = Math.max(1e-6 * Math.max(1, reference.float64.loss), 4 * ownError);
  assertAlmostEquals(loss.dataSync()[0]!, reference.float64.loss, bound);
});

Deno.test("float32 gradient norms equal PyTorch's for every parameter", () => {
  const { gradients } = lossAndGradients(toParameters(tensors), toBatch(reference.inputs), {
    model,
    policy: "float32",
  });
  assertEquals(Object.keys(gradients).sort(), Object.keys(reference.float32.gradientNorms).sort());
  for (const [name, want] of Object.entries(reference.float32.gradientNorms)) {
    assertAlmostEquals(norm(gradients[name]!.dataSync()), want, 1e-5 * want, name);
  }
});

for (const execution of ["eager", "graph"] as const) {
  Deno.test(`ten float32 training steps equal PyTorch's (${execution})`, () => {
    const { losses, gradNorms } = trainTen(tensors, "float32", execution);
    const want = reference.float32.training;
    losses.forEach((loss, i) => assertAlmostEquals(loss, want.losses[i]!, 5e-6));
    gradNorms.forEach((value, i) => assertAlmostEquals(value, want.gradNorms[i]!, 1e-5 * want.gradNorms[i]!));
  });
}

/**
 * Derives the tolerance of losses in bfloat16. bfloat16 has 8 significant bits, so rounding to nearest has a relative error of
 * at most u = 2^-8. If the error is uniform, its standard deviation is u / sqrt(3). A logit depends on R roundings. A block
 * has 13: 8 for the input and the weight of each of the four linear layers (c_proj's two inputs count with context and GELU),
 * 4 for the results of these layers, and one for scores or softmax. The head has 3: LayerNorm's result, wte and the logit.
 * LayerNorm preserves relative errors. Independent roundings therefore give a logit a relative deviation of
 * sqrt(R) u / sqrt(3). A loss is the difference of two terms of the size of logits, which gives a factor of sqrt(2) times
 * the RMS of the logits. Positions share weights, so errors do not average out. Both sides are rounded, which gives another
 * factor of sqrt(2). The tolerance is four deviations.
 */
const R = 13 * model.nLayer + 3, U = 2 ** -8;
function bfloat16Bound(): number {
  const logits = gptLogits(toParameters(tensors), toBatch(reference.inputs).x, model).dataSync();
  const rms = norm(logits) / Math.sqrt(logits.length);
  return 4 * Math.sqrt(2) * Math.sqrt(2) * Math.sqrt(R) * U / Math.sqrt(3) * rms;
}

Deno.test("the loss under bf16-autocast equals PyTorch's within bfloat16's precision", () => {
  const batch = toBatch(reference.inputs);
  const { loss } = lossAndGradients(toParameters(tensors), batch, { model, policy: "bf16-autocast" });
  const got = loss.dataSync()[0]!;
  assertAlmostEquals(got, reference.bfloat16Autocast.loss, bfloat16Bound());
  assert(Math.abs(got - reference.float32.loss) > 1e-6, "nothing was rounded");
});

Deno.test("ten training steps under bf16-autocast equal PyTorch's within bfloat16's precision", () => {
  const { gradients } = lossAndGradients(toParameters(tensors), toBatch(reference.inputs), {
    model,
    policy: "float32",
  });
  const l1 = Object.values(gradients).reduce(
    (sum, g) => sum + Array.from(g.dataSync()).reduce((s, v) => s + Math.abs(v), 0),
    0,
  );
  // AdamW changes a weight by about lr for any size of the gradient. A relative error e of a gradient therefore changes the
  // loss by lr |g| e per step, summed over weights. Forward and backward pass together round 2 R times.
  const perStep = reference.optimizer.lr * l1 * 4 * Math.sqrt(2 * R) * U / Math.sqrt(3) * Math.sqrt(2);
  const bound = bfloat16Bound();
  for (const execution of ["graph", "eager"] as const) {
    trainTen(tensors, "bf16-autocast", execution).losses.forEach((loss, i) =>
      assertAlmostEquals(loss, reference.bfloat16Autocast.training.losses[i]!, bound + i * perStep, execution)
    );
  }
});

Deno.test("every activation under bf16-autocast has PyTorch's type", () => {
  autocast("bf16-autocast", () => {
    const part = (name: string) => {
      const p = toParameters(tensors);
      return { weight: p[`${name}.weight`]!, bias: p[`${name}.bias`]! };
    };
    const x = tf.randomNormal([20, model.nEmbd]);
    const normal = layerNorm(x, part("h.0.ln_1"));
    const qkv = linear(normal, part("h.0.attn.c_attn"));
    const q = tf.reshape(tf.slice(qkv, [0, 0], [20, model.nEmbd]), [1, 1, 20, model.nEmbd]);
    const scores = tf.matMul(q, q, false, true);
    const weights = causalSoftmax(scores, 1);
    const hidden = linear(normal, part("h.0.mlp.c_fc"));
    assertEquals(
      [x, normal, qkv, scores, weights, tf.matMul(weights, q), hidden, gelu(hidden)].map(trueDtype),
      ["float32", "float32", ...Array(6).fill("bfloat16")],
    );
    assertEquals(trueDtype(tf.add(x, tf.slice(hidden, [0, 0], [20, model.nEmbd]))), "float32");
    const logits = gptLogits(toParameters(tensors), toBatch(reference.inputs).x, model);
    assertEquals(trueDtype(logits), "bfloat16");
    assertEquals(trueDtype(tokenLosses(toParameters(tensors), toBatch(reference.inputs), model)), "float32");
  });
});

/** Returns the resident memory without the JavaScript heap, which grows until garbage is collected. */
function nativeBytes(): number {
  const { rss, heapTotal } = Deno.memoryUsage();
  return rss - heapTotal;
}

Deno.test("the numbers of tensors and handles and the resident memory stay constant over 200 training steps", () => {
  for (const execution of ["graph", "eager"] as const) {
    const parameters = toParameters(tensors);
    let state: TrainState = { parameters, moments: zeroMoments(parameters) };
    const optimizer = { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, clip: 1 };
    using step = createTrainStep({ model, policy: "bf16-autocast", execution, optimizer });
    const batch = toBatch(reference.inputs);
    const look = () => ({ tensors: tf.memory().numTensors, handles: tensorflow.liveHandles });
    const run = (from: number, count: number) => {
      for (let i = from; i < from + count; i++) state = step(state, batch, { step: i + 1, lr: 1e-3 }).state;
    };
    run(0, 100);
    const before = look();
    const resident = nativeBytes();
    run(100, 200);
    assertEquals(look(), before, execution);
    // In graph mode, native memory is constant within some MB, so leaked state (0.3 MB per step) would be detected. With eager
    // ops, malloc's arenas vary by about 60 MB, so leaked activations (1 to 2 MB per step) would be detected.
    assertLess(nativeBytes() - resident, execution === "graph" ? 30e6 : 150e6, execution);
    tf.dispose([{ ...state.parameters }, { ...state.moments.m }, { ...state.moments.v }]);
  }
});

Deno.test("disposing of everything deletes every handle", () => {
  const before = tensorflow.liveHandles;
  tf.tidy(() => {
    lossAndGradients(toParameters(tensors), toBatch(reference.inputs), { model, policy: "bf16-autocast" });
  });
  assertLessOrEqual(tensorflow.liveHandles, before);
});

const tensorflow = await useTensorFlow();
