import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { train, type TrainEvent, type TrainOptions } from "./loop.ts";

const tensorflow = await useTensorFlow();

/** A Markov source over 8 tokens: after token i comes 3 i + 1, but for one time in four any token. */
function source(count: number): Int32Array {
  const random = createRandom(5, "source");
  const tokens = new Int32Array(count);
  for (let i = 1; i < count; i++) {
    tokens[i] = random.uniform() < 0.75 ? (3 * tokens[i - 1]! + 1) % 8 : random.integer(8);
  }
  return tokens;
}

/** Its entropy rate in nats: one token has 3/4 + 1/32, the seven others 1/32 each. */
const ENTROPY = -(25 / 32) * Math.log(25 / 32) - 7 / 32 * Math.log(1 / 32);

const options: TrainOptions = {
  model: { nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: 8, blockSize: 16 },
  policy: "float32",
  execution: "graph",
  optimizer: { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.01, clip: 1 },
  schedule: { lr: 1e-2, minLr: 1e-3, warmupSteps: 5, steps: 40 },
  seed: 3,
  B: 8,
  T: 16,
  train: source(20_000),
  validation: source(5_000),
  byteLengths: new Int32Array(8).fill(1),
  evalEvery: 20,
  evalTokens: 4096,
  checkpointEvery: 10,
};

async function collect(given: Partial<TrainOptions> = {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train({ ...options, ...given })) events.push(event);
  return events;
}

/** Without what is measured. */
function bare(events: TrainEvent[]): unknown[] {
  return events.map(({ ...event }) => {
    for (const field of ["tokensPerSecond", "seconds"]) delete (event as Record<string, unknown>)[field];
    return event;
  });
}

Deno.test("train() comes near the entropy of its source, and no lower", async () => {
  const events = await collect({
    schedule: { ...options.schedule, steps: 400 },
    evalEvery: 400,
    checkpointEvery: 400,
  });
  const last = events.findLast((event) => event.event === "eval")!;
  assert(last.event === "eval");
  // 4,096 targets' empirical loss has a standard error of about 0.02 nats.
  assertAlmostEquals(last.loss, ENTROPY, 0.08);
  assertAlmostEquals(last.bitsPerByte, last.loss / Math.LN2, 1e-12);
});

Deno.test("train() repeats bit for bit, in graph mode and eager, and leaves no tensor", async () => {
  for (const execution of ["graph", "eager"] as const) {
    const before = [tf.memory().numTensors, tensorflow.runtime.liveHandles];
    const first = await collect({ execution });
    assertEquals(bare(await collect({ execution })), bare(first));
    assertEquals([tf.memory().numTensors, tensorflow.runtime.liveHandles], before);
  }
});

Deno.test("train() that goes on from any checkpoint ends as if it had never stopped", async () => {
  const whole = await collect();
  for (const event of whole) {
    if (event.event !== "checkpoint" || event.step === 40) continue;
    const rest = await collect({ resumeFrom: { bytes: event.bytes, name: "it" } });
    assertEquals(rest[0], { event: "resume", step: event.step });
    const after = whole.slice(whole.indexOf(event) + 1);
    assertEquals(bare(rest.slice(1)), bare(after));
  }
});

Deno.test("train() ends after the step under way, with a checkpoint, when asked to stop", async () => {
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
    "wanted wte.weight of shape [8,32]: it has one of shape [8,16]",
  );
});
