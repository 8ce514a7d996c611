/** Tests of the sums of float16 products on CPUs. */
import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { compile } from "../compile/compile.ts";
import { useTensorFlow } from "./backend.ts";
import { toFloat16, toFloat32, trueDtype } from "./true_dtype.ts";

await useTensorFlow({ device: "cpu" });

/** Number of terms of each sum. */
const TERMS = 3000;

/** Returns multiples of 2^-5 from 1 to 2. Sums of their products are exact in float32, in any order. */
function operand(shape: number[], seed: number): tf.Tensor {
  return tf.div(tf.round(tf.mul(tf.randomUniform(shape, 1, 2, "float32", seed), 32)), 32);
}
const valid = <T extends tf.Tensor>(x: tf.Tensor, filter: tf.Tensor) =>
  tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "valid") as tf.Tensor as T;

/** Products whose results are sums of `TERMS` terms. `convert` converts to the type of the operands. */
const PRODUCTS: Readonly<
  Record<
    string,
    {
      shapes: [number[], number[]];
      run: (a: tf.Tensor, b: tf.Tensor, convert: (x: tf.Tensor) => tf.Tensor) => tf.Tensor;
    }
  >
> = {
  matMul: { shapes: [[4, TERMS], [TERMS, 3]], run: (a, b) => tf.matMul(a, b) },
  "batched matMul": { shapes: [[2, 4, TERMS], [2, TERMS, 3]], run: (a, b) => tf.matMul(a, b) },
  einsum: { shapes: [[2, 4, TERMS], [2, TERMS, 3]], run: (a, b) => tf.einsum("bij,bjk->bik", a, b) },
  conv2d: { shapes: [[1, 1, 1, TERMS], [1, 1, TERMS, 2]], run: (x, f) => valid(x, f) },
  "conv2d, gradient of the input": {
    shapes: [[1, 1, 2, TERMS], [1, 1, 1, TERMS]],
    run: (f, dy, convert) => tf.grad((x: tf.Tensor) => valid(x, f))(convert(tf.ones([1, 1, 1, 2])), dy),
  },
  "conv2d, gradient of the filter": {
    shapes: [[1, 1, TERMS, 2], [1, 1, TERMS, 2]],
    run: (x, dy, convert) => tf.grad((f: tf.Tensor) => valid(x, f))(convert(tf.ones([1, 1, 2, 2])), dy),
  },
  conv3d: {
    shapes: [[1, 1, 1, 1, TERMS], [1, 1, 1, TERMS, 2]],
    run: (x, f) => tf.conv3d(x as tf.Tensor5D, f as tf.Tensor5D, 1, "valid"),
  },
  depthwiseConv2d: {
    shapes: [[1, 1, TERMS, 2], [1, TERMS, 2, 1]],
    run: (x, f) => tf.depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "valid"),
  },
};

Deno.test("float16 products add in float32 and round once, eager and in graphs", () => {
  const wrong: string[] = [];
  for (const [name, { shapes: [shapeA, shapeB], run }] of Object.entries(PRODUCTS)) {
    const a = operand(shapeA, 1), b = operand(shapeB, 2);
    const want = toFloat16(run(a, b, toFloat32)).dataSync();
    using graph = compile((a: tf.Tensor, b: tf.Tensor) => run(a, b, toFloat16));
    for (const fn of [(a: tf.Tensor, b: tf.Tensor) => run(a, b, toFloat16), graph]) {
      const result = fn(toFloat16(a), toFloat16(b));
      assertEquals(trueDtype(result), "float16", name);
      if (String(result.dataSync()) !== String(want)) wrong.push(name);
    }
  }
  assertEquals(wrong, []);
});
