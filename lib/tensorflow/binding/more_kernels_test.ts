import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertThrows } from "@std/assert";
import { DataType } from "../native/dtype.ts";
import { useTensorFlow } from "./backend.ts";
import { castTo, dtypeOf } from "./true_dtype.ts";

await useTensorFlow();

/** Returns the values of a call on TF.js's CPU backend and on TensorFlow. */
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

/** Returns images, [n, height, width, channels], with the values 0, 1, 2 and so on. */
function images(dtype: "float32" | "int32", shape: [number, number, number, number]): tf.Tensor4D {
  return tf.tensor(Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i), shape, dtype);
}

/**
 * Shifts by whole and quarter pixels and beyond every edge, and a perspective with a line at infinity. All are exact in
 * float32.
 */
const TRANSFORMS = {
  shift: [1, 0, 2, 0, 1, -1, 0, 0],
  "shift by quarter pixels": [1, 0, 0.25, 0, 1, -0.75, 0, 0],
  "far outside": [2, 0, -9, 0, 4, 7, 0, 0],
  perspective: [1, 0.5, 0, 0.25, 1, 0, -1, 0],
};
for (const [name, matrix] of Object.entries(TRANSFORMS)) {
  for (const interpolation of ["nearest", "bilinear"] as const) {
    for (const mode of ["constant", "reflect", "wrap", "nearest"] as const) {
      CALLS[`transform, ${name}, ${interpolation}, ${mode}`] = () =>
        tf.image.transform(
          images("float32", [1, 4, 5, 2]),
          tf.tensor2d([matrix]),
          interpolation,
          mode,
          7,
          [6, 3],
        );
    }
  }
}
for (const [height, width] of [[4, 4], [5, 3]] as const) {
  CALLS[`rotateWithOffset, ${height} by ${width}`] = () =>
    tf.concat([0, 1, Math.PI / 2, -2.5, 100].flatMap((radians) => [
      tf.image.rotateWithOffset(images("float32", [2, height, width, 4]), radians),
      tf.image.rotateWithOffset(images("float32", [2, height, width, 4]), radians, [9, 8.5, 7], [0.25, 0.75]),
      tf.image.rotateWithOffset(images("float32", [2, height, width, 4]), radians, -3, 0),
    ]));
}
for (const dtype of ["float32", "int32"] as const) {
  for (const pad of ["valid", "same"] as const) {
    for (const withBatch of [false, true]) {
      CALLS[`maxPoolWithArgmax, ${dtype}, ${pad}${withBatch ? ", with the batch in indices" : ""}`] = () => {
        const x = tf.cast(tf.mod(tf.mul(images(dtype, [2, 5, 4, 3]), 7), 11), dtype) as tf.Tensor4D;
        const { result, indexes } = tf.maxPoolWithArgmax(x, [2, 3], 2, pad, withBatch);
        assertEquals([result!.dtype, indexes!.dtype], [dtype, "int32"]);
        return tf.stack([tf.cast(result!, "int32"), indexes!]);
      };
    }
  }
}

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name} equals TF.js's CPU backend`, async () => {
    const { want, got } = await onBoth(call);
    assertEquals(got, want);
  });
}

Deno.test("a categoryEncoding layer works", () => {
  const layer = tf.layers.categoryEncoding({ numTokens: 4, outputMode: "oneHot" });
  const result = layer.apply(tf.tensor1d([1, 3], "int32")) as tf.Tensor;
  assertEquals(result.arraySync(), [[0, 1, 0, 0], [0, 0, 0, 1]]);
});

Deno.test("transform processes every image of a batch, unlike TF.js's CPU backend", () => {
  const batch = images("float32", [2, 3, 3, 1]);
  const matrices = tf.tensor2d([[1, 0, 1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 1, 0, 0]]);
  assertEquals(tf.squeeze(tf.image.transform(batch, matrices)).arraySync(), [
    [[1, 2, 0], [4, 5, 0], [7, 8, 0]],
    [[12, 13, 14], [15, 16, 17], [0, 0, 0]],
  ]);
});

Deno.test("transform rejects unknown words, which TensorFlow only logs, and invalid sizes", () => {
  const image = images("float32", [1, 2, 2, 1]), identity = tf.tensor2d([[1, 0, 0, 0, 1, 0, 0, 0]]);
  const transform = (interpolation: string, mode: string, size?: [number, number]) => () =>
    tf.image.transform(image, identity, interpolation as "nearest", mode as "constant", 0, size);
  assertThrows(
    transform("cubic", "constant"),
    RangeError,
    "expected interpolation nearest or bilinear, got cubic",
  );
  assertThrows(transform("nearest", "mirror"), RangeError, "got mirror");
  for (const size of [[2 ** 31, 1], [-1, 2], [0.5, 2], [NaN, 2], [2 ** 30, 2 ** 30]] as [number, number][]) {
    assertThrows(transform("nearest", "constant", size), RangeError, "expected an output shape");
  }
  assertThrows(transform("nearest", "constant", [0, 2]), Error, "output dimensions must be positive");
});

Deno.test("under a 16-bit policy, images are transformed in float32 and rounded once", () => {
  const image = tf.tensor4d([1.001, 2.002, 3.003, 4.004], [1, 2, 2, 1]);
  const matrix = tf.tensor2d([[1, 0, 0.25, 0, 1, 0.001, 0, 0]]);
  const low = castTo(image, DataType.BFLOAT16);
  const got = tf.image.transform(
    low as tf.Tensor4D,
    castTo(matrix, DataType.BFLOAT16) as tf.Tensor2D,
    "bilinear",
  );
  assertEquals(dtypeOf(got), DataType.BFLOAT16);
  const rows = castTo(castTo(matrix, DataType.BFLOAT16), DataType.FLOAT) as tf.Tensor2D;
  const exact = tf.image.transform(castTo(low, DataType.FLOAT) as tf.Tensor4D, rows, "bilinear");
  assertEquals(got.arraySync(), castTo(exact, DataType.BFLOAT16).arraySync());
});

Deno.test("maxPoolWithArgmax treats NaN as the largest value", () => {
  const x = tf.tensor4d([1, NaN, 3, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity], [2, 2, 2, 1]);
  const { result, indexes } = tf.maxPoolWithArgmax(x, 2, 2, "valid");
  assertEquals(Array.from(result!.dataSync()), [NaN, -Infinity]);
  assertEquals(Array.from(indexes!.dataSync()), [1, 0]);
});

Deno.test("image kernels leak no tensor", () => {
  const image = images("float32", [1, 4, 4, 1]), identity = tf.tensor2d([[1, 0, 0, 0, 1, 0, 0, 0]]);
  const before = tf.memory().numTensors;
  tf.image.transform(image, identity).dispose();
  tf.image.rotateWithOffset(image, 1).dispose();
  tf.dispose(tf.maxPoolWithArgmax(image, 2, 2, "valid"));
  assertEquals(tf.memory().numTensors, before);
});
