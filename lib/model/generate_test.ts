import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLessOrEqual,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { autocast, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/random.ts";
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
    const [got] = generateTokens(parameters, config, { prompts: [prompt], maxNewTokens: 30, temperature: 0 });
    assertEquals(Array.from(got!), want);
    assert(new Set(want).size > 2, "the model repeats itself: nothing was tested");
  });
}

Deno.test("a Decoder's logits equal gptLogits()'s, and one trace serves every token", () => {
  const parameters = toParameters(initialParameters(config, 5));
  using decoder = new Decoder(parameters, config);
  const read = (tokens: number[]) => decoder.read([tokens])[0]!;
  const compare = (got: Float32Array, tokens: number[]) => {
    const want = lastLogits(parameters, tokens, config);
    // float32 sums in another order: some 100 of them, each with an error of 2^-24 of terms near 1.
    got.forEach((logit, i) => assertAlmostEquals(logit, want[i]!, 1e-5 * Math.max(1, Math.abs(want[i]!))));
  };
  compare(read([7, 8]), [7, 8]);
  compare(read([9]), [7, 8, 9]);
  compare(read([1, 2, 3]), [7, 8, 9, 1, 2, 3]);
  for (let i = 0; i < 6; i++) compare(read([i]), [...decoder.contexts[0]!]);
  assertEquals(decoder.contexts[0]!, [7, 8, 9, 1, 2, 3, 0, 1, 2, 3, 4, 5]);
  compare(read([20]), [1, 2, 3, 4, 5, 20]); // full: the last half
  assertEquals(decoder.contexts[0]!, [1, 2, 3, 4, 5, 20]);
  compare(read([21]), [1, 2, 3, 4, 5, 20, 21]);
  assertEquals(decoder.traces, 1);
  assertThrows(() => read([23]), RangeError, "in [0, 23), got 23");
  assertThrows(() => read([]), RangeError, "got none");
});

Deno.test("a Decoder reads the end of input longer than its context, and works with a context of one", () => {
  const parameters = toParameters(initialParameters(config, 5));
  using decoder = new Decoder(parameters, config);
  const long = Array.from({ length: 40 }, (_, i) => i % 23);
  decoder.read([long]);
  assertEquals(decoder.contexts[0], long.slice(-12));
  decoder.read([long.slice(0, 9)]);
  assertEquals(decoder.contexts[0], long.slice(0, 9));
  decoder.read([long]);
  assertEquals(decoder.contexts[0], long.slice(-12));
  const one = { ...config, blockSize: 1 };
  assertEquals(
    generateTokens(toParameters(initialParameters(one, 5)), one, { prompts: [prompt], maxNewTokens: 5 })[0]!
      .length,
    5,
  );
});

Deno.test("generateTokens() is determined by its seed, and its options affect sampling", () => {
  const parameters = toParameters(initialParameters(config, 5));
  const make = (options: object) =>
    Array.from(generateTokens(parameters, config, { prompts: [prompt], maxNewTokens: 25, ...options })[0]!);
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
    generateTokens(parameters, config, { prompts: [prompt], maxNewTokens: 2, ...options });
  assertThrows(
    make({ prompts: [prompt, []] }),
    RangeError,
    "expected at least one token in each prompt, got none",
  );
  assertThrows(make({ prompts: [prompt, [99]] }), RangeError, "got 99");
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
  const make = () =>
    generateTokens(parameters, config, { prompts: [prompt, [7], [1, 2]], maxNewTokens: 30, batchSize: 2 });
  make(); // values of parameters are uploaded at their first use
  const before = look();
  make();
  assertEquals(look(), before);
});

