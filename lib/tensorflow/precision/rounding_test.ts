/** Tests of conversions against exact arithmetic on BigInts. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type Format, parseFormat, roundArray } from "../../precision/mod.ts";
import { createRandom } from "../../text/random.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import { roundTo } from "./rounding.ts";
import { bytesOf, tensorOfBytes, toFloat32 } from "../binding/true_dtype.ts";

await useTensorFlow();

/** Shared memory that converts between a float32 and its bits. */
const f32 = new Float32Array(1), u32 = new Uint32Array(f32.buffer);
const valueOf = (bits: number) => (u32[0] = bits, f32[0]!);
const bitsOf = (value: number) => (f32[0] = value, u32[0]!);

/** Converts a float32 with exact BigInt arithmetic. `up` returns the neighbor away from zero instead of rounding. */
function exact(bits: number, { exponent, mantissa, rounding }: Format, up = false): number {
  const sign = bits >>> 31, size = bits & 0x7fffffff;
  const signed = (value: number) => bitsOf(sign === 1 ? -value : value);
  if (size > 0x7f800000) return bits;
  if (size === 0x7f800000 || size === 0) return bits;
  const field = size >>> 23;
  const whole = BigInt(size & 0x7fffff) + (field === 0 ? 0n : 1n << 23n); // |x| = whole · 2^power
  const power = Math.max(field, 1) - 150;
  const bias = 2 ** (exponent - 1) - 1;
  const binade = whole.toString(2).length - 1 + power;
  const step = Math.max(binade, 1 - bias) - mantissa; // the format's numbers here are multiples of 2^step
  const drop = BigInt(step - power);
  let steps = drop <= 0n ? whole << -drop : whole >> drop;
  const rest = drop <= 0n ? 0n : whole - (steps << drop);
  const half = drop <= 0n ? 1n : 1n << (drop - 1n);
  if (up ? rest > 0n : rounding !== "truncate" && (rest > half || (rest === half && steps % 2n === 1n))) {
    steps++;
  }
  const largest = (2 ** (mantissa + 1) - 1) * 2 ** (bias - mantissa);
  const rounded = Number(steps) * 2 ** step; // both are exact in float64
  if (rounded > largest) return signed(rounding === "truncate" && !up ? largest : Infinity);
  return signed(rounded);
}

/** Converts between bits and tensors. */
const tensorOf = (bits: Uint32Array<ArrayBuffer>) =>
  tensorOfBytes(new Uint8Array(bits.buffer), { shape: [bits.length], dtype: "float32" });
const readBits = (tensor: tf.Tensor) => new Uint32Array(bytesOf(toFloat32(tensor)).buffer);

