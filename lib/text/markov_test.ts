import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { createMarkovSource, type MarkovOptions } from "./markov.ts";

const CASES: MarkovOptions[] = [
  { symbols: 2, order: 1, peak: 1, seed: 1 },
  { symbols: 16, order: 1, peak: 3, seed: 1 },
  { symbols: 4, order: 3, peak: 2, seed: 7 },
  { symbols: 64, order: 1, peak: 8, seed: 3 },
  { symbols: 2, order: 10, peak: 4, seed: 5 },
];

Deno.test("createMarkovSource() has a stationary distribution that is invariant under its transitions", () => {
  for (const options of CASES) {
    const { transitions, stationary } = createMarkovSource(options);
    const k = options.symbols, n = stationary.length;
    assertEquals([n, transitions.length], [k ** options.order, n * k]);
    const next = new Float64Array(n);
    for (let context = 0; context < n; context++) {
      let sum = 0;
      for (let s = 0; s < k; s++) {
        sum += transitions[context * k + s]!;
        next[(context * k + s) % n]! += stationary[context]! * transitions[context * k + s]!;
      }
      assertAlmostEquals(sum, 1, 1e-14);
    }
    assertAlmostEquals(stationary.reduce((sum, one) => sum + one, 0), 1, 1e-14);
    next.forEach((one, i) => assertAlmostEquals(one, stationary[i]!, 1e-14));
  }
});

Deno.test("createMarkovSource() has the entropy rate of its transitions, for two states in closed form", () => {
  const { transitions, entropyRate, stationary } = createMarkovSource({
    symbols: 2,
    order: 1,
    peak: 1,
    seed: 1,
  });
  const [stay, leave, back] = [transitions[0]!, transitions[1]!, transitions[2]!];
  assertAlmostEquals(stationary[0]!, back / (leave + back), 1e-15);
  const h = (p: number) => -p * Math.log(p) - (1 - p) * Math.log(1 - p);
  assertAlmostEquals(entropyRate, (back * h(stay) + leave * h(back)) / (leave + back), 1e-14);
  for (const options of CASES) {
    const source = createMarkovSource(options), k = options.symbols;
    let sum = 0;
    source.transitions.forEach((p, i) => sum -= source.stationary[Math.floor(i / k)]! * p * Math.log(p));
    assertAlmostEquals(source.entropyRate, sum, 1e-12);
  }
});

Deno.test("createMarkovSource() generates texts whose mean log probability is near the entropy rate", () => {
  for (const options of CASES) {
    const { alphabet, transitions, entropyRate, generate } = createMarkovSource(options);
    const { symbols: k, order: m } = options;
    const text = generate(200_000);
    assertEquals(text.length, 200_000);
    let context = 0, sum = 0, squares = 0, count = 0;
    for (let i = 0; i < text.length; i++) {
      const symbol = alphabet.indexOf(text[i]!);
      if (i >= m) {
        const nats = -Math.log(transitions[context * k + symbol]!);
        sum += nats;
        squares += nats * nats;
        count++;
      }
      context = (context * k + symbol) % k ** m;
    }
    const mean = sum / count, error = Math.sqrt((squares / count - mean ** 2) / count);
    // Adjacent characters are correlated, so the error is up to a few times larger than that of independent draws.
    assertLess(Math.abs(mean - entropyRate), 8 * error);
  }
});

Deno.test("optimalLoss() equals the entropy rate for order 1, and decreases to it with T for higher orders", () => {
  const one = createMarkovSource(CASES[1]!);
  for (const T of [1, 8, 1000]) assertAlmostEquals(one.optimalLoss(T), one.entropyRate, 1e-12);
  const { entropyRate, optimalLoss } = createMarkovSource(CASES[2]!);
  const losses = [1, 2, 3, 16, 64, 1e5].map(optimalLoss);
  losses.slice(1).forEach((loss, i) => assertLess(loss, losses[i]!));
  assertGreater(losses[0]! - entropyRate, 0.01);
  assertAlmostEquals(losses.at(-1)!, entropyRate, 1e-4);
  // All but two of T targets have 3 characters before them.
  assertAlmostEquals(optimalLoss(64) * 64 - optimalLoss(63) * 63, entropyRate, 1e-12);
});

Deno.test("createMarkovSource() gives fixed texts for its options, and different texts for other options", () => {
  const text = (options: Partial<MarkovOptions>, stream?: string) =>
    createMarkovSource({ ...CASES[1]!, ...options }).generate(500, stream);
  assertEquals(text({}), text({}));
  assertEquals(new Set([text({}), text({ seed: 2 }), text({ peak: 2 }), text({}, "other")]).size, 4);
  assertEquals(text({}).slice(0, 5), createMarkovSource(CASES[1]!).generate(5));
  assertEquals(
    [createMarkovSource(CASES[4]!).generate(3).length, createMarkovSource(CASES[4]!).generate(0)],
    [3, ""],
  );
  assert(
    createMarkovSource({ ...CASES[1]!, peak: 8 }).entropyRate < createMarkovSource(CASES[1]!).entropyRate,
  );
});

Deno.test("createMarkovSource() throws when an option is out of its range", () => {
  const make = (options: Partial<MarkovOptions>) => () => createMarkovSource({ ...CASES[1]!, ...options });
  assertThrows(make({ symbols: 1 }), RangeError, "expected an integer from 2 to 64 for symbols, got 1");
  assertThrows(make({ symbols: 65 }), RangeError, "got 65");
  assertThrows(make({ order: 0 }), RangeError, "expected an integer from 1 to 10 for order, got 0");
  assertThrows(make({ order: 3 }), RangeError, "<= 1,024, got 4,096");
  assertThrows(make({ peak: 1.5 }), RangeError, "expected an integer from 1 to 16 for peak, got 1.5");
  assertThrows(make({ seed: -1 }), RangeError, "expected an integer in [0, 2^53)");
});
