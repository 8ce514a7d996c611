import { assertAlmostEquals, assertEquals } from "@std/assert";
import { currentTensorFlow } from "../tensorflow/binding/backend.ts";
import { gpt } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { evaluate, type EvaluateOptions, TargetLosses } from "./evaluate.ts";

await useTensorFlow();

const config = { nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 16, blockSize: 8, initStd: 0.5 };
const random = createRandom(1, "evaluate");

/** Returns the number of bytes of the counted targets. */
function bytesOf({ loss, tokens, bitsPerByte }: ReturnType<typeof evaluate>): number {
  return loss * tokens / (Math.LN2 * bitsPerByte);
}

/** Options for 200 random tokens of the given numbers of bytes. */
function optionsFor(lengths: readonly number[]): EvaluateOptions {
  return {
    ...{ model: config, policy: "float32", B: 3, T: 8, maxTokens: "all" },
    tokens: Int32Array.from({ length: 200 }, () => random.integer(16)),
    byteLengths: Int32Array.from({ length: 16 }, (_, id) => lengths[id % lengths.length]!),
  };
}

Deno.test("evaluate() counts the targets within a number of bytes, for any tokenizer", () => {
  using model = gpt(config, { seed: 1 });
  for (const lengths of [[1], [3], [1, 2, 5]]) {
    const options = optionsFor(lengths), { tokens, byteLengths } = options;
    const ids = [...tokens as Int32Array];
    using targets = new TargetLosses(options);
    const losses = [...targets.of(model.parameters, options)]
      .flatMap((batch) => [...batch.losses]);
    for (const maxBytes of [1, 2, 20, 64, 100, 199, 10_000]) {
      const found = evaluate(model.parameters, { ...options, maxBytes });
      let end = byteLengths[ids[0]!]!, count = 0;
      while (count < 199 && (end += byteLengths[ids[count + 1]!]!) <= maxBytes) count++;
      count = Math.max(1, count);
      assertEquals(found.tokens, count, `${lengths}: ${maxBytes}`);
      const bytes = ids.slice(1, count + 1).reduce((sum, id) => sum + byteLengths[id]!, 0);
      assertAlmostEquals(bytesOf(found), bytes, 1e-9);
      const nats = losses.slice(0, count).reduce((sum, loss) => sum + loss, 0);
      assertAlmostEquals(found.loss, nats / count, 1e-12);
    }
    assertEquals(evaluate(model.parameters, options).tokens, 199);
  }
});

Deno.test("evaluations in graph and eager mode agree, and free what they trace", () => {
  using model = gpt(config, { seed: 1 });
  const { runtime } = currentTensorFlow();
  const handles = [1, 2].map(() => {
    for (const policy of ["float32", "bf16-autocast"] as const) {
      const given = { ...optionsFor([1]), policy };
      using eager = new TargetLosses({ ...given, execution: "eager" });
      const expected = evaluate(model.parameters, given, eager);
      const found = evaluate(model.parameters, given);
      assertEquals(found.tokens, expected.tokens);
      // bfloat16 rounds logits below 4 with an error of at most 2^-8.
      assertAlmostEquals(found.loss, expected.loss, policy === "float32" ? 1e-5 : 2 ** -7);
    }
    return runtime.liveHandles;
  });
  assertEquals(handles[1], handles[0]); // the first evaluations upload the parameters and some constants
});
