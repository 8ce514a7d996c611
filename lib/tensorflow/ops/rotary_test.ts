import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { useTensorFlow } from "../binding/backend.ts";
import { toBfloat16, trueDtype } from "../binding/true_dtype.ts";
import { compile } from "../compile/compile.ts";
import { rmsNorm } from "./layer_norm.ts";
import { repeatHeads } from "./repeat_heads.ts";
import { rotary } from "./rotary.ts";
import { residual } from "./residual.ts";

await useTensorFlow();

const T = 5, D = 6;
const angle = (t: number, i: number) => t * 0.7 ** i;
const table = (f: (angle: number) => number) =>
  tf.tensor2d(Array.from({ length: T * D / 2 }, (_, n) => f(angle(Math.floor(n / 3), n % 3))), [T, D / 2]);
const angles = () => ({ cos: table(Math.cos), sin: table(Math.sin) });
const heads = (seed: number) => tf.randomNormal([2, 3, T, D], 0, 1, "float32", seed) as tf.Tensor;
const read = (x: tf.Tensor) => Array.from(x.dataSync());

/** Asserts that a gradient equals the change of a weighted sum along a random direction. */
function checkGradient(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): void {
  const weights = tf.randomNormal(f(x).shape, 0, 1, "float32", 5);
  const sum = (x: tf.Tensor) => tf.sum(tf.mul(f(x), weights)) as tf.Scalar;
  const direction = tf.randomNormal(x.shape, 0, 1, "float32", 6), h = 1e-2;
  const along = tf.sum(tf.mul(tf.grad(sum)(x), direction)).dataSync()[0]!;
  const moved = (by: number) => sum(tf.add(x, tf.mul(direction, by))).dataSync()[0]!;
  assertAlmostEquals((moved(h) - moved(-h)) / (2 * h), along, 1e-2 * Math.max(1, Math.abs(along)));
}

Deno.test("rotary() turns each pair by its angle, and scores depend on the distance of positions only", () => {
  const x = heads(1), rotated = read(rotary(x, angles())), given = read(x);
  for (let row = 0; row < 6; row++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < D / 2; i++) {
        const at = (row * T + t) * D + i, [a, b] = [given[at]!, given[at + D / 2]!];
        const [c, s] = [Math.cos(angle(t, i)), Math.sin(angle(t, i))];
        assertAlmostEquals(rotated[at]!, a * c - b * s, 1e-6);
        assertAlmostEquals(rotated[at + D / 2]!, b * c + a * s, 1e-6);
      }
    }
  }
  const same = tf.tile(tf.randomNormal([1, 1, 1, D], 0, 1, "float32", 2), [1, 1, T, 1]);
  const q = rotary(same, angles());
  const scores = tf.matMul(q, q, false, true).arraySync() as number[][][][];
  for (let t = 1; t < T; t++) assertAlmostEquals(scores[0]![0]![t]![t - 1]!, scores[0]![0]![1]![0]!, 1e-5);
});

Deno.test("rotary(), repeatHeads() and rmsNorm() have the gradients of central differences", () => {
  const { cos, sin } = angles();
  checkGradient((x) => rotary(x, { cos, sin }), heads(3));
  checkGradient((x) => repeatHeads(x, 6), heads(3));
  const rows = tf.randomNormal([7, D], 1, 1, "float32", 4),
    weight = tf.randomUniform([D], 0.5, 1.5, "float32", 5);
  checkGradient((x) => rmsNorm(x, { weight }), rows);
  checkGradient((weight) => rmsNorm(rows, { weight }), weight);
});

Deno.test("rotary() and rmsNorm() on bfloat16 equal float32's results rounded once, compiled too", () => {
  const { cos, sin } = angles(), x = toBfloat16(heads(8));
  const weight = tf.randomUniform([D], 0.5, 1.5, "float32", 5);
  const rows = tf.reshape(x, [-1, D]);
  const cases: [(x: tf.Tensor) => tf.Tensor, tf.Tensor][] = [
    [(x) => rotary(x, { cos, sin }), x],
    [(x) => rmsNorm(x, { weight }), rows],
  ];
  for (const [f, x] of cases) {
    const want = read(toBfloat16(f(tf.tensor(read(x), x.shape))));
    assertEquals(trueDtype(f(x)), "bfloat16");
    assertEquals(read(f(x)), want);
    using compiled = compile(f);
    assertEquals(read(compiled(x) as tf.Tensor), want);
  }
});

Deno.test("repeatHeads() repeats each head for consecutive query heads", () => {
  const x = tf.tensor4d([1, 2], [1, 2, 1, 1]);
  assertEquals(read(repeatHeads(x, 6)), [1, 1, 1, 2, 2, 2]);
});

Deno.test("rmsNorm() divides by the root of the mean square, fused with a residual sum too", () => {
  const x = tf.tensor2d([[3, 4], [-6, 8]]), weight = tf.tensor1d([1, 10]);
  const want = [[3, 40], [-6, 80]].map(([a, b], i) => [a, b].map((v) => v! / (Math.sqrt(12.5) * (i + 1))))
    .flat();
  read(rmsNorm(x, { weight, epsilon: 1e-12 })).forEach((v, i) => assertAlmostEquals(v, want[i]!, 1e-4));
  // Enough elements for the fused form, with its gradients.
  const [a, b] = [1, 2].map((seed) => tf.randomNormal([512, 512], 1, 1, "float32", seed));
  const gain = tf.randomUniform([512], 0.5, 1.5, "float32", 3);
  const step = (a: tf.Tensor, b: tf.Tensor, gain: tf.Tensor) =>
    tf.grads((a: tf.Tensor, b: tf.Tensor, gain: tf.Tensor) => {
      const sum = residual(a, b);
      return tf.sum(tf.mul(tf.square(rmsNorm(sum, { weight: gain })), tf.sin(sum)));
    })([a, b, gain]);
  const eager = step(a!, b!, gain);
  using compiled = compile(step);
  (compiled(a!, b!, gain) as tf.Tensor[]).forEach((fused, i) => {
    const wanted = read(eager[i]!);
    const scale = Math.sqrt(wanted.reduce((sum, v) => sum + v * v, 0) / wanted.length);
    fused.dataSync().forEach((v, j) =>
      assertAlmostEquals(v, wanted[j]!, 1e-4 * scale + 1e-4 * Math.abs(wanted[j]!))
    );
  });
});