/** Maps every NaN to one bit pattern. */
const canonical = (bits: number) => (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;

function check(format: Format, bits: Uint32Array<ArrayBuffer>): void {
  const rounded = tf.tidy(() => toFloat32(roundTo(tensorOf(bits), format)));
  const got = readBits(rounded);
  rounded.dispose();
  const wrong = bits.findIndex((one, i) => canonical(exact(one, format)) !== canonical(got[i]!));
  if (wrong < 0) return;
  const hex = (value: number) => `${value.toString(16)} (${valueOf(value)})`;
  throw new Error(
    `${format.name}: ${hex(bits[wrong]!)} became ${hex(got[wrong]!)}, wanted ${
      hex(exact(bits[wrong]!, format))
    }`,
  );
}

/** Returns every number of a format, the midpoints between neighbors, and the float32 neighbors of all of these. */
function everyNumber({ exponent, mantissa }: Format): Uint32Array<ArrayBuffer> {
  const bias = 2 ** (exponent - 1) - 1;
  const found: number[] = [];
  for (let field = 0; field < 2 ** exponent - 1; field++) {
    for (let fraction = 0; fraction < 2 ** mantissa; fraction++) {
      const step = 2 ** (Math.max(field, 1) - bias - mantissa);
      const value = (field === 0 ? fraction : fraction + 2 ** mantissa) * step;
      for (const at of [value, value + step / 2]) {
        const bits = bitsOf(at);
        found.push(bits, bits + 1, Math.max(0, bits - 1));
      }
    }
  }
  const both = [...found, 0x7f800000, 0x7f7fffff, 0x7fc00000, 0x7f800001, 0x7fffffff];
  return Uint32Array.from([...both, ...both.map((bits) => bits + 0x80000000)]);
}

/** Returns random bits: float32 of every binade, subnormals, infinities and NaNs. */
function randomBits(count: number): Uint32Array<ArrayBuffer> {
  const random = createRandom(3, "rounding");
  const bits = Uint32Array.from({ length: count }, () => random.nextUint32());
  for (let i = 0; i < count; i += 7) bits[i] = bits[i]! & 0x807fffff; // subnormal
  for (let i = 1; i < count; i += 50) bits[i] = bits[i]! | 0x7f800000; // infinite or NaN
  return bits;
}

Deno.test("roundTo() is exact for every number of formats of up to 16 bits, for midpoints, and for their float32 neighbors", () => {
  const formats = [
    "bfloat16",
    "float16",
    "e8m7",
    "e5m10",
    "e5m2",
    "e4m3",
    "e3m4",
    "e2m1",
    "e8m1",
    "e6m9",
    "e2m13",
  ];
  for (const name of formats) {
    for (const format of [parseFormat(name), parseFormat(`${name}-truncate`)]) {
      check(format, everyNumber(format));
    }
  }
});

Deno.test("roundTo() is exact on random float32 numbers, subnormals, infinities and NaN, for every format", () => {
  const bits = randomBits(2000);
  for (let exponent = 2; exponent <= 8; exponent++) {
    for (let mantissa = 1; mantissa <= 23; mantissa++) {
      for (const mode of exponent === 8 && mantissa === 23 ? [""] : ["", "-truncate"]) {
        check(parseFormat(`e${exponent}m${mantissa}${mode}`), bits);
      }
    }
  }
  for (const name of ["float32", "bfloat16", "float16", "bfloat16-truncate"]) check(parseFormat(name), bits);
});

Deno.test("stochastic rounding returns a neighbor, the upper one with the probability of the distance from the lower one", () => {
  const bits = randomBits(3000).filter((bits) =>
    (bits & 0x7f800000) !== 0 && (bits & 0x7f800000) !== 0x7f800000
  );
  for (const name of ["e8m7", "e5m10", "e4m3"]) {
    const format = parseFormat(`${name}-stochastic`), down = parseFormat(`${name}-truncate`);
    const got = readBits(roundTo(tensorOf(bits), format, tf.tensor1d([1, 2], "int32")));
    for (const [i, one] of bits.entries()) {
      const neighbors = [exact(one, down), exact(one, down, true)];
      // Beyond the largest number the neighbors are infinity, or the largest number and infinity.
      if (neighbors[1] === bitsOf(Infinity) || neighbors[1] === bitsOf(-Infinity)) continue;
      assert(neighbors.includes(got[i]!), `${name}: ${valueOf(one)} became ${valueOf(got[i]!)}`);
    }
  }
  const N = 2 ** 16;
  // A normal number, and a subnormal number of e4m3, whose step is 2^-9.
  for (const [value, lower, step] of [[1 + 3 / 32, 1, 1 / 8], [1.3 * 2 ** -9, 2 ** -9, 2 ** -9]] as const) {
    const mean = tf.mean(
      roundTo(tf.fill([N], value), parseFormat("e4m3-stochastic"), tf.tensor1d([5, 6], "int32")),
    );
    const share = (value - lower) / step;
    // Five standard deviations of the mean of N draws.
    assertAlmostEquals(mean.dataSync()[0]!, value, 5 * step * Math.sqrt(share * (1 - share) / N));
  }
});

Deno.test("stochastic rounding repeats for a key, eager and compiled, differs for another key, and throws without a key", () => {
  const format = parseFormat("bfloat16-stochastic");
  const x = tf.randomNormal([500], 0, 1, "float32", 4);
  const at = (key: number) => [...readBits(roundTo(x, format, tf.tensor1d([key, 0], "int32")))];
  assertEquals(at(1), at(1));
  assertNotEquals(at(1), at(2));
  using compiled = compile((x: tf.Tensor, key: tf.Tensor) => roundTo(x, format, key));
  assertEquals([...readBits(compiled(x, tf.tensor1d([1, 0], "int32")))], at(1));
  assertThrows(() => roundTo(x, format), TypeError, "expected a key");
});

Deno.test("roundTo() rounds to OCP formats as plain arithmetic does, over every 16-bit pattern", () => {
  const patterns = Uint32Array.from({ length: 65_536 }, (_, i) => i << 16);
  // Random bits exceed bfloat16's precision, so that ties and their neighbors occur.
  const bits = Uint32Array.from([...patterns, ...randomBits(40_000)]);
  const names = ["e4m3fn", "e4m3fn-nonsaturating", "e5m2", "e5m2-saturating", "e3m2fn", "e2m3fn", "e2m1fn"];
  for (const name of names.flatMap((name) => [name, `${name}-truncate`])) {
    const format = parseFormat(name);
    const got = readBits(tf.tidy(() => roundTo(tensorOf(bits), format)));
    const wanted = new Uint32Array(roundArray(new Float32Array(bits.buffer), format).buffer);
    assertEquals(got.map(canonical), wanted.map(canonical), name);
  }
});

Deno.test("roundTo() rounds to E8M0 as plain arithmetic does", () => {
  const bits = Uint32Array.from([
    ...Array.from({ length: 65_536 }, (_, i) => i << 16),
    ...randomBits(20_000),
    ...[0x3fffff, 0x400000, 0x400001, 0x7fffff, 0xbfffff, 0xc00000, 0x7f3fffff, 0x7f400000, 0x3f800000],
  ]);
  for (const format of ["e8m0", "e8m0-truncate"].map(parseFormat)) {
    const got = readBits(tf.tidy(() => roundTo(tensorOf(bits), format)));
    const wanted = new Uint32Array(roundArray(new Float32Array(bits.buffer), format).buffer);
    assertEquals(got.map(canonical), wanted.map(canonical), format.name);
  }
});
