import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { autocast, useTensorFlow } from "../tensorflow/mod.ts";
import { ARCHITECTURES, type GptConfig } from "./config.ts";
import { Decoder } from "./decoder.ts";
import { generate, generateTokens } from "./generate.ts";
import { gptLogits, type Parameters, toParameters } from "./gpt.ts";
import { gpt } from "./gpt_model.ts";
import { initialParameters } from "./parameters.ts";

const tensorflow = await useTensorFlow();

const config: GptConfig = {
  nLayer: 2,
  nHead: 2,
  nEmbd: 16,
  vocabSize: 23,
  blockSize: 12,
  initStd: 0.4, // far from uniform, so that tokens differ
};
const VARIANTS: Record<string, GptConfig> = {
  plain: config,
  options: {
    ...config,
    bias: false,
    tiedHead: false,
    qkNorm: true,
    attentionSoftCap: 5,
    logitSoftCap: 10,
    activation: "swiglu",
    dropout: 0.5, // inactive without a key
  },
  llama: { ...config, ...ARCHITECTURES.llama, nHead: 4, nKvHead: 2, ropeScaling: "linear:2" },
};
const prompt = [3, 1, 4, 1, 5];

/** Returns the logits of the next token, from a pass over all tokens. */
function lastLogits(parameters: Parameters, tokens: readonly number[], config: GptConfig): Float32Array {
  return tf.tidy(() => {
    const ids = tf.tensor2d([...tokens], [1, tokens.length], "int32");
    const logits = gptLogits(parameters, ids, config);
    return tf.slice(logits, [tokens.length - 1, 0], [1, config.vocabSize]).dataSync() as Float32Array;
  });
}

for (const [label, config] of Object.entries(VARIANTS)) {
  Deno.test(`generateTokens() gives the same tokens with its cache as without, across full contexts (${label})`, () => {
    const parameters = toParameters(initialParameters(config, 5));
    const want: number[] = [];
    let context = [...prompt];
    for (let i = 0; i < 30; i++) {
      const logits = lastLogits(parameters, context, config);
      want.push(logits.indexOf(Math.max(...logits)));
      context = [...context, want.at(-1)!];
      if (context.length > config.blockSize) context = context.slice(-config.blockSize / 2);
    }
    const got = generateTokens(parameters, config, { prompt, maxNewTokens: 30, temperature: 0 });
    assertEquals(Array.from(got), want);
    assert(new Set(want).size > 2, "the model repeats itself: nothing was tested");
  });
}

Deno.test("a Decoder's logits equal gptLogits()'s, and one trace serves every token", () => {
  const parameters = toParameters(initialParameters(config, 5));
  using decoder = new Decoder(parameters, config);
  const compare = (got: Float32Array, tokens: number[]) => {
    const want = lastLogits(parameters, tokens, config);
    // float32 sums in another order: some 100 of them, each with an error of 2^-24 of terms near 1.
    got.forEach((logit, i) => assertAlmostEquals(logit, want[i]!, 1e-5 * Math.max(1, Math.abs(want[i]!))));
  };
  compare(decoder.read([7, 8]), [7, 8]);
  compare(decoder.read([9]), [7, 8, 9]);
  compare(decoder.read([1, 2, 3]), [7, 8, 9, 1, 2, 3]);
  for (let i = 0; i < 6; i++) compare(decoder.read([i]), [...decoder.context]);
  assertEquals(decoder.context, [7, 8, 9, 1, 2, 3, 0, 1, 2, 3, 4, 5]);
  compare(decoder.read([20]), [1, 2, 3, 4, 5, 20]); // full: the last half
  assertEquals(decoder.context, [1, 2, 3, 4, 5, 20]);
  compare(decoder.read([21]), [1, 2, 3, 4, 5, 20, 21]);
  assertEquals(decoder.traces, 1);
  assertThrows(() => decoder.read([23]), RangeError, "in [0, 23), got 23");
  assertThrows(() => decoder.read([]), RangeError, "got none");
});

