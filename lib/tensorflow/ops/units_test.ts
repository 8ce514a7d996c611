import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { roundToBfloat16 } from "../../analysis/rounding.ts";
import { compile } from "../compile/compile.ts";
import { autocast } from "../precision/autocast.ts";
import { toBfloat16, toFloat16, trueDtype } from "../binding/true_dtype.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { layerNorm } from "./layer_norm.ts";
import { causalSoftmax } from "./causal_attention.ts";
import { sparseCrossEntropy } from "./cross_entropy.ts";
import { linear } from "./linear.ts";
import { sumOfSquares } from "./sum_of_squares.ts";
import { embedding, gelu, probeRounding } from "./units.ts";
import { rowMax } from "./_unit.ts";

await useTensorFlow();

/** Returns numbers that bfloat16 represents exactly, over several binades. */
function values(count: number, seed: number): number[] {
  return Array.from(tf.randomNormal([count], 0, 2, "float32", seed).dataSync(), roundToBfloat16);
}

Deno.test("toBfloat16() rounds to nearest, ties to even", () => {
  const cases = [
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
    1 + 2 ** -8 + 2 ** -20,
    -1 - 2 ** -9,
    3.4e38,
    1e-40,
    0.1,
    Math.PI,
  ];
  assertEquals(Array.from(toBfloat16(tf.tensor1d(cases)).dataSync()), cases.map(roundToBfloat16));
});

Deno.test("linear() rounds product and bias together, once", () => {
  const [n, k, m] = [40, 24, 36];
  const x = values(n * k, 1), w = values(k * m, 2), b = values(m, 3);
  const got = autocast("bf16-autocast", () => {
    const y = linear(tf.tensor2d(x, [n, k]), { weight: tf.tensor2d(w, [k, m]), bias: tf.tensor1d(b) });
    assertEquals(trueDtype(y), "bfloat16");
    return y.dataSync();
  });
  let different = 0;
  for (let i = 0; i < n * m; i++) {
    const row = Math.floor(i / m), column = i % m;
    let sum = b[column]!;
    for (let j = 0; j < k; j++) sum += x[row * k + j]! * w[j * m + column]!;
    // One rounding is off by at most half a unit in the last of 8 bits, 2^-8 of the value, plus float32's own sums. A
    // bias added after rounding would be off by more if product and bias cancel.
    const scale = Math.abs(sum) * 2 ** -8 + 1e-5;
    assert(Math.abs(got[i]! - sum) <= scale, `element ${i}: ${got[i]} against ${sum}`);
    if (got[i] !== roundToBfloat16(Math.fround(sum))) different++;
  }
  assert(different <= n * m / 100, `${different} elements are not the nearest`);
});

Deno.test("gelu() and causalSoftmax() on bfloat16 equal float32's results rounded once", () => {
  const x = values(400, 4);
  const wide = gelu(tf.tensor1d(x)).dataSync();
  const low = gelu(toBfloat16(tf.tensor1d(x)));
  assertEquals(trueDtype(low), "bfloat16");
  assertEquals(Array.from(low.dataSync()), Array.from(wide, roundToBfloat16));

  const scores = tf.tensor4d(values(2 * 8 * 8, 5), [1, 2, 8, 8]);
  const wideWeights = causalSoftmax(scores, 0.5);
  const lowWeights = causalSoftmax(toBfloat16(scores), 0.5);
  assertEquals(Array.from(lowWeights.dataSync()), Array.from(wideWeights.dataSync(), roundToBfloat16));
  const rows = wideWeights.arraySync() as number[][][][];
  rows[0]!.flat().forEach((row, i) => {
    assertAlmostEquals(row.reduce((sum, v) => sum + v, 0), 1, 1e-6);
    assert(row.slice(i % 8 + 1).every((weight) => weight === 0), "a query attends to a later position");
  });
});

/** Compares the gradient of an operation with central differences. */
function checkGradient(name: string, f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): void {
  const weights = tf.randomNormal(f(x).shape, 0, 1, "float32", 9);
  const total = (x: tf.Tensor) => tf.sum(tf.mul(f(x), weights)) as tf.Scalar;
  const direction = tf.randomNormal(x.shape, 0, 1, "float32", 10);
  const slope = tf.sum(tf.mul(tf.grad(total)(x), direction)).dataSync()[0]!;
  const h = 1e-2;
  const up = total(tf.add(x, tf.mul(direction, h))).dataSync()[0]!;
  const down = total(tf.sub(x, tf.mul(direction, h))).dataSync()[0]!;
  assertAlmostEquals((up - down) / (2 * h), slope, 2e-2 * Math.max(1, Math.abs(slope)), name);
}

