import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { autocast } from "../precision/autocast.ts";
import { currentTensorFlow, useTensorFlow } from "../binding/backend.ts";
import { causalAttention, causalSoftmax } from "./causal_attention.ts";
import { compile } from "../compile/compile.ts";
import { repeatHeads } from "./repeat_heads.ts";
import type { PolicyName } from "../../precision/mod.ts";
import { trueDtype } from "../binding/true_dtype.ts";

await useTensorFlow();

const B = 2, H = 3, D = 8, scale = 1 / Math.sqrt(D);
const normal = (T: number, seed: number) => tf.randomNormal([B, H, T, D], 0, 1, "float32", seed);

/** Computes attention by its definition: all products, the mask, the softmax. */
const whole = ([q, k, v]: tf.Tensor[]) =>
  tf.matMul(causalSoftmax(tf.matMul(q!, k!, false, true), scale), v!) as tf.Tensor;

/** Computes a result and the gradients of q, k and v, for a weighted sum of the result. */
function measure(attend: (qkv: tf.Tensor[]) => tf.Tensor, T: number, policy: PolicyName): Float32Array[] {
  return tf.tidy(() =>
    autocast(policy, () => {
      const inputs = [1, 2, 3].map((seed) => normal(T, seed)), dy = normal(T, 4);
      const { value, grads } = tf.valueAndGrads((...qkv: tf.Tensor[]) => attend(qkv))(inputs, dy);
      return [value, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
    })
  );
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const gap = (a: Float32Array, b: Float32Array) => largest(a.map((value, i) => value - b[i]!));

Deno.test("causalAttention() in blocks equals masked attention, forward and backward, for any T", () => {
  for (const [T, block] of [[1, 4], [7, 7], [8, 4], [13, 4], [5, 64]] as const) {
    const want = measure(whole, T, "float32");
    const got = measure(([q, k, v]) => causalAttention([q!, k!, v!], { scale, block }), T, "float32");
    // Sums of at most 13 numbers of about 1, in another order.
    want.forEach((values, i) => assertLessOrEqual(gap(got[i]!, values), 1e-5, `T ${T}, result ${i}`));
  }
});

Deno.test("causalAttention() chooses its blocks by T, and gives the same compiled, with XLA's softmax", () => {
  const T = 300;
  const inputs = [1, 2, 3].map((seed) => normal(T, seed)), dy = normal(T, 4);
  const run = (attend: (qkv: tf.Tensor[]) => tf.Tensor) => (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => {
    const { value, grads } = tf.valueAndGrads((...qkv: tf.Tensor[]) => attend(qkv))([q, k, v], dy);
    return [value, ...grads];
  };
  const blocked = run(([q, k, v]) => causalAttention([q!, k!, v!], { scale }));
  using compiled = compile(blocked);
  const [q, k, v] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
  const want = tf.tidy(() => run(whole)(q, k, v).map((tensor) => tensor.dataSync() as Float32Array));
  for (const results of [tf.tidy(() => blocked(q, k, v)), compiled(q, k, v)]) {
    results.forEach((tensor, i) =>
      assertLess(gap(tensor.dataSync() as Float32Array, want[i]!), 2e-5 * largest(want[i]!))
    );
  }
});

Deno.test("causalAttention() with fewer heads of keys and values equals attention on repeated heads", () => {
  const H = 6, G = 2;
  for (const [T, block] of [[7, 7], [13, 4]] as const) {
    const run = (attend: (qkv: tf.Tensor[]) => tf.Tensor) =>
      tf.tidy(() => {
        const random = (heads: number, seed: number) =>
          tf.randomNormal([B, heads, T, D], 0, 1, "float32", seed);
        const inputs = [random(H, 1), random(G, 2), random(G, 3)];
        const { value, grads } = tf.valueAndGrads((...qkv: tf.Tensor[]) => attend(qkv))(inputs, random(H, 4));
        return [value, ...grads].map((tensor) => ({
          shape: tensor.shape,
          values: tensor.dataSync() as Float32Array,
        }));
      });
    const want = run(([q, k, v]) => whole([q!, repeatHeads(k!, H), repeatHeads(v!, H)]));
    const got = run(([q, k, v]) => causalAttention([q!, k!, v!], { scale, block }));
    want.forEach(({ shape, values }, i) => {
      assertEquals(got[i]!.shape, shape);
      // Sums of at most 3 · 13 numbers of about 1, in another order.
      assertLessOrEqual(gap(got[i]!.values, values), 2e-5, `T ${T}, result ${i}`);
    });
  }
});

Deno.test("causalAttention() in blocks under bf16-autocast is within bfloat16's rounding of attention in one block", () => {
  const T = 40;
  const exact = measure(whole, T, "float32"), want = measure(whole, T, "bf16-autocast");
  const got = measure(([q, k, v]) => causalAttention([q!, k!, v!], { scale, block: 8 }), T, "bf16-autocast");
  assertEquals(
    autocast(
      "bf16-autocast",
      () => trueDtype(causalAttention([normal(T, 1), normal(T, 2), normal(T, 3)], { scale, block: 8 })),
    ),
    "bfloat16",
  );
  want.forEach((values, i) => {
    // Five blocks, each rounded to 2^-9 of its part of a sum, in addition to the error of attention in one block.
    const allowed = gap(values, exact[i]!) + 5 * 2 ** -9 * largest(exact[i]!);
    assertLessOrEqual(gap(got[i]!, exact[i]!), allowed, `result ${i}`);
  });
});

Deno.test("causalAttention() leaks no tensor", () => {
  const { runtime } = currentTensorFlow();
  const before = [tf.memory().numTensors, runtime.liveHandles];
  measure(([q, k, v]) => causalAttention([q!, k!, v!], { scale, block: 4 }), 12, "bf16-autocast");
  assertEquals([tf.memory().numTensors, runtime.liveHandles], before);
});
