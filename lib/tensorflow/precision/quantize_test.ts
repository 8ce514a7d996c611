import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { formatInfo } from "../../precision/mod.ts";
import { toBfloat16, trueDtype } from "../binding/true_dtype.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { quantize, type QuantizeOptions } from "./quantize.ts";

await useTensorFlow();

const values = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i) * 2 ** (i % 7));

Deno.test("quantize() gives the same values for an array and a tensor, for formats, roundings and scalings", () => {
  const formats = [
    "float32",
    "bfloat16",
    "float16",
    "e4m3fn",
    "e5m2",
    "e3m2fn",
    "e2m3fn",
    "e2m1fn",
    "e8m0",
    "e4m7",
  ];
  for (
    const format of [
      ...formats,
      "e4m3fn-nonsaturating",
      "e5m2-saturating",
      "mxfp8",
      "mxfp6",
      "mxfp4",
      "nvfp4",
    ]
  ) {
    for (const rounding of format === "float32" ? [undefined] : [undefined, "nearest", "truncate"] as const) {
      const isScaled = formatOf(format) !== undefined;
      const scalings = isScaled
        ? [undefined, "tensor", "row", "mx", "mx-ceil", "nvfp4", "delayed"] as const
        : [undefined];
      for (const scaling of scalings) {
        const options: QuantizeOptions = { rounding, scaling };
        const array = quantize(values, format, { ...options, shape: [2, 48] });
        const tensor = quantize(tf.tensor2d(values, [2, 48]), format, options);
        assertEquals([tensor.shape, trueDtype(tensor)], [[2, 48], "float32"]);
        assertEquals(tensor.dataSync(), array, `${format} ${rounding} ${scaling}`);
      }
    }
  }
});

/** Returns the format's properties if it can be scaled. */
function formatOf(name: string) {
  if (/^(mx|nv)|-/.test(name)) return undefined;
  const info = formatInfo(name);
  return info.exponent < 8 ? info : undefined;
}

Deno.test("quantize() rounds stochastically from a seed", () => {
  const draw = (seed?: number) => quantize(values, "e2m1fn", { rounding: "stochastic", scaling: "mx", seed });
  assertEquals([draw(7), draw()], [draw(7), draw(1)]);
  assertNotEquals(draw(7), draw(8));
  const tensor = (seed: number) => quantize(tf.tensor1d(values), "mxfp4-stochastic", { seed }).dataSync();
  assertEquals(tensor(2 ** 40), tensor(2 ** 40));
  assertNotEquals(tensor(2 ** 40), tensor(2 ** 41));
});

Deno.test("quantize() uses the history of delayed scaling", () => {
  const options = { scaling: "delayed", amaxHistory: [224, 448] } as const;
  assertEquals(quantize(Float32Array.of(447, 1000), "e4m3fn", options), Float32Array.of(448, 448));
  assertEquals(quantize(tf.tensor1d([447, 1000]), "e4m3fn", options).arraySync(), [448, 448]);
  // Maxima are float32, and numbers beyond the scaled range saturate, infinities included.
  const x = Float32Array.of(-Infinity, 3e38, 1, -0, 0.7, -2);
  for (const format of ["e2m1fn", "e2m1", "e3m2fn", "e4m3fn", "e5m2", "e5m10"]) {
    for (const rounding of ["nearest", "truncate"] as const) {
      const how = {
        scaling: "delayed",
        rounding,
        amaxHistory: [5.517821470275521, 9.26251943456009],
      } as const;
      assertEquals(quantize(tf.tensor1d(x), format, how).dataSync(), quantize(x, format, how), format);
      assertEquals(quantize(x, format, how).every(Number.isFinite), true, format);
      const lost = Float32Array.of(NaN, 1), [first, second] = quantize(lost, format, how);
      assertEquals(quantize(tf.tensor1d(lost), format, how).arraySync(), [first, second], format);
      assertEquals([first, Number.isFinite(second)], [NaN, true], format);
    }
  }
});

Deno.test("quantize() passes gradients through, and accepts 16-bit tensors", () => {
  const [dx] = tf.grads((x) => tf.sum(tf.mul(quantize(x!, "e2m1fn"), 3)))([tf.tensor1d([0.3, 9])]);
  assertEquals(dx!.arraySync(), [3, 3]);
  assertEquals(quantize(toBfloat16(tf.tensor1d([1.1])), "e2m1fn").arraySync(), [1]);
});

Deno.test("quantize() refuses wrong arguments", () => {
  const disposed = tf.tensor1d([1]);
  disposed.dispose();
  const wrong: [values: unknown, format: string, options: object, kind: new () => Error, message: string][] =
    [
      [[1, 2], "e4m3fn", {}, TypeError, "expected a Float32Array or a floating tensor, got object"],
      [tf.tensor1d([1], "int32"), "e4m3fn", {}, TypeError, "a tensor of int32"],
      [values, "fp8", {}, RangeError, "expected float32, bfloat16"],
      [values, "e4m3fn", { scaling: "block" }, RangeError, "expected tensor, row, mx"],
      [
        values,
        "e4m3fn",
        { rounding: "up" },
        RangeError,
        "expected rounding nearest, stochastic or truncate, got up",
      ],
      [values, "e4m3fn", { rounding: "kahan" }, RangeError, "got kahan"],
      [values, "e4m3fn-kahan", {}, RangeError, "compensates updates"],
      [
        values,
        "e4m3fn-stochastic",
        { rounding: "truncate" },
        RangeError,
        "stochastic in the name and truncate",
      ],
      [values, "mxfp8", { scaling: "row" }, RangeError, "mx in the name and row"],
      [values, "bfloat16", { scaling: "tensor" }, RangeError, "8 bits of exponent"],
      [values, "e8m0", { scaling: "tensor" }, RangeError, "a format of values"],
      [values, "e8m0", { rounding: "stochastic" }, RangeError, "Cannot use the number format"],
      [values, "mxfp8", { shape: [5, 5] }, RangeError, "expected a shape of 96 values, got [5,5]"],
      [values, "mxfp8", { axis: 1 }, RangeError, "expected an axis from -1 to 0, got 1"],
      [values, "mxfp8", { seed: -1 }, RangeError, "an integer seed"],
      [values, "mxfp8", { shape: 96 }, RangeError, "expected a shape of 96 values, got 96"],
      [values, undefined as unknown as string, {}, TypeError, "expected the name of a format, got undefined"],
      [values, "mxfp8", { scale: "mx" }, TypeError, "expected options of rounding, scaling, seed"],
      [values, "mxfp8", null as unknown as object, TypeError, "expected options as an object, got null"],
      [values, "mxfp8", "mx" as unknown as object, TypeError, 'expected options as an object, got "mx"'],
      [values, "mxfp8", { amaxHistory: [1] }, RangeError, "expected amaxHistory with delayed scaling only"],
      [values, "e4m3fn/delayed", { amaxHistory: [-1] }, RangeError, "finite numbers of at least 0, got [-1]"],
      [values, "e4m3fn/delayed", { amaxHistory: 3 }, RangeError, "finite numbers of at least 0, got 3"],
      [disposed, "mxfp8", {}, TypeError, "expected a tensor with values, got a disposed one"],
      [tf.tensor1d(values), "mxfp8", { shape: [96] }, TypeError, "with a Float32Array only"],
    ];
  for (const [given, format, options, kind, message] of wrong) {
    assertThrows(() => quantize(given as Float32Array, format, options), kind, message);
  }
});
