import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createRandom, type Random } from "../text/random.ts";
import { type SampleOptions, sampleToken } from "./sample.ts";

const logits = Float32Array.from([0.5, 2, -1, 2, -Infinity, 1]);

/** Returns the share of each token in many draws. */
function shares(options: SampleOptions, draws = 20_000): number[] {
  const random = createRandom(7, "test");
  const counts = logits.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sampleToken(logits, random, options)]!++;
  return Array.from(counts, (count) => count / draws);
}

/** Returns softmax(logits / temperature) over some of the tokens. */
function softmax(temperature: number, ids = [0, 1, 2, 3, 4, 5]): number[] {
  const weights = Array.from(logits, (v, id) => ids.includes(id) ? Math.exp(v / temperature) : 0);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

Deno.test("sampleToken() draws each token with its probability", () => {
  const cases: [SampleOptions, number[]][] = [
    [{}, softmax(1)],
    [{ temperature: 0.5 }, softmax(0.5)],
    [{ topK: 3 }, softmax(1, [1, 3, 5])],
    [{ topK: 99 }, softmax(1)],
    [{ topK: 1 }, softmax(1, [1])], // ties go to the first
    [{ topP: 0.7 }, softmax(1, [1, 3])], // the two likeliest have 0.76
    [{ topP: 0.8 }, softmax(1, [1, 3, 5])],
    [{ topP: 1e-9 }, softmax(1, [1])],
    [{ topK: 3, topP: 0.8, temperature: 2 }, softmax(2, [1, 3, 5])],
  ];
  for (const [options, want] of cases) {
    // Five standard deviations of a binomial's share, each at most 0.5 / sqrt(draws).
    shares(options).forEach((share, id) =>
      assertAlmostEquals(share, want[id]!, 5 * 0.5 / Math.sqrt(20_000), JSON.stringify({ options, id }))
    );
    want.forEach((p, id) => p === 0 && assertEquals(shares(options, 500)[id], 0));
  }
});

/** Samples by the definition: sorts all tokens, and adds their probabilities. */
function sampleByDefinition(logits: Float32Array, options: SampleOptions, random: Random): number {
  const { temperature = 1, topK = logits.length, topP = 1 } = options;
  const ids = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, topK);
  const weights = ids.map((id) => Math.exp((logits[id]! - logits[ids[0]!]!) / temperature));
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
  const enough = topP * total(weights);
  let held = 0;
  const end = weights.findIndex((weight) => (held += weight) >= enough);
  const kept = topP < 1 ? weights.slice(0, end + 1) : weights;
  let left = random.uniform() * total(kept);
  return ids[kept.findIndex((weight) => (left -= weight) < 0)]!;
}

Deno.test("sampleToken() draws the tokens of the definition from large vocabularies, also with ties", () => {
  const random = createRandom(11, "logits");
  for (let round = 0; round < 200; round++) {
    const logits = random.fillNormal(new Float32Array(2000), { std: [0.1, 1, 5][round % 3]! });
    if (round % 2 === 0) logits.forEach((logit, i) => logits[i] = Math.round(logit));
    const options = {
      temperature: 0.3 + random.uniform(),
      topK: random.integer(3) === 0 ? 1 + random.integer(2000) : undefined,
      topP: Math.max(1e-6, random.uniform()),
    };
    const draw = () => createRandom(round, "draw");
    const want = sampleByDefinition(logits, options, draw());
    assertEquals(sampleToken(logits, draw(), options), want, JSON.stringify(options));
  }
});

Deno.test("sampleToken() at temperature 0 returns the first of the likeliest tokens, without a draw", () => {
  const random = createRandom(1, "test");
  const before = random.state();
  assertEquals(sampleToken(logits, random, { temperature: 0 }), 1);
  assertEquals(random.state(), before);
});

Deno.test("sampleToken() draws the same from the same stream", () => {
  const draw = () => {
    const random = createRandom(3, "test");
    return Array.from({ length: 50 }, () => sampleToken(logits, random));
  };
  assertEquals(draw(), draw());
  assert(new Set(draw()).size > 2);
});

Deno.test("sampleToken() refuses options and logits out of range", () => {
  const random = createRandom(1, "test");
  const cases: [SampleOptions, string][] = [
    [{ temperature: -1 }, "expected a finite number >= 0 for temperature, got -1"],
    [{ temperature: NaN }, "temperature"],
    [{ topK: 0 }, "expected an integer >= 1 for topK, got 0"],
    [{ topK: 1.5 }, "topK"],
    [{ topP: 0 }, "expected a number above 0 and at most 1 for topP, got 0"],
    [{ topP: 1.1 }, "topP"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => sampleToken(logits, random, options), RangeError, message);
  }
  assertThrows(() => sampleToken(Float32Array.of(1, NaN), random), RangeError, "got NaN for token 1");
  assertThrows(() => sampleToken(Float32Array.of(-Infinity), random), RangeError, "got none among 1");
});
