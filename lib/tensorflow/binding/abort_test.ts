/**
 * What once ended the process, or could: every line must be an error or a result. Each would fail the whole file.
 */
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertThrows } from "@std/assert";
import { useTensorFlow } from "./backend.ts";
import { compile } from "../compile/compile.ts";
import { DataType } from "../native/dtype.ts";
import { TensorFlowError } from "../native/tensorflow_error.ts";
import { sparseCrossEntropy } from "../ops/cross_entropy.ts";
import { linear } from "../ops/units.ts";

const { backend, binding } = await useTensorFlow();

Deno.test("shapes that are none are refused", () => {
  const make =
    (shape: unknown, values: unknown = new Float32Array(1), dtype: number = DataType.FLOAT) => () =>
      binding.createTensor(shape as number[], dtype, values as Float32Array);
  for (const shape of [[-1, -1], [NaN], [0.5, 2], "x", [2 ** 60], null]) {
    assertThrows(make(shape), TypeError, "its shape must be");
  }
  assertThrows(make([1], {}), TypeError, "expected 4 bytes");
  assertThrows(make([1], null), TypeError, "its values are null");
  assertThrows(make([1], new Uint8Array(8), 55), TypeError, "TF_DataType 55");
  assertThrows(make([1], new Uint8Array(8), DataType.RESOURCE), TypeError, "got resource");
  for (const values of [["text"], [5], [null]]) {
    assertThrows(make([1], values, DataType.STRING), TypeError, "must be Uint8Arrays");
  }
});

Deno.test("more dimensions than TensorFlow can hold are refused, however they come about", () => {
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

Deno.test("sizes of a transposed convolution that are negative, or too large to be whole numbers, are refused", () => {
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
    assertThrows(() => tf.conv3dTranspose(x, filter, shape, 2, "same"), Error, "under 2^31");
  }
});

Deno.test("what memory cannot hold is an error", () => {
  assertThrows(() => tf.fill([2 ** 20, 2 ** 20], 1), TensorFlowError, "RESOURCE_EXHAUSTED");
  assertThrows(() => tf.tile(tf.ones([1000, 1000]), [10000, 10000]), TensorFlowError, "RESOURCE_EXHAUSTED");
  using tiled = compile((x: tf.Tensor) => tf.tile(x, [1e6, 1e6]));
  assertThrows(() => tiled(tf.ones([10, 10])), TensorFlowError, "RESOURCE_EXHAUSTED");
});

Deno.test("empty, mismatched and disposed inputs of products and losses are errors or empty sums", () => {
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
  assertThrows(() => tf.neg(gone), Error, "shape [2,7]: it was disposed of");
  using negate = compile((x: tf.Tensor) => tf.neg(x));
  assertThrows(() => negate(gone), Error, "shape [2,7]: it was disposed of");
});

Deno.test("ops with wrong inputs, results or purposes are errors", () => {
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
  assertThrows(() => binding.tensorDataSync(99_999_999), Error, "disposed of");
});
