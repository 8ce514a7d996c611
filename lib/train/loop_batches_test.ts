/**
 * Tests of the loop and evaluation with each sampling method, and with documents.
 */
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { initialParameters, toParameters } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom, type Tokens } from "../text/mod.ts";
import { evaluate } from "./evaluate.ts";
import { train, type TrainEvent, type TrainOptions } from "./loop.ts";
import { tokenLosses } from "./loss.ts";

await useTensorFlow();

const V = 8, T = 16;

/** Returns documents of random tokens. */
function documents(lengths: number[]): Tokens & { ids: Int32Array } {
  const random = createRandom(1, "documents");
  const length = lengths.reduce((sum, one) => sum + one, 0);
  const ids = Int32Array.from({ length }, () => random.integer(V));
  let start = 0;
  const documentStarts = Float64Array.from(lengths, (one) => (start += one) - one);
  return { ids, length, documentStarts, subarray: (from, to) => ids.subarray(from, to) };
}

const model = { nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: V, blockSize: T };
const byteLengths = Int32Array.from({ length: V }, (_, id) => 1 + id % 3);

const options = {
  model,
  weightDecay: 0.01,
  lr: 1e-2,
  warmupSteps: 2,
  steps: 12,
  seed: 3,
  batchSize: 8,
  blockSize: T,
  data: {
    train: documents([100, 3, 40, 1, 17, 2, 200]),
    validation: documents([20, 5, 33]),
    tokenizer: { byteLengths },
  },
  evalEvery: 12,
  evalTokens: "all",
  checkpointEvery: 5,
  accumulate: 2,
} satisfies TrainOptions;

async function collect(given: Partial<TrainOptions>): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train({ ...options, ...given })) events.push(event);
  return events;
}

function outcome(events: TrainEvent[]): unknown[] {
  return events.map((event) =>
    event.event === "step"
      ? [event.step, event.loss, event.gradNorm]
      : event.event === "eval"
      ? [event.step, event.loss, event.bitsPerByte, event.tokens]
      : "bytes" in event
      ? [event.step, createHash("sha256").update(event.bytes).digest("hex")]
      : event
  );
}

Deno.test("train() resumes from a checkpoint bit for bit, with every sampling method", async () => {
  for (const sampling of ["random", "sequential", "shuffled"] as const) {
    const whole = await collect({ sampling });
    assert(whole.every((event) => event.event !== "step" || Number.isFinite(event.loss)));
    const saved = whole.find((event) => event.event === "checkpoint")!;
    assert(saved.event === "checkpoint" && saved.step === 5);
    const rest = await collect({ sampling, resumeFrom: { bytes: saved.bytes, name: "it" } });
    assertEquals(outcome(rest.slice(1)), outcome(whole.filter(({ step }) => step > 5)));
  }
});

Deno.test("train() refuses a checkpoint of another sampling method", async () => {
  const [shuffled, random] = await Promise.all(
    (["shuffled", "random"] as const).map(async (sampling) => {
      const event = (await collect({ sampling })).find((event) => event.event === "checkpoint")!;
      assert(event.event === "checkpoint");
      return { bytes: event.bytes, name: "it" };
    }),
  );
  await assertRejects(
    () => collect({ resumeFrom: shuffled }),
    UserError,
    'Cannot resume from it: expected the cursor of random batches, got {"windows":40}',
  );
  await assertRejects(
    () => collect({ sampling: "sequential", resumeFrom: random }),
    UserError,
    "expected the cursor of sequential batches",
  );
});

Deno.test("evaluate() covers every target of every document once, with the context of that document", () => {
  const tokens = documents([20, 1, 5, 0, 33]);
  const parameters = toParameters(initialParameters(model, 4));
  const result = evaluate(parameters, {
    ...{ model, policy: "float32", tokens, byteLengths, B: 3, T, maxTokens: "all" },
  });
  let nats = 0, targets = 0, bytes = 0;
  for (const [i, start] of tokens.documentStarts!.entries()) {
    const document = tokens.ids.subarray(start, tokens.documentStarts![i + 1] ?? tokens.length);
    for (let begin = 0; begin + 1 < document.length; begin += T) {
      const y = document.subarray(begin + 1, begin + 1 + T);
      const x = document.subarray(begin, begin + y.length);
      nats += tf.tidy(() => {
        const batch = {
          x: tf.tensor2d(x, [1, x.length], "int32"),
          y: tf.tensor2d(y, [1, y.length], "int32"),
        };
        return tf.sum(tokenLosses(parameters, batch, model)).dataSync()[0]!;
      });
      targets += y.length;
      for (const id of y) bytes += byteLengths[id]!;
    }
  }
  tf.dispose(parameters);
  assertEquals(result.tokens, targets);
  // Sums of 57 losses of about 2 nats in float32. Another shape may sum products in another order.
  assertAlmostEquals(result.loss, nats / targets, 1e-5);
  assertAlmostEquals(result.bitsPerByte, nats / (Math.LN2 * bytes), 1e-5);
});
