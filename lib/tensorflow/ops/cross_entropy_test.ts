import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import {
  addColumns,
  columnGradients,
  noStatistics,
  type RowStatistics,
  sparseCrossEntropy,
} from "./cross_entropy.ts";
import { DataType } from "../native/dtype.ts";
import { TensorFlowError } from "../native/tensorflow_error.ts";
import { toBfloat16, trueDtype } from "../binding/true_dtype.ts";

await useTensorFlow();

/** Enough logits for the fused form. The row length is not a multiple of a vector's lanes. */
const N = 40, V = 15_001;
const targets = () => tf.tensor1d(Array.from({ length: N }, (_, i) => (i * 7919) % V), "int32");

/** Computes losses and gradients by definition in float64. Row i has the weight i + 1. */
function exact(logits: Float32Array): { losses: number[]; gradient: Float64Array } {
  const gradient = new Float64Array(N * V), losses: number[] = [];
  const wanted = targets().dataSync();
  for (let i = 0; i < N; i++) {
    const row = Float64Array.from(logits.subarray(i * V, (i + 1) * V));
    const top = row.reduce((most, value) => Math.max(most, value), -Infinity);
    const logZ = top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
    losses.push(logZ - row[wanted[i]!]!);
    row.forEach((value, v) =>
      gradient[i * V + v] = (i + 1) * (Math.exp(value - logZ) - (v === wanted[i] ? 1 : 0))
    );
  }
  return { losses, gradient };
}

/** Computes the weighted sum, its gradient, and the losses. */
const step = (logits: tf.Tensor, targets: tf.Tensor) => {
  const { value, grads } = tf.valueAndGrads((...[logits]: tf.Tensor[]) =>
    tf.sum(tf.mul(sparseCrossEntropy(logits!, targets), tf.range(1, N + 1))) as tf.Scalar
  )([logits]);
  return [value, grads[0]!, sparseCrossEntropy(logits, targets)];
};

for (const [name, round] of [["float32", (x: tf.Tensor) => x], ["bfloat16", toBfloat16]] as const) {
  for (const scale of [1, 300]) {
    Deno.test(`sparseCrossEntropy() of many logits is as accurate as TensorFlow's op (${name}, ${scale})`, () => {
      using compiled = compile(step);
      const logits = round(tf.mul(tf.randomNormal([N, V], 0, 1, "float32", 3), scale));
      const want = exact(logits.dataSync() as Float32Array);
      const error = ([, grad, losses]: tf.Tensor[]) => {
        assertEquals(trueDtype(grad!), name);
        const [g, l] = [grad!.dataSync(), losses!.dataSync()];
        let gradient = 0;
        for (let i = 0; i < g.length; i++) {
          gradient = Math.max(gradient, Math.abs(g[i]! - want.gradient[i]!));
        }
        return {
          gradient,
          loss: want.losses.reduce((most, loss, i) => Math.max(most, Math.abs(l[i]! - loss)), 0),
        };
      };
      const plain = error(tf.tidy(() => step(logits, targets())));
      const fused = error(compiled(logits, targets()) as tf.Tensor[]);
      // Cut Cross-Entropy's error bound: no worse than the naive form, except for rounding of sums.
      assertLessOrEqual(fused.loss, plain.loss + 1e-5 * Math.max(1, scale / 10));
      assertLessOrEqual(fused.gradient, plain.gradient + 1e-5 * N);
    });
  }
}

Deno.test("sparseCrossEntropy() throws for a target out of range in every form", () => {
  const wrong = tf.tensor1d(Array.from({ length: N }, () => V), "int32");
  const logits = tf.square(tf.randomNormal([N, V], 0, 1, "float32", 3));
  using compiled = compile((logits: tf.Tensor, targets: tf.Tensor) => sparseCrossEntropy(logits, targets));
  assertThrows(() => compiled(logits, wrong), TensorFlowError);
});

for (const [name, round] of [["float32", (x: tf.Tensor) => x], ["bfloat16", toBfloat16]] as const) {
  // Multiples of 64 columns are reduced side by side, other numbers of columns are not.
  for (const v of [1088, 1087]) {
    Deno.test(`a fused block of columns has the statistics and gradients of single ops (${name}, ${v} columns)`, () => {
      const rows = 160,
        places = tf.tensor2d(Array.from({ length: rows }, (_, i) => (i * 37) % v), [rows, 1], "int32");
      const weights = tf.range(1, rows + 1).reshape([rows, 1]);
      const step = (logits: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) => {
        const former = noStatistics(rows, { belowMax: true });
        const found = addColumns(former, logits, { targets, before: 0 });
        const more: RowStatistics = addColumns(found, tf.mul(logits, 2), { targets, before: v });
        const dtype = name === "float32" ? DataType.FLOAT : DataType.BFLOAT16;
        const options = { V: 2 * v, labelSmoothing: 0.1, zLoss: 1e-3, dtype };
        const gradients = columnGradients(logits, { ...more, weights, targets }, options);
        return [more.max, more.sumExp, more.targetLogit, more.belowMax!, gradients];
      };
      using compiled = compile(step);
      const logits = round(tf.randomNormal([rows, v], 0, 5, "float32", 7));
      const want = step(logits, places, weights), got = compiled(logits, places, weights) as tf.Tensor[];
      assertEquals(got[0]!.dataSync(), want[0]!.dataSync()); // a maximum is exact
      assertEquals(got[2]!.dataSync(), want[2]!.dataSync());
      assertEquals(trueDtype(got[4]!), name);
      // A sum of 2,176 terms in another order; a rounding that may go the other way.
      const most = [1e-5, 1e-5, name === "float32" ? 1e-4 : 2 ** -7];
      [1, 3, 4].forEach((at, i) => {
        const [a, b] = [got[at]!.dataSync(), want[at]!.dataSync()];
        b.forEach((value, j) =>
          assertLessOrEqual(
            Math.abs(a[j]! - value),
            most[i]! * Math.max(Math.abs(value), at === 4 ? 1e-3 : 1),
            `${at} ${j}`,
          )
        );
      });
    });
  }
}

Deno.test("a NaN in any column reaches the fused statistics of its row, and no other row", () => {
  const [rows, v] = [160, 1088];
  using compiled = compile((logits: tf.Tensor) => {
    const { sumExp } = addColumns(noStatistics(rows, { belowMax: false }), logits, {
      ...{ targets: tf.fill([rows, 1], 0, "int32"), before: 0 },
    });
    return sumExp;
  });
  const values = new Float32Array(rows * v).fill(1);
  for (let row = 0; row < rows; row += 2) values[row * v + (row * 53) % v] = NaN;
  const sums = [...compiled(tf.tensor2d(values, [rows, v])).dataSync()];
  assertEquals(sums.map(Number.isNaN), sums.map((_, row) => row % 2 === 0));
});
