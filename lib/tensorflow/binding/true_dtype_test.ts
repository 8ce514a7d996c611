import { currentTensorFlow } from "./backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertThrows } from "@std/assert";
import { useTensorFlow } from "./backend.ts";
import { DataType } from "../native/dtype.ts";
import { bytesOf, tensorOfBytes, toBfloat16, toFloat16, toFloat32, trueDtype } from "./true_dtype.ts";

await useTensorFlow();
const { binding } = currentTensorFlow();

Deno.test("16-bit tensors keep their bytes and are readable as numbers", () => {
  // 1, -2, the largest finite number, infinity and the smallest subnormal of each format.
  for (
    const { dtype, codes, values } of [
      {
        dtype: "bfloat16",
        codes: [0x3f80, 0xc000, 0x7f7f, 0x7f80, 0x0001],
        values: [1, -2, 255 * 2 ** 120, Infinity, 2 ** -133],
      },
      {
        dtype: "float16",
        codes: [0x3c00, 0xc000, 0x7bff, 0x7c00, 0x0001],
        values: [1, -2, 65504, Infinity, 2 ** -24],
      },
    ] as const
  ) {
    const bytes = new Uint8Array(Uint16Array.from(codes).buffer);
    const tensor = tensorOfBytes(bytes, { shape: [5], dtype });
    assertEquals([trueDtype(tensor), tensor.dtype, bytesOf(tensor)], [dtype, "float32", bytes]);
    assertEquals(Array.from(tensor.dataSync()), [...values]);
    const wide = toFloat32(tensor);
    assertEquals([trueDtype(wide), Array.from(wide.dataSync())], ["float32", [...values]]);
    assertEquals(bytesOf(dtype === "bfloat16" ? toBfloat16(wide) : toFloat16(wide)), bytes);
  }
});

Deno.test("toFloat16() rounds to nearest, ties to even, and overflows to infinity", () => {
  const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, -1e9];
  assertEquals(Array.from(toFloat16(tf.tensor1d(values)).dataSync()), [
    1,
    1 + 2 ** -9,
    65504,
    Infinity,
    -Infinity,
  ]);
});

Deno.test("tensorOfBytes() rejects other types, and a wrong number of bytes", () => {
  // deno-lint-ignore no-explicit-any -- a caller without types
  const wrong = { shape: [1], dtype: "int8" } as any;
  assertThrows(() => tensorOfBytes(new Uint8Array(1), wrong), RangeError, "bfloat16");
  assertThrows(
    () => tensorOfBytes(new Uint8Array(3), { shape: [2], dtype: "bfloat16" }),
    TypeError,
    "expected 4 bytes, got 3.",
  );
});

Deno.test("ops accept int64 and uint8 tensors; TF.js reads them as integers", () => {
  const int64 = binding.createTensor([2], DataType.INT64, new Int32Array([5, 0, -3, -1]));
  const sum = binding.executeOp(
    "AddV2",
    [{ name: "T", type: 4, value: DataType.INT64 }],
    [int64, int64],
    1,
  )[0]!;
  assertEquals([sum.dtype, Array.from(binding.tensorDataSync(sum.id) as Int32Array)], [DataType.INT64, [
    10,
    -6,
  ]]);
  const uint8 = binding.createTensor([2], DataType.UINT8, new Uint8Array([200, 100]));
  const wrapped = binding.executeOp("AddV2", [{ name: "T", type: 4, value: 1 }], [uint8, uint8], 1)[0]!;
  assertEquals(Array.from(binding.tensorDataSync(wrapped.id) as Uint8Array), [144, 200]);
  for (const id of [int64, sum.id, uint8, wrapped.id]) binding.deleteTensor(id);
});