Deno.test("gradients of units agree with central differences", () => {
  const x = tf.randomNormal([6, 5], 0, 1, "float32", 6);
  const w = tf.randomNormal([5, 4], 0, 1, "float32", 7), b = tf.randomNormal([4], 0, 1, "float32", 8);
  const gain = tf.randomUniform([5], 0.5, 1.5, "float32", 11),
    shift = tf.randomNormal([5], 0, 1, "float32", 12);
  checkGradient("linear x", (x) => linear(x, { weight: w, bias: b }), x);
  checkGradient("linear w", (w) => linear(x, { weight: w, bias: b }), w);
  checkGradient("linear b", (b) => linear(x, { weight: w, bias: b }), b);
  checkGradient("gelu", gelu, x);
  checkGradient("layerNorm x", (x) => layerNorm(x, { weight: gain, bias: shift }), x);
  checkGradient("layerNorm gain", (gain) => layerNorm(x, { weight: gain, bias: shift }), gain);
  checkGradient(
    "causalSoftmax",
    (s) => causalSoftmax(s, 0.7),
    tf.randomNormal([1, 2, 5, 5], 0, 1, "float32", 13),
  );
  const ids = tf.tensor1d([0, 3, 3, 5], "int32");
  checkGradient("embedding", (table) => embedding(table, ids), x);
  checkGradient(
    "sparseCrossEntropy",
    (logits) => sparseCrossEntropy(logits, tf.tensor1d([0, 1, 4, 2, 2, 3], "int32")),
    x,
  );
});

Deno.test("sparseCrossEntropy() is stable for large logits, and gives the article's numbers", () => {
  const logits = tf.tensor2d([[1000, 0], [-1000, 0]]);
  assertEquals(Array.from(sparseCrossEntropy(logits, tf.tensor1d([0, 0], "int32")).dataSync()), [0, 1000]);
  const p = [0.3, 0.15, 0.55].map(Math.log);
  const losses = sparseCrossEntropy(tf.tensor2d([p, p]), tf.tensor1d([0, 1], "int32")).dataSync();
  assertAlmostEquals(losses[0]!, 1.204, 5e-4);
  assertAlmostEquals(losses[1]!, 1.897, 5e-4);
});

Deno.test("probeRounding() names the rounding of products", () => {
  assert(["nearest", "truncate", "other"].includes(probeRounding()));
});

Deno.test("linear() of 16-bit tensors without a policy has their type and rounds once, eager, in graphs and under XLA", () => {
  for (const [convert, type] of [[toBfloat16, "bfloat16"], [toFloat16, "float16"]] as const) {
    // In both types, 1 + 2^-11 rounds to 1, which is lost if the product is rounded before the bias is added.
    const x = convert(tf.tensor2d([[1, 2 ** -11]])), weight = convert(tf.ones([2, 3]));
    const bias = convert(tf.fill([3], -1));
    const fn = (x: tf.Tensor) => linear(x, { weight, bias });
    using graph = compile(fn);
    using xla = compile(fn, { mode: "xla" });
    for (const run of [fn, graph, xla]) {
      const y = run(x);
      assertEquals([trueDtype(y), ...y.dataSync()], [type, 2 ** -11, 2 ** -11, 2 ** -11]);
    }
    const gradient = tf.grad((x: tf.Tensor) => linear(x, { weight, bias }))(x);
    assertEquals([trueDtype(gradient), ...gradient.dataSync()], [type, 3, 3]);
  }
});

Deno.test("rowMax() in XLA is the maximum of each row, for any number of columns", () => {
  for (const C of [1, 2, 31, 32, 33, 63, 64, 65, 100, 2047, 2048]) {
    const x = tf.randomNormal([3, 2, C], -5, 3, "float32", C);
    using largest = compile((x: tf.Tensor) => rowMax(x), { mode: "xla" });
    assertEquals(largest(x).dataSync(), tf.max(x, -1, true).dataSync(), `${C} columns`);
  }
});

Deno.test("sumOfSquares() is the sum of the squares, eager and compiled", () => {
  using compiled = compile((x: tf.Tensor) => sumOfSquares(x));
  for (
    const [values, sum] of [[[3, -4], 25], [[], 0], [[1e20], Infinity], [[1, NaN], NaN], [
      [Infinity],
      Infinity,
    ]] as const
  ) {
    const x = tf.tensor1d([...values], "float32");
    assertEquals(sumOfSquares(x).dataSync()[0], sum);
    assertEquals(compiled(x).dataSync()[0], sum);
  }
});
