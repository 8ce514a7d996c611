import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  initialParameters,
  parameterShapes,
  toParameters,
} from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { checkpointWeights } from "./checkpoint.ts";
import { evaluate } from "./evaluate.ts";
import { train, type TrainEvent, type TrainOptions } from "./loop.ts";
import { tokenLosses } from "./loss.ts";

const tensorflow = await useTensorFlow();

/** Generates a Markov source over 8 tokens: token 3 i + 1 follows token i, or in one case of four any token. */
function source(count: number): Int32Array {
  const random = createRandom(5, "source");
  const tokens = new Int32Array(count);
  for (let i = 1; i < count; i++) {
    tokens[i] = random.uniform() < 0.75 ? (3 * tokens[i - 1]! + 1) % 8 : random.integer(8);
  }
  return tokens;
}

/** Entropy rate in nats: one token has the probability 3/4 + 1/32, the seven others 1/32 each. */
const ENTROPY = -(25 / 32) * Math.log(25 / 32) - 7 / 32 * Math.log(1 / 32);

const options = {
  model: { nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: 8, blockSize: 16 },
  weightDecay: 0.01,
  lr: 1e-2,
  warmupSteps: 5,
  steps: 40,
  seed: 3,
  batchSize: 8,
  blockSize: 16,
  data: {
    train: source(20_000),
    validation: source(5_000),
    tokenizer: { byteLengths: new Int32Array(8).fill(1) },
  },
  evalEvery: 20,
  evalTokens: 4096,
  checkpointEvery: 10,
} satisfies TrainOptions;

async function collect(given: Partial<TrainOptions> = {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train({ ...options, ...given })) events.push(event);
  return events;
}

/** Removes measured values from events, and replaces bytes by their checksum. */
function bare(events: TrainEvent[]): unknown[] {
  return events.map((given) => {
    const event: Record<string, unknown> = { ...given };
    for (const field of ["tokensPerSecond", "seconds"]) delete event[field];
    if ("bytes" in given) event["bytes"] = createHash("sha256").update(given.bytes).digest("hex");
    return event;
  });
}

