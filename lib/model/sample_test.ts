import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createRandom } from "../text/random.ts";
import { type SampleOptions, sampleToken } from "./sample.ts";

const logits = Float32Array.from([0.5, 2, -1, 2, -Infinity, 1]);

/** The share of each token among many draws. */
function shares(options: SampleOptions, draws = 20_000): number[] {
  const random = createRandom(7, "test");
  const counts = logits.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sampleToken(logits, random, options)]!++;
  return Array.from(counts, (count) => count / draws);
}

/** softmax(logits / temperature) over some of the tokens. */
function softmax(temperature: number, ids = [0, 1, 2, 3, 4, 5]): number[] {
  const weights = Array.from(logits, (v, id) => ids.includes(id) ? Math.exp(v / temperature) : 0);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

Deno.test("sampleToken() draws each token as often as its probability says", () => {
  const cases: [SampleOptions, number[]][] = [
    [{}, softmax(1)],
    [{ temperature: 0.5 }, softmax(0.5)],
    [{ topK: 3 }, softmax(1, [1, 3, 5])],
    [{ topK: 99 }, softmax(1)],
    [{ topK: 1 }, softmax(1, [1])], // of equal ones the first
    [{ topP: 0.7 }, softmax(1, [1, 3])], // the two likeliest hold 0.76
    [{ topP: 0.8 }, softmax(1, [1, 3, 5])],
    [{ topP: 1e-9 }, softmax(1, [1])],
    [{ topK: 3, topP: 0.8, temperature: 2 }, softmax(2, [1, 3, 5])],
  ];
  for (const [options, want] of cases) {
    // Five deviations of a binomial's share, at most 0.5 / sqrt(draws).
    shares(options).forEach((share, id) =>
      assertAlmostEquals(share, want[id]!, 5 * 0.5 / Math.sqrt(20_000), JSON.stringify({ options, id }))
    );
    want.forEach((p, id) => p === 0 && assertEquals(shares(options, 500)[id], 0));
  }
});

Deno.test("sampleToken() at temperature 0 takes the likeliest, and the first of equal ones, without a draw", () => {
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

Deno.test("sampleToken() refuses options and logits that do not fit", () => {
  const random = createRandom(1, "test");
  const cases: [SampleOptions, string][] = [
    [{ temperature: -1 }, "temperature must be a finite number of at least 0: it is -1"],
    [{ temperature: NaN }, "temperature"],
    [{ topK: 0 }, "topK must be a whole number of at least 1: it is 0"],
    [{ topK: 1.5 }, "topK"],
    [{ topP: 0 }, "topP must be above 0 and at most 1: it is 0"],
    [{ topP: 1.1 }, "topP"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => sampleToken(logits, random, options), RangeError, message);
  }
  assertThrows(() => sampleToken(Float32Array.of(1, NaN), random), RangeError, "that of token 1 is NaN");
  assertThrows(() => sampleToken(Float32Array.of(-Infinity), random), RangeError, "there is none");
});
