import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { useTensorFlow } from "./backend.ts";

await useTensorFlow();

/** Values of a call on TF.js's CPU backend and on TensorFlow. */
async function onBoth(call: () => tf.Tensor): Promise<{ want: unknown; got: unknown }> {
  const valuesOn = async (backend: string) => {
    await tf.setBackend(backend);
    const result = call();
    return [result.dtype, result.shape, Array.from(result.dataSync())];
  };
  return { want: await valuesOn("cpu"), got: await valuesOn("tensorflow") };
}

const CALLS: Record<string, () => tf.Tensor> = {
  bitwiseAnd: () => tf.bitwiseAnd(tf.tensor1d([5, -3, 12, 0], "int32"), tf.tensor1d([3, 7, -4, 9], "int32")),
  "denseBincount, int32 weights": () =>
    tf.denseBincount(tf.tensor1d([1, 0, 1, 3], "int32"), tf.tensor1d([2, 3, 5, 7], "int32"), 5),
  "denseBincount, float32 weights": () =>
    tf.denseBincount(tf.tensor1d([1, 0, 1, 3], "int32"), tf.tensor1d([0.5, 1.5, 0.25, 2]), 4),
  "denseBincount, rows": () =>
    tf.denseBincount(
      tf.tensor2d([[1, 0, 1], [2, 2, 0]], [2, 3], "int32"),
      tf.tensor1d([]) as unknown as tf.Tensor2D,
      3,
    ),
  "denseBincount, rows, binary": () =>
    tf.denseBincount(
      tf.tensor2d([[1, 0, 1], [2, 2, 0]], [2, 3], "int32"),
      tf.tensor1d([]) as unknown as tf.Tensor2D,
      3,
      true,
    ),
};
for (const side of ["left", "right"] as const) {
  CALLS[`searchSorted, float32, ${side}`] = () =>
    tf.searchSorted(tf.tensor2d([[0, 1.5, 1.5, 4], [-2, 0, 0, 9]]), tf.tensor2d([[1.5, 5], [0, -3]]), side);
  CALLS[`searchSorted, int32, ${side}`] = () =>
    tf.searchSorted(tf.tensor1d([-1, 2, 2, 8], "int32"), tf.tensor1d([2, -5, 9], "int32"), side);
}

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name} is what TF.js's CPU backend gives`, async () => {
    const { want, got } = await onBoth(call);
    assertEquals(got, want);
  });
}

Deno.test("a categoryEncoding layer works", () => {
  const layer = tf.layers.categoryEncoding({ numTokens: 4, outputMode: "oneHot" });
  const result = layer.apply(tf.tensor1d([1, 3], "int32")) as tf.Tensor;
  assertEquals(result.arraySync(), [[0, 1, 0, 0], [0, 0, 0, 1]]);
});