Deno.test("generateTokens() ends before a stop id, and generate() before a stop text", () => {
  const tokenizer = { vocabSize: config.vocabSize, encode: () => Int32Array.of(1, 2), decode: lettersOf };
  using model = gpt(config, { seed: 5 });
  const sampling = { maxNewTokens: 12, seed: 3 }, ids = { ...sampling, prompts: [[1, 2]] };
  const all = Array.from(generateTokens(model.parameters, config, ids)[0]!);
  const at = all.findIndex((id, i) => i > 3 && all.indexOf(id) === i);
  const [ended] = generateTokens(model.parameters, config, { ...ids, stopIds: [all[at]!] });
  assertEquals(Array.from(ended!), all.slice(0, at));
  const whole = generate(model, tokenizer, { ...sampling, prompt: "x" });
  assertEquals(whole, `x${lettersOf(all)}`);
  const stop = lettersOf(all.slice(at, at + 2));
  const cut = generate(model, tokenizer, {
    ...sampling,
    prompt: "x",
    stop: ["x", stop],
  });
  assertEquals(cut, whole.slice(0, whole.indexOf(stop, 1)));
  const options = { ...sampling, prompt: "x", stopIds: [all[at]!] };
  assertEquals(generate(model, tokenizer, options), `x${lettersOf(all.slice(0, at))}`);
  assertThrows(() => generate(model, tokenizer, { stop: "" }), RangeError, "at least one character");
});

const PROMPTS = [
  [3, 1, 4, 1, 5],
  [7],
  Array.from({ length: 12 }, (_, i) => i), // a full context
  [2, 2],
  Array.from({ length: 30 }, (_, i) => (5 * i) % 23), // longer than a context
  [9],
  [8, 8, 8, 1, 3, 5, 7],
];

for (const [label, config] of Object.entries(VARIANTS)) {
  Deno.test(`a batch of prompts gives the tokens of each prompt alone (${label})`, () => {
    const parameters = toParameters(initialParameters(config, 5));
    const make = (prompts: number[][], options: object = {}) =>
      generateTokens(parameters, config, { prompts, maxNewTokens: 20, seed: 4, ...options })
        .map((ids) => Array.from(ids));
    const alone = PROMPTS.map((prompt) => make([prompt])[0]!);
    for (const batchSize of [1, 2, 3, 8]) assertEquals(make(PROMPTS, { batchSize }), alone);
    assertEquals(make([...PROMPTS].reverse(), { batchSize: 3 }), [...alone].reverse());
    // Each prompt ends at its own stop token, and another one takes its place.
    const stopIds = [alone[0]![7]!], ends = alone.map((ids) => ids.indexOf(stopIds[0]!));
    const ended = alone.map((ids, i) => ends[i]! < 0 ? ids : ids.slice(0, ends[i]));
    assert(new Set(ended.map(({ length }) => length)).size > 2, "all prompts end alike: nothing was tested");
    for (const batchSize of [1, 3, 8]) assertEquals(make(PROMPTS, { batchSize, stopIds }), ended);
  });

  Deno.test(`sequences of a Decoder have the logits of each alone, within rounding (${label})`, () => {
    const parameters = toParameters(initialParameters(config, 5));
    using batch = new Decoder(parameters, config, { rows: 3 });
    using low = new Decoder(parameters, config, { rows: 3 });
    const pairs = Array.from({ length: 3 }, () => [0, 1].map(() => new Decoder(parameters, config)));
    const random = createRandom(3, "sequences");
    let lowError = 0, lowDifference = 0;
    for (let step = 0; step < 40; step++) {
      // Mostly one token for each sequence; sometimes none or several, or a new text.
      const added = pairs.map(() => {
        const length = random.integer(8) > 1 ? 1 : random.integer(6);
        return Array.from({ length }, () => random.integer(config.vocabSize));
      });
      if (added.every(({ length }) => length === 0)) added[0] = [1];
      const row = random.integer(18);
      if (row < 3) { for (const decoder of [batch, low]) decoder.reset(row); }
      if (row < 3) { for (const decoder of pairs[row]!) decoder.reset(0); }
      const got = batch.read(added), rounded = autocast("bf16-autocast", () => low.read(added));
      for (const [row, ids] of added.entries()) {
        if (ids.length === 0) assertEquals([got[row], rounded[row]], [undefined, undefined]);
        if (ids.length === 0) continue;
        const [want] = pairs[row]![0]!.read([ids]);
        const [lowWant] = autocast("bf16-autocast", () => pairs[row]![1]!.read([ids]));
        got[row]!.forEach((logit, i) => {
          assertAlmostEquals(logit, want![i]!, 1e-5 * Math.max(1, Math.abs(want![i]!)), `step ${step}`);
          lowError = Math.max(lowError, Math.abs(lowWant![i]! - want![i]!));
          lowDifference = Math.max(lowDifference, Math.abs(rounded[row]![i]! - lowWant![i]!));
        });
      }
      assertEquals(batch.contexts, pairs.map(([one]) => one!.contexts[0]!));
    }
    assertEquals(batch.traces, 1);
    // Two computations in bfloat16, each as far from float32 as the other.
    assertLessOrEqual(lowDifference, 2 * lowError);
    for (const decoder of pairs.flat()) decoder[Symbol.dispose]();
  });
}