Deno.test("train() lets timers run, but does not wait after each step of a small model", async () => {
  const controller = new AbortController(), { setTimeout } = globalThis;
  let waits = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    waits++;
    return setTimeout(...args);
  }) as typeof setTimeout;
  try {
    const many = { steps: 1e6, evalEvery: 1e6, checkpointEvery: 1e6 };
    const begin = performance.now();
    setTimeout(() => controller.abort(), 500);
    const events = await collect({ ...many, signal: controller.signal });
    const last = events.at(-1)!;
    assertEquals(last.event, "checkpoint");
    assert(last.step < 1e6);
    assert(waits <= (performance.now() - begin) / 100, `${waits} waits in ${last.step} steps`);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

Deno.test("train() approaches the entropy of its source, and does not go below it", async () => {
  const events = await collect({
    steps: 400,
    evalEvery: 400,
    checkpointEvery: 400,
  });
  const last = events.findLast((event) => event.event === "eval")!;
  assert(last.event === "eval");
  // The empirical loss of 4,096 targets has a standard error of about 0.02 nats.
  assertAlmostEquals(last.loss, ENTROPY, 0.08);
  assertAlmostEquals(last.bitsPerByte, last.loss / Math.LN2, 1e-12);
});

Deno.test("train() is deterministic bit for bit, in graph mode and eager, and leaves no tensor", async () => {
  for (const execution of ["graph", "eager"] as const) {
    const before = [tf.memory().numTensors, tensorflow.liveHandles];
    const first = await collect({ execution });
    assertEquals(bare(await collect({ execution })), bare(first));
    assertEquals([tf.memory().numTensors, tensorflow.liveHandles], before);
  }
});

Deno.test("train() resumed from any checkpoint gives the same result as an uninterrupted run", async () => {
  const whole = await collect();
  for (const event of whole) {
    if (event.event !== "checkpoint" || event.step === 40) continue;
    const rest = await collect({ resumeFrom: { bytes: event.bytes, name: "it" } });
    assertEquals(rest[0], { event: "resume", step: event.step });
    const after = whole.slice(whole.indexOf(event) + 1);
    assertEquals(bare(rest.slice(1)), bare(after));
  }
});

Deno.test("train() ends after the current step, with a checkpoint, when a stop is requested", async () => {
  const controller = new AbortController();
  const events: TrainEvent[] = [];
  for await (const event of train({ ...options, signal: controller.signal })) {
    events.push(event);
    if (event.event === "step" && event.step === 7) controller.abort();
  }
  assertEquals(events.slice(-2).map(({ event, step }) => [event, step]), [["step", 7], ["checkpoint", 7]]);
});

Deno.test("train() refuses a checkpoint of another model", async () => {
  const checkpoint = (await collect()).find((event) => event.event === "checkpoint");
  assert(checkpoint?.event === "checkpoint");
  const resumeFrom = { bytes: checkpoint.bytes, name: "it" };
  const model = { ...options.model, nEmbd: 32 };
  await assertRejects(
    () => collect({ resumeFrom, model }),
    UserError,
    "expected wte.weight of shape [8,32], got shape [8,16]",
  );
});

/** All options that a run can combine. */
const everything: Partial<TrainOptions> = {
  model: { ...options.model, dropout: 0.1 },
  optimizer: "sgd",
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  clip: 1,
  schedule: "wsd",
  decaySteps: 10,
  lr: 0.1,
  labelSmoothing: 0.05,
  zLoss: 1e-4,
  accumulate: 2,
  emaDecay: 0.9,
  evalEvery: 5,
  evalTokens: "all",
  patience: 3,
  minDelta: 0.001,
  saveBest: true,
};

Deno.test("train() with all options is deterministic, and resumes from every kind of checkpoint bit for bit", async () => {
  const before = [tf.memory().numTensors, tensorflow.liveHandles];
  const whole = await collect(everything);
  assertEquals(bare(await collect(everything)), bare(whole));
  const saved = whole.filter((event) => event.event === "checkpoint" || event.event === "best");
  assertEquals(new Set(saved.map(({ event }) => event)), new Set(["checkpoint", "best"]));
  // There are many best checkpoints: the first, before any training, and the last before the end represent them.
  const bests = saved.filter(({ event, step }) => event === "best" && step < 40);
  const some = new Set([...saved.filter(({ event }) => event === "checkpoint"), bests[0]!, bests.at(-1)!]);
  for (const event of some) {
    if (event.step === 40) continue;
    const rest = await collect({ ...everything, resumeFrom: { bytes: event.bytes, name: "it" } });
    assertEquals(rest[0], { event: "resume", step: event.step });
    // Of the events at the step of `best`, only the checkpoint follows, and the file represents it.
    const after = whole.filter(({ step }) => step > event.step);
    assertEquals(bare(rest.slice(1)), bare(after));
  }
  assertEquals([tf.memory().numTensors, tensorflow.liveHandles], before);
});

Deno.test("checkpointWeights() returns the weights, or their average, of any run, and refuses another model's", async () => {
  const last = (events: TrainEvent[]) => {
    const event = events.at(-1)!;
    assert(event.event === "checkpoint");
    return event.bytes;
  };
  const name = "it", model = options.model;
  const plain = last(await collect());
  const { tensors } = decodeSafetensors(plain, name);
  assertEquals(Object.keys(checkpointWeights(plain, { name, model })), Object.keys(parameterShapes(model)));
  for (const [tensor, values] of Object.entries(checkpointWeights(plain, { name, model }))) {
    assertEquals(values, tensors[tensor]);
  }
  const averaged = last(await collect({ ...everything, sampling: "shuffled", patience: 0, minDelta: 0 }));
  const found = checkpointWeights(averaged, { name, model });
  assertEquals(found["wte.weight"], decodeSafetensors(averaged, name).tensors["ema.wte.weight"]);
  assertThrows(
    () => checkpointWeights(plain, { name, model: { ...model, nLayer: 2 } }),
    UserError,
    "expected h.1.ln_1.weight of shape [16], got none",
  );
  assertThrows(
    () => checkpointWeights(encodeSafetensors({ tensors, metadata: {} }), { name, model }),
    UserError,
    "expected a losskit checkpoint",
  );
});

Deno.test("train() also evaluates the moving average, and selects by it", async () => {
  const events = await collect({ ...everything, emaDecay: 0.99, patience: 0, minDelta: 0 });
  const evals = events.filter((event) => event.event === "eval");
  assertEquals(evals.map(({ step }) => step), [0, 5, 10, 15, 20, 25, 30, 35, 40]);
  assertEquals(evals[0]!.emaLoss, evals[0]!.loss);
  let best = Infinity;
  const improving = evals.filter(({ emaLoss }) => emaLoss! < best && (best = emaLoss!)).map(({ step }) =>
    step
  );
  assertEquals(events.filter(({ event }) => event === "best").map(({ step }) => step), improving);
});

Deno.test("train() stops early with its reason, also when resumed from the last checkpoint", async () => {
  // At this learning rate no float32 weight moves, so that nothing improves.
  const idle = { ...everything, lr: 1e-30, minLr: 0, checkpointEvery: 1000 };
  const events = await collect(idle);
  assertEquals(events.slice(-2).map(({ event, step }) => [event, step]), [["earlyStop", 15], [
    "checkpoint",
    15,
  ]]);
  const last = events.at(-1)!;
  assert(last.event === "checkpoint");
  assertEquals(await collect({ ...idle, resumeFrom: { bytes: last.bytes, name: "it" } }), [
    { event: "resume", step: 15 },
    { event: "earlyStop", step: 15, bestStep: 0 },
  ]);
});

Deno.test("train() continues after NaN losses, and does not select any of them as the best", async () => {
  const wild = {
    ...everything,
    lr: 1e6,
    minLr: 0,
    warmupSteps: 0,
    steps: 12,
  };
  const diverging = {
    ...wild,
    clip: 0,
    patience: 9,
    minDelta: 0,
  };
  const events = await collect(diverging);
  const evals = events.filter((event) => event.event === "eval");
  assert(Number.isNaN(evals.at(-1)!.loss));
  assertEquals(events.filter(({ event }) => event === "best").map(({ step }) => step), [0]);
  const middle = events.find((event) => event.event === "checkpoint")!;
  assert(middle.event === "checkpoint" && middle.step === 10);
  const rest = await collect({ ...diverging, resumeFrom: { bytes: middle.bytes, name: "it" } });
  assertEquals(bare(rest.slice(1)), bare(events.filter(({ step }) => step > 10)));
});

Deno.test("evaluate() of all tokens covers every target once, including the short last window", () => {
  const parameters = toParameters(initialParameters(options.model, 1));
  const tokens = source(100), byteLengths = new Int32Array(8).fill(2);
  const given = { model: options.model, policy: "float32", tokens, byteLengths, B: 4, T: 16 } as const;
  const all = evaluate(parameters, { ...given, maxTokens: "all" });
  assertEquals([evaluate(parameters, { ...given, maxTokens: 1e9 }).tokens, all.tokens], [96, 99]);
  // One window of 99 tokens would give each target more context; these windows have the same context as above.
  let nats = 0;
  for (let first = 0; first < 99; first += 16) {
    const x = tokens.slice(first, Math.min(99, first + 16)),
      y = tokens.slice(first + 1, first + 1 + x.length);
    const shape: [number, number] = [1, x.length];
    const batch = { x: tf.tensor2d(x, shape, "int32"), y: tf.tensor2d(y, shape, "int32") };
    for (const loss of tokenLosses(parameters, batch, options.model).dataSync()) nats += loss;
  }
  assertAlmostEquals(all.loss, nats / 99, 1e-6);
  assertAlmostEquals(all.bitsPerByte, nats / (Math.LN2 * 2 * 99), 1e-6);
  // The last window has 3 targets: positions 0 to 2 have 7 windows, the others 6.
  const windows = Float64Array.from({ length: 16 }, (_, t) => t < 3 ? 7 : 6);
  assertAlmostEquals(all.positionLoss.reduce((sum, loss, t) => sum + loss * windows[t]!, 0), nats, 1e-4);
  const first = tf.tensor2d(Array.from({ length: 7 }, (_, i) => tokens[16 * i]!), [7, 1], "int32");
  const next = tf.tensor2d(Array.from({ length: 7 }, (_, i) => tokens[16 * i + 1]!), [7, 1], "int32");
  const zeroth = tf.mean(tokenLosses(parameters, { x: first, y: next }, options.model)).dataSync()[0]!;
  assertAlmostEquals(all.positionLoss[0]!, zeroth, 1e-6);
  const short = evaluate(parameters, { ...given, tokens: tokens.subarray(0, 9), maxTokens: "all" });
  assertEquals(short.tokens, 8);
  assertEquals(Array.from(short.positionLoss, Number.isNaN), Array.from({ length: 16 }, (_, t) => t > 7));
});
