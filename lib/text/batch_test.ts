import { assert, assertEquals, assertThrows } from "@std/assert";
import { evalWindows, getBatch } from "./batch.ts";
import { createRandom } from "./random.ts";

/** Returns tokens 0, 1, 2, ...: each token is its own position. */
function count(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => i);
}

Deno.test("getBatch() returns y as x shifted by one, in contiguous windows", () => {
  const random = createRandom(1, "batches");
  for (const [length, B, T] of [[100, 4, 8], [9, 3, 8], [2, 1, 1], [1000, 1, 64]] as const) {
    const batch = getBatch(count(length), { B, T, random });
    assertEquals([batch.B, batch.T, batch.x.length, batch.y.length], [B, T, B * T, B * T]);
    for (let i = 0; i < B * T; i++) {
      assertEquals(batch.y[i], batch.x[i]! + 1);
      if (i % T > 0) assertEquals(batch.x[i], batch.x[i - 1]! + 1);
    }
  }
});

Deno.test("getBatch() returns fixed windows for a seed", () => {
  const random = createRandom(1337, "batches");
  // Starts are the stream's 32-bit numbers modulo 90: 2256826234, 1543346743, 1671955977, 1068890041.
  const { x } = getBatch(count(100), { B: 4, T: 10, random });
  assertEquals([x[0], x[10], x[20], x[30]], [4, 13, 57, 1]);
});

Deno.test("getBatch() returns the same batches for the same seed and different ones for another", () => {
  const tokens = count(10_000);
  const batches = (seed: number) => {
    const random = createRandom(seed, "batches");
    return Array.from({ length: 3 }, () => getBatch(tokens, { B: 4, T: 16, random }));
  };
  assertEquals(batches(1), batches(1));
  assert(batches(1)[0]!.x.join() !== batches(2)[0]!.x.join());
  assert(batches(1)[0]!.x.join() !== batches(1)[1]!.x.join());
});

Deno.test("getBatch() draws the same batches after the stream's state is restored", () => {
  const tokens = count(500);
  const random = createRandom(5, "batches");
  getBatch(tokens, { B: 2, T: 8, random });
  const state = random.state();
  const next = getBatch(tokens, { B: 2, T: 8, random });
  random.restore(state);
  assertEquals(getBatch(tokens, { B: 2, T: 8, random }), next);
});

Deno.test("getBatch() draws every start, including the first and the last", () => {
  const random = createRandom(2, "batches");
  const starts = new Set<number>();
  for (let i = 0; i < 200; i++) starts.add(getBatch(count(12), { B: 1, T: 4, random }).x[0]!);
  assertEquals([...starts].sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("getBatch() and evalWindows() throw when shape and corpus do not fit", () => {
  const random = createRandom(0, "a");
  const wrong: [number, number, number, string][] = [
    [0, 1, 4, "Cannot make batches: expected at least T + 1 tokens, got an empty corpus"],
    [1000, 1, 2048, "Cannot make batches: expected T < 1,000 (tokens), got 2,048"],
    [8, 1, 8, "Cannot make batches: expected T < 8 (tokens), got 8"],
    [100, 0, 4, "Cannot make batches: expected an integer >= 1 for B, got 0"],
    [100, 1.5, 4, "expected an integer >= 1 for B, got 1.5"],
    [100, 1, 0, "expected an integer >= 1 for T, got 0"],
    [100, 1, -2, "expected an integer >= 1 for T, got -2"],
    [100, 1, NaN, "expected an integer >= 1 for T, got NaN"],
  ];
  for (const [length, B, T, message] of wrong) {
    assertThrows(() => getBatch(count(length), { B, T, random }), RangeError, message);
    assertThrows(() => evalWindows(count(length), { B, T }), RangeError, message);
  }
  assertThrows(
    () => getBatch(count(9), { B: "2" as unknown as number, T: 4, random }),
    TypeError,
    "expected a number for B, got a string",
  );
});

Deno.test("evalWindows() covers every target of a whole window once, in order", () => {
  for (const [length, B, T] of [[101, 4, 10], [95, 3, 10], [11, 5, 10], [41, 2, 10], [7, 2, 1]] as const) {
    const batches = [...evalWindows(count(length), { B, T })];
    const targets = batches.flatMap((batch) => [...batch.y]);
    const whole = Math.floor((length - 1) / T) * T;
    assertEquals(targets, Array.from({ length: whole }, (_, i) => i + 1));
    assertEquals(batches.flatMap((batch) => [...batch.x]), targets.map((target) => target - 1));
    for (const [index, batch] of batches.entries()) {
      assertEquals(batch.x.length, batch.B * T);
      assert(index === batches.length - 1 ? batch.B >= 1 && batch.B <= B : batch.B === B);
    }
  }
});

Deno.test("evalWindows() stops before maxTokens is exceeded", () => {
  const targets = (maxTokens: number) =>
    [...evalWindows(count(1000), { B: 3, T: 10, maxTokens })].flatMap((batch) => [...batch.y]).length;
  assertEquals([targets(10), targets(59), targets(60), targets(5000)], [10, 50, 60, 990]);
  assertThrows(() => targets(9), RangeError, "expected an integer >= 10 for maxTokens, got 9");
});