Deno.test("a Decoder's logits of several sequences are those of gptLogits()", () => {
  for (const config of Object.values(VARIANTS)) {
    const parameters = toParameters(initialParameters(config, 5));
    using decoder = new Decoder(parameters, config, { rows: 3 });
    decoder.read([[3, 1, 4, 1, 5], [7], []]);
    decoder.read([[2], [6], [1, 8, 2, 8, 1, 8]]);
    const got = decoder.read([[9], [9], [9]]);
    for (const [row, tokens] of [[3, 1, 4, 1, 5, 2, 9], [7, 6, 9], [1, 8, 2, 8, 1, 8, 9]].entries()) {
      const want = lastLogits(parameters, tokens, config);
      got[row]!.forEach((logit, i) =>
        assertAlmostEquals(logit, want[i]!, 1e-5 * Math.max(1, Math.abs(want[i]!)))
      );
    }
  }
});

Deno.test("generate() continues a list of prompts, each as alone", () => {
  const tokenizer = {
    vocabSize: config.vocabSize,
    encode: (text: string) => Int32Array.from(text, (letter) => letter.charCodeAt(0) - 97),
    decode: lettersOf,
  };
  using model = gpt(config, { seed: 5 });
  const options = { maxNewTokens: 15, stop: ["b", "ca"], batchSize: 2 };
  const prompts = ["abc", "d", "hello"];
  const alone: string[] = prompts.map((prompt) => generate(model, tokenizer, { ...options, prompt }));
  const texts: string[] = generate(model, tokenizer, { ...options, prompt: prompts });
  assertEquals(texts, alone);
  assertEquals(generate(model, tokenizer, { prompt: [] }), []);
  const refuse = (options: object, message: string, kind = RangeError) =>
    void assertThrows(() => generate(model, tokenizer, options), kind, message);
  refuse({ batchSize: 0 }, "expected an integer >= 1 for batchSize, got 0");
  refuse({ prompt: ["a", ""] }, "expected at least one token in each prompt, got none");
  refuse({ prompt: ["a", 3] }, "expected the prompt as a string, got number", TypeError);
  assertThrows(() => new Decoder(model.parameters, config, { rows: 0 }), RangeError, "for rows, got 0");
  using decoder = new Decoder(model.parameters, config, { rows: 2 });
  assertThrows(() => decoder.read([[1]]), RangeError, "expected tokens for each of 2 sequences, got 1 lists");
  assertThrows(() => decoder.reset(2), RangeError, "expected one of 2, got number 2");
});

/** Returns one character for each id. */
function lettersOf(ids: ArrayLike<number>): string {
  return Array.from(ids, (id) => String.fromCharCode(97 + id)).join("");
}
