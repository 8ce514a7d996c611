import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { autocast } from "./autocast.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import { foldIn, statelessNormal, statelessUniform } from "./random.ts";

await useTensorFlow();

const key = (a: number, b: number) => tf.tensor1d([a, b], "int32");
const read = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

/** Returns the mean and the variance. */
function moments(values: number[]): [number, number] {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return [mean, values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length];
}

Deno.test("statelessUniform() and statelessNormal() have the right mean and variance", () => {
  const n = 40_000;
  const uniform = read(statelessUniform([200, 200], key(3, 4)));
  assert(uniform.every((v) => v >= 0 && v < 1));
  // Five standard deviations of the mean, sqrt(variance / n), and of the variance, sqrt((fourth moment - variance^2)
  // / n).
  const [mean, variance] = moments(uniform);
  assertAlmostEquals(mean, 0.5, 5 * Math.sqrt(1 / 12 / n));
  assertAlmostEquals(variance, 1 / 12, 5 * Math.sqrt((1 / 80 - 1 / 144) / n));
  const [normalMean, normalVariance] = moments(read(statelessNormal([n], key(3, 4))));
  assertAlmostEquals(normalMean, 0, 5 / Math.sqrt(n));
  assertAlmostEquals(normalVariance, 1, 5 * Math.sqrt(2 / n));
});

Deno.test("statelessUniform() repeats for a key and depends on both halves of the key", () => {
  const first = read(statelessUniform([8], key(1, 2)));
  assertEquals(read(statelessUniform([8], key(1, 2))), first);
  assertNotEquals(read(statelessUniform([8], key(2, 2))), first);
  assertNotEquals(read(statelessUniform([8], key(1, 3))), first);
  autocast("bf16-autocast", () => assertEquals(read(statelessUniform([8], key(1, 2))), first));
});

Deno.test("a compiled function draws new numbers at every call and the same numbers as the eager function", () => {
  const draw = (k: tf.Tensor1D) => statelessUniform([5], foldIn(k, 7));
  using compiled = compile(draw);
  const [a, b] = [read(compiled(key(1, 2)) as tf.Tensor), read(compiled(key(1, 3)) as tf.Tensor)];
  assertNotEquals(a, b);
  assertEquals(a, read(draw(key(1, 2))));
  assertEquals(b, read(draw(key(1, 3))));
  assertEquals(compiled.traces, 1);
});

Deno.test("foldIn() gives independent keys and takes numbers as tensors", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 8; seed++) {
    for (let n = -1; n < 20; n++) seen.add(String(read(foldIn(key(seed, 0), n))));
  }
  assertEquals(seen.size, 8 * 21);
  assertEquals(read(foldIn(key(5, 6), tf.scalar(9, "int32"))), read(foldIn(key(5, 6), 9)));
  assertNotEquals(read(foldIn(foldIn(key(5, 6), 1), 2)), read(foldIn(foldIn(key(5, 6), 2), 1)));
});

Deno.test("random functions reject invalid keys and numbers", () => {
  assertThrows(
    () => statelessUniform([2], tf.tensor1d([1, 2])),
    TypeError,
    "expected an int32 key of shape [2], got float32 [2].",
  );
  assertThrows(() => statelessNormal([2], tf.tensor1d([1, 2, 3], "int32")), TypeError, "got int32 [3].");
  assertThrows(() => foldIn(key(1, 2), 0.5), RangeError, "got 0.5");
  assertThrows(() => foldIn(key(1, 2), 2 ** 31), RangeError, "got 2147483648");
  assertThrows(() => foldIn(key(1, 2), tf.scalar(1)), TypeError, "got float32 [].");
});

Deno.test("random tensors leak no tensor", () => {
  const seed = key(1, 2);
  const before = tf.memory().numTensors;
  statelessUniform([3], seed).dispose();
  foldIn(seed, 1).dispose();
  assertEquals(tf.memory().numTensors, before);
});
