import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import { sparseCrossEntropy } from "./cross_entropy.ts";
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
