import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { createHash } from "node:crypto";
import { portableLog } from "./_portable_log.ts";
import { createRandom, type Random, type RandomState } from "./random.ts";

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.nextUint32());
}

Deno.test("nextUint32() returns the reference outputs of xoshiro128** 1.1 from the state 1, 2, 3, 4", () => {
  const random = createRandom(0, "any");
  random.restore({ algorithm: "xoshiro128**", words: [1, 2, 3, 4], spareNormal: null });
  // From the authors' xoshiro128starstar.c, as published by other ports.
  assertEquals(draw(random, 10), [
    11520,
    0,
    5927040,
    70819200,
    2031721883,
    1637235492,
    1287239034,
    3734860849,
    3729100597,
    4258142804,
  ]);
});

Deno.test("createRandom() returns fixed numbers for a seed and a name", () => {
  // Computed with a separate implementation in Python (big integers, struct, math.sqrt).
  assertEquals(draw(createRandom(1337, "batches"), 6), [
    2256826234,
    1543346743,
    1671955977,
    1068890041,
    365847397,
    3811198012,
  ]);
  const uniform = createRandom(1337, "batches");
  assertEquals([uniform.uniform(), uniform.uniform(), uniform.uniform()], [
    0.5254583013008416,
    0.3892825860445972,
    0.08518049036982411,
  ]);
  const normal = createRandom(1337, "weights");
  assertEquals([normal.normal(), normal.normal(), normal.normal(), normal.normal()], [
    1.7547702973892942,
    0.4626057885025962,
    -1.1870310110481703,
    0.712870084751822,
  ]);
});

Deno.test("fillNormal() returns bytes with a fixed SHA-256 for a seed and a name", () => {
  const values = createRandom(1337, "weights").fillNormal(new Float32Array(100_000), { std: 0.02 });
  assertEquals(
    createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex"),
    "5a50fc6d370bc49498b236b79fe4d4ed343438dd490f47821b9a895d914e1988", // from the same Python implementation
  );
});

Deno.test("createRandom() returns independent numbers when the seed or the name differs", () => {
  const first = draw(createRandom(1, "batches"), 4);
  assertEquals(draw(createRandom(1, "batches"), 4), first);
  assertNotEquals(draw(createRandom(2, "batches"), 4), first);
  assertNotEquals(draw(createRandom(1, "weights"), 4), first);
  assertNotEquals(draw(createRandom(12, "3"), 4), draw(createRandom(1, "23"), 4));
});

Deno.test("createRandom() throws when the seed is not an integer in range", () => {
  for (const seed of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => createRandom(seed, "a"), RangeError, "expected an integer in [0, 2^53) for the seed");
  }
});

Deno.test("uniform() is uniform on [0, 1)", () => {
  const random = createRandom(3, "uniform");
  const bins = new Float64Array(16);
  for (let i = 0; i < 160_000; i++) {
    const value = random.uniform();
    assert(value >= 0 && value < 1);
    bins[Math.floor(value * 16)]! += 1;
  }
  // 16 bins of 10,000: chi-square with 15 degrees of freedom exceeds 37.7 once in a thousand.
  assertLess(bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0), 37.7);
});

Deno.test("uniform() is at most 1 - 2^-53 when all bits are set", () => {
  const random = createRandom(0, "any");
  // The state's word s1 gives rotl(s1 * 5, 7) * 9 modulo 2^32: invert that for an output of all ones.
  const inverse = (odd: bigint): bigint => {
    let x = 1n;
    for (let i = 0; i < 6; i++) x = BigInt.asUintN(32, x * (2n - odd * x));
    return x;
  };
  const rotated = BigInt.asUintN(32, inverse(9n) * 0xffff_ffffn);
  const s1 = Number(BigInt.asUintN(32, inverse(5n) * ((rotated >> 7n) | (rotated << 25n))));
  // After one step s1' = s1 ^ s2 ^ s0; equal s0 and s2 keep s1, so two consecutive outputs are all ones.
  random.restore({ algorithm: "xoshiro128**", words: [7, s1, 7, 1], spareNormal: null });
  assertEquals(random.uniform(), 1 - 2 ** -53);
});

Deno.test("integer() draws every value equally often, also when n does not divide 2^32", () => {
  const random = createRandom(4, "integer");
  const counts = new Float64Array(7);
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]! += 1;
  // 6 degrees of freedom: above 22.5 once in a thousand.
  assertLess(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0), 22.5);
});

