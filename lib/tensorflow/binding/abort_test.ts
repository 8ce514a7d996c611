/**
 * Calls that once ended the process, or could end it. Each must throw or return. A single abort fails the whole file.
 */
import { currentTensorFlow } from "./backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertThrows } from "@std/assert";
import { useTensorFlow } from "./backend.ts";
import { compile } from "../compile/compile.ts";
import { DataType } from "../native/dtype.ts";
import { TensorFlowError } from "../native/tensorflow_error.ts";
import { sparseCrossEntropy } from "../ops/cross_entropy.ts";
import { linear } from "../ops/linear.ts";

await useTensorFlow();
const { backend, binding } = currentTensorFlow();

Deno.test("createTensor() rejects invalid shapes and values", () => {
  const make =
    (shape: unknown, values: unknown = new Float32Array(1), dtype: number = DataType.FLOAT) => () =>
      binding.createTensor(shape as number[], dtype, values as Float32Array);
  for (const shape of [[-1, -1], [NaN], [0.5, 2], "x", [2 ** 60], null]) {
    assertThrows(make(shape), TypeError, "expected a shape of");
  }
  assertThrows(make([1], {}), TypeError, "expected 4 bytes");
  assertThrows(make([1], null), TypeError, "expected values, got null");
  assertThrows(make([1], new Uint8Array(8), 55), TypeError, "TF_DataType 55");
  assertThrows(make([1], new Uint8Array(8), DataType.RESOURCE), TypeError, "got resource");
  for (const values of [["text"], [5], [null]]) {
    assertThrows(make([1], values, DataType.STRING), TypeError, "expected Uint8Arrays");
  }
});

Deno.test("ops reject more dimensions than TensorFlow supports, for inputs and results", () => {
  assertThrows(() => tf.neg(tf.ones(new Array(300).fill(1))), TypeError, "at most 120");
  const wide = tf.reshape(tf.ones([1]), new Array(100).fill(1));
  assertEquals(tf.stack([wide, wide]).rank, 101);
  let growing: tf.Tensor = wide;
  assertThrows(
    () => {
      for (let i = 0; i < 300; i++) growing = tf.expandDims(growing);
    },
    TypeError,
    "at most 120",
  );
  assertThrows(() => tf.reshape(tf.ones([1]), new Array(300).fill(1)), Error);
});

Deno.test("a transposed convolution rejects negative and too large output sizes", () => {
  for (
    const shape of [[0, 2147483648, 1000, 1, 1], [1, 3, -1, 4, 2]] as [
      number,
      number,
      number,
      number,
      number,
    ][]
  ) {
    const x = tf.ones<tf.Rank.R5>([1, 3, 1, 1, 2]), filter = tf.ones<tf.Rank.R5>([3, 2, 1, shape[4], 2]);
    assertThrows(() => tf.conv3dTranspose(x, filter, shape, 2, "same"), Error, "from 0 to 2^31 - 1");
  }
});

Deno.test("a tensor larger than the memory throws an error", () => {
  assertThrows(() => tf.fill([2 ** 20, 2 ** 20], 1), TensorFlowError, "RESOURCE_EXHAUSTED");
  assertThrows(() => tf.tile(tf.ones([1000, 1000]), [10000, 10000]), TensorFlowError, "RESOURCE_EXHAUSTED");
  using tiled = compile((x: tf.Tensor) => tf.tile(x, [1e6, 1e6]));
  assertThrows(() => tiled(tf.ones([10, 10])), TensorFlowError, "RESOURCE_EXHAUSTED");
});

Deno.test("products and losses of empty, mismatched and disposed inputs throw or give empty sums", () => {
  const bias = tf.ones([5]);
  assertEquals(Array.from(linear(tf.zeros([1, 0]), { weight: tf.zeros([0, 5]), bias }).dataSync()), [
    1,
    1,
    1,
    1,
    1,
  ]);
  assertEquals(linear(tf.zeros([0, 3]), { weight: tf.ones([3, 5]), bias }).shape, [0, 5]);
  assertThrows(() => linear(tf.ones([2, 3]), { weight: tf.ones([4, 5]), bias }), TensorFlowError, "[2,3]");
  assertThrows(
    () => sparseCrossEntropy(tf.ones([2, 3]), tf.tensor1d([1], "int32")),
    TensorFlowError,
    "[2,3]",
  );
  assertThrows(
    () => sparseCrossEntropy(tf.ones([1, 3]), tf.tensor1d([3], "int32")),
    TensorFlowError,
    "[0, 3)",
  );
  const gone = tf.ones([2, 7]);
  gone.dispose();
  assertThrows(() => tf.neg(gone), Error, "shape [2,7]: expected its data, got a disposed tensor.");
  using negate = compile((x: tf.Tensor) => tf.neg(x));
  assertThrows(() => negate(gone), Error, "shape [2,7]: expected its data, got a disposed tensor.");
});

Deno.test("ops with invalid inputs, results or effects throw errors", () => {
  const x = tf.ones([3]);
  const [id] = backend.getInputTensorIds([x]) as [number];
  const T = { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
  assertThrows(() => binding.executeOp("Abort", [], [], 0), TypeError, "ends the process");
  assertThrows(() => binding.executeOp("Neg", [T], [id, id, id], 1), TensorFlowError, "3 inputs");
  assertThrows(() => binding.executeOp("Neg", [T], [], 1), TensorFlowError);
  const unpack = [T, { name: "num", type: binding.TF_ATTR_INT, value: 3 }];
  assertThrows(() => binding.executeOp("Unpack", unpack, [id], 1), TensorFlowError, "Expecting 3 outputs");
  assertThrows(
    () => binding.executeOp("Unpack", unpack, [id], 1e9),
    RangeError,
    "at most 4096 results, got 1000000000",
  );
  assertThrows(() => tf.floorDiv(tf.tensor1d([1], "int32"), tf.tensor1d([0], "int32")), TensorFlowError);
  assertThrows(() => binding.tensorDataSync(99_999_999), Error, "got a disposed tensor");
});