Deno.test("a Decoder reads the end of input longer than its context, and works with a context of one", () => {
  const parameters = toParameters(initialParameters(config, 5));
  using decoder = new Decoder(parameters, config);
  const long = Array.from({ length: 40 }, (_, i) => i % 23);
  decoder.read(long);
  assertEquals(decoder.context, long.slice(-12));
  decoder.read(long.slice(0, 9));
  assertEquals(decoder.context, long.slice(0, 9));
  decoder.read(long);
  assertEquals(decoder.context, long.slice(-12));
  const one = { ...config, blockSize: 1 };
  assertEquals(
    generateTokens(toParameters(initialParameters(one, 5)), one, { prompt, maxNewTokens: 5 }).length,
    5,
  );
});

Deno.test("generateTokens() is determined by its seed, and its options affect sampling", () => {
  const parameters = toParameters(initialParameters(config, 5));
  const make = (options: object) =>
    Array.from(generateTokens(parameters, config, { prompt, maxNewTokens: 25, ...options }));
  assertEquals(make({ seed: 2 }), make({ seed: 2 }));
  assertNotEquals(make({ seed: 2 }), make({ seed: 3 }));
  const greedy = make({ temperature: 0 });
  assertEquals(make({ topK: 1, seed: 9 }), greedy);
  assertEquals(make({ topP: 1e-6, seed: 9 }), greedy);
  assertNotEquals(make({ temperature: 3, seed: 9 }), greedy);
  assertEquals(make({ maxNewTokens: 0 }), []);
  const few = make({ vocabSize: 3, temperature: 5 });
  assert(
    few.every((id) => id < 3) && new Set(few).size === 3,
    "ids of a padded vocabulary are not generated",
  );
  autocast("bf16-autocast", () => assertEquals(make({ temperature: 0 }).length, 25));
});

Deno.test("generateTokens() refuses options out of range", () => {
  const parameters = toParameters(initialParameters(config, 5));
  const make = (options: object) => () =>
    generateTokens(parameters, config, { prompt, maxNewTokens: 2, ...options });
  assertThrows(make({ prompt: [] }), RangeError, "expected at least one token, got none");
  assertThrows(make({ prompt: [99] }), RangeError, "got 99");
  assertThrows(make({ maxNewTokens: -1 }), RangeError, "expected an integer >= 0 for maxNewTokens");
  for (const vocabSize of [0, 1.5, 99]) {
    assertThrows(
      make({ vocabSize }),
      RangeError,
      "expected an integer from 1 to 23 for vocabSize, got",
    );
  }
  assertThrows(make({ temperature: -1 }), RangeError, "temperature");
  assertThrows(make({ seed: -1 }), RangeError, "expected an integer in [0, 2^53) for the seed");
});

Deno.test("generateTokens() leaves no tensor and no handle", () => {
  const parameters = toParameters(initialParameters(config, 5));
  const look = () => [tf.memory().numTensors, tensorflow.liveHandles];
  const make = () => generateTokens(parameters, config, { prompt, maxNewTokens: 30 });
  make(); // values of parameters are uploaded at their first use
  const before = look();
  make();
  assertEquals(look(), before);
});

Deno.test("generateTokens() ends before a stop id, and generate() before a stop text", () => {
  const tokenizer = { vocabSize: config.vocabSize, encode: () => Int32Array.of(1, 2), decode: lettersOf };
  using model = gpt(config, { seed: 5 });
  const ids = { prompt: [1, 2], maxNewTokens: 12, seed: 3 };
  const all = Array.from(generateTokens(model.parameters, config, ids));
  const at = all.findIndex((id, i) => i > 3 && all.indexOf(id) === i);
  const ended = generateTokens(model.parameters, config, { ...ids, stopIds: [all[at]!] });
  assertEquals(Array.from(ended), all.slice(0, at));
  const whole = generate(model, tokenizer, { ...ids, prompt: "x" });
  assertEquals(whole, lettersOf([1, 2, ...all]));
  const stop = lettersOf(all.slice(at, at + 2));
  const cut = generate(model, tokenizer, { ...ids, prompt: "x", stop: [lettersOf([1, 2]) + "none", stop] });
  assertEquals(cut, whole.slice(0, whole.indexOf(stop, 2)));
  assertThrows(() => generate(model, tokenizer, { stop: "" }), RangeError, "at least one character");
});

/** Returns one character for each id. */
function lettersOf(ids: ArrayLike<number>): string {
  return Array.from(ids, (id) => String.fromCharCode(97 + id)).join("");
}