Deno.test("integer() has no bias toward small results when n is near 2^32", () => {
  // With n = 3 * 2^30, plain remainders would be in the first third half of the time.
  const random = createRandom(5, "integer");
  let low = 0;
  for (let i = 0; i < 30_000; i++) if (random.integer(3 * 2 ** 30) < 2 ** 30) low += 1;
  assertLess(Math.abs(low - 10_000), 400); // five standard deviations of 82
  assertEquals(random.integer(1), 0);
  assert(random.integer(2 ** 32) < 2 ** 32);
});

Deno.test("integer() throws when n is not in [1, 2^32]", () => {
  const random = createRandom(0, "a");
  for (const n of [0, -1, 1.5, NaN, 2 ** 32 + 1]) {
    assertThrows(() => random.integer(n), RangeError, "expected an integer in [1, 4,294,967,296] for n");
  }
});

Deno.test("normal() has the moments and tails of the standard normal distribution", () => {
  const random = createRandom(6, "normal");
  const count = 200_000;
  const moments = [0, 0, 0, 0, 0];
  let beyondTwo = 0;
  for (let i = 0; i < count; i++) {
    const value = random.normal();
    for (let power = 1; power <= 4; power++) moments[power]! += value ** power / count;
    if (Math.abs(value) > 2) beyondTwo += 1;
  }
  // Each within five standard errors: sqrt of 1, 2, 15 and 96 over the count.
  assertLess(Math.abs(moments[1]!), 5 * Math.sqrt(1 / count));
  assertLess(Math.abs(moments[2]! - 1), 5 * Math.sqrt(2 / count));
  assertLess(Math.abs(moments[3]!), 5 * Math.sqrt(15 / count));
  assertLess(Math.abs(moments[4]! - 3), 5 * Math.sqrt(96 / count));
  assertLess(Math.abs(beyondTwo / count - 0.0455003), 5 * Math.sqrt(0.0455 * 0.9545 / count));
});

Deno.test("fillNormal() scales, shifts and rounds the numbers of normal()", () => {
  const random = createRandom(7, "normal");
  const expected = Array.from({ length: 5 }, () => Math.fround(3 + 0.5 * random.normal()));
  const target = new Float32Array(5);
  assertEquals(createRandom(7, "normal").fillNormal(target, { mean: 3, std: 0.5 }), target);
  assertEquals(Array.from(target), expected);
  assertThrows(
    () => random.fillNormal(target, { std: -1 }),
    RangeError,
    "expected a finite std >= 0, got -1",
  );
  assertThrows(
    () => random.fillNormal(target, { mean: NaN }),
    RangeError,
    "expected a finite mean, got NaN",
  );
});

Deno.test("restore() resumes exactly at a state(), through JSON, also between two normals", () => {
  const random = createRandom(8, "state");
  random.normal();
  const saved = JSON.stringify(random.state());
  const rest = (from: Random): number[] => [from.normal(), from.normal(), from.uniform(), from.integer(1000)];
  const expected = rest(random);
  const other = createRandom(99, "other");
  other.restore(JSON.parse(saved));
  assertEquals(rest(other), expected);
});

Deno.test("restore() throws when the value is not a state", () => {
  const random = createRandom(0, "a");
  const good = random.state();
  const bad: unknown[] = [
    null,
    {},
    { ...good, algorithm: "mt19937" },
    { ...good, words: [0, 0, 0, 0] },
    { ...good, words: [1, 2, 3] },
    { ...good, words: [1, 2, 3, 2 ** 32] },
    { ...good, spareNormal: "1" },
  ];
  for (const state of bad) {
    assertThrows(
      () => random.restore(state as RandomState),
      TypeError,
      "expected a state returned by state()",
    );
  }
  assertEquals(random.state(), good);
});

Deno.test("portableLog() agrees with Math.log to a few units in the last place", () => {
  const random = createRandom(9, "log");
  for (let i = 0; i < 10_000; i++) {
    const x = random.uniform() * 2 ** (random.integer(200) - 150) + Number.MIN_VALUE * 2 ** 60;
    assertLess(Math.abs(portableLog(x) - Math.log(x)), 4e-16 + 6e-16 * Math.abs(Math.log(x)));
  }
  assertEquals(portableLog(1), 0);
  assertAlmostEquals(portableLog(1 - 2 ** -53), -(2 ** -53), 1e-30);
});
