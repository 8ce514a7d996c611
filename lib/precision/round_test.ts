import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import fixture from "../../tests/fixtures/formats/ml_dtypes.json" with { type: "json" };
import { formatInfo, parseFormat } from "./format.ts";
import { roundArray, roundNumber } from "./round.ts";

const patterns = Uint32Array.from({ length: 65_536 }, (_, i) => i);

function randomBits(count: number): Uint32Array<ArrayBuffer> {
  const bits = new Uint32Array(count);
  let state = 2463534242;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bits[i] = state;
  }
  return bits;
}

const inputs: Record<string, Float32Array> = {
  "bfloat16 patterns": new Float32Array(patterns.map((i) => i << 16).buffer),
  "float16 patterns": Float32Array.from(new Float16Array(Uint16Array.from(patterns).buffer)),
  "random float32": new Float32Array(randomBits(1_000_000).buffer),
};

/** Returns the digest that `make_ml_dtypes.py` computes. */
function digestOf(values: Float32Array<ArrayBuffer>): string {
  const bits = new Uint32Array(values.buffer).map((one) =>
    (one & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : one
  );
  return createHash("sha256").update(bits).digest("hex");
}

for (const [name, digests] of Object.entries(fixture.digests)) {
  Deno.test(`roundArray() to ${name} equals ml_dtypes on 16-bit patterns and random numbers`, () => {
    const format = parseFormat(name);
    for (const [what, wanted] of Object.entries(digests)) {
      assertEquals(digestOf(roundArray(inputs[what]!, format)), wanted, what);
    }
  });
}

Deno.test("formatInfo() labels formats that no standard defines, and refuses other names", () => {
  const labels = ["e4m3", "e4m3fn", "e5m2-saturating", "float16", "e8m0", "e2m1-stochastic"]
    .map((name) => formatInfo(name).label);
  assertEquals(labels, [
    "IEEE-style e4m3",
    "e4m3fn",
    "e5m2-saturating",
    "float16",
    "e8m0",
    "IEEE-style e2m1-stochastic",
  ]);
  assertThrows(
    () => formatInfo("mxfp8"),
    RangeError,
    'Cannot use the number format "mxfp8": expected float32',
  );
  assertThrows(
    () => (formatInfo as (name?: string) => unknown)(),
    TypeError,
    "Cannot describe a format: expected its name, got undefined.",
  );
});

Deno.test("formatInfo() returns the ranges of ml_dtypes", () => {
  for (const [name, wanted] of Object.entries(fixture.ranges)) {
    const { largest, smallestNormal, smallestSubnormal, bits } = formatInfo(name);
    assertEquals([largest, smallestNormal, smallestSubnormal, bits], wanted, name);
  }
});

Deno.test("roundNumber() saturates, or overflows to Inf or to NaN, depending on the format", () => {
  const round = (value: number, name: string): number => roundNumber(value, parseFormat(name));
  assertEquals([464, 465, 1e30, Infinity].map((x) => round(x, "e4m3fn")), [448, 448, 448, 448]);
  assertEquals([464, 465, -Infinity].map((x) => round(x, "e4m3fn-nonsaturating")), [448, NaN, NaN]);
  assertEquals([61_439, 61_440, -Infinity].map((x) => round(x, "e5m2")), [57_344, Infinity, -Infinity]);
  assertEquals([61_440, -Infinity].map((x) => round(x, "e5m2-saturating")), [57_344, -57_344]);
  assertEquals([247, 248].map((x) => round(x, "e4m3")), [240, Infinity]);
  assertEquals([2.5, 3.5, 5, 7, -9].map((x) => round(x, "e2m1fn")), [2, 4, 4, 6, -6]);
  assertEquals([3.49, 3.5].map((x) => round(x, "e2m1")), [3, Infinity]);
  assertEquals([1.9, -1.9, 500, 1e9].map((x) => round(x, "e4m3fn-truncate")), [1.875, -1.875, 448, 448]);
  assertEquals([300, Infinity].map((x) => round(x, "e4m3-truncate")), [240, Infinity]);
});

Deno.test("roundNumber() is idempotent, monotonic and odd", () => {
  const values = inputs["random float32"]!.slice(0, 20_000).filter((x) => !Number.isNaN(x)).sort();
  for (const name of ["e4m3fn", "e5m2-saturating", "e3m2fn", "e2m3fn", "e2m1fn", "e3m7", "e8m3-truncate"]) {
    const format = parseFormat(name);
    const rounded = roundArray(values, format);
    assertEquals(roundArray(rounded, format), rounded);
    assertEquals(roundArray(values.map((x) => -x), format), rounded.map((x) => -x));
    assertEquals(rounded.slice().sort(), rounded);
  }
});

Deno.test("roundArray() rounds stochastically without bias", () => {
  const format = parseFormat("e4m3fn-stochastic"), count = 40_000;
  // 2.05 lies between 2 and 2.25: up with probability 0.2.
  const rounded = roundArray(new Float32Array(count).fill(2.05), format, Math.random);
  const mean = rounded.reduce((sum, x) => sum + x, 0) / count;
  // The mean's standard deviation is 0.25 √(0.2 · 0.8 / count) = 5e-4; 6 of them fail once in 5e8 runs.
  assertAlmostEquals(mean, 2.05, 6 * 5e-4);
  assertEquals([...new Set(rounded)].sort(), [2, 2.25]);
  assertThrows(() => roundArray(new Float32Array(1), format), TypeError, "Pass a seed");
});
