import * as tf from "@tensorflow/tfjs";
import seedrandom from "seedrandom";
import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fixture from "../../../tests/fixtures/formats/scaled.json" with { type: "json" };
import { scaledDigest, scaledInputs } from "../../../tests/support/scaled_inputs.ts";
import { parseQuantizer, quantizeArray } from "../../precision/mod.ts";
import { bytesOf, tensorOfBytes, toFloat32 } from "../binding/true_dtype.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import { amaxOf, quantizeTensor, type QuantizeTensorOptions } from "./quantize_tensor.ts";

const tensorflow = await useTensorFlow();

const inputs = scaledInputs(), { shape } = fixture;

/** Makes a tensor of float32 bits, subnormal numbers and NaN included. */
const tensorOf = (values: Float32Array<ArrayBuffer>, shape: number[]) =>
  tensorOfBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), {
    shape,
    dtype: "float32",
  });
const valuesOf = (tensor: tf.Tensor) => new Float32Array(bytesOf(toFloat32(tensor)).buffer);

Deno.test("quantizeTensor() equals the independent reference bit for bit, eager and compiled", () => {
  const history = tf.tensor1d(fixture.history);
  for (const [name, digests] of Object.entries(fixture.digests)) {
    const quantizer = parseQuantizer(name);
    const call = (x: tf.Tensor, history: tf.Tensor) => quantizeTensor(x, quantizer, { history });
    // Every format is compiled once; XLA takes seconds for each.
    const modes = name.startsWith("e4m3fn") ? (["graph"] as const) : [];
    const compiled = modes.map((mode) => compile(call, { mode }));
    for (const [what, wanted] of Object.entries(digests)) {
      const x = tensorOf(inputs[what]!, shape);
      for (const fn of [call, ...compiled]) {
        assertEquals(scaledDigest(valuesOf(fn(x, history))), wanted, `${name} of ${what}`);
      }
    }
    for (const one of compiled) one.dispose();
  }
});

Deno.test("quantizeTensor() gives the same bits under XLA", () => {
  for (const name of ["mxfp4", "e5m2/mx-ceil", "nvfp4", "e4m3fn/tensor"]) {
    using compiled = compile((x: tf.Tensor) => quantizeTensor(x, parseQuantizer(name)), { mode: "xla" });
    for (const what of ["ordinary", "special"]) {
      const wanted = quantizeArray(inputs[what]!, parseQuantizer(name), { shape });
      assertEquals(
        scaledDigest(valuesOf(compiled(tensorOf(inputs[what]!, shape)))),
        scaledDigest(wanted),
        name,
      );
    }
  }
});

Deno.test("compiled roundings of large tensors equal those of arrays and of eager tensors, for every scaling", () => {
  const dims: [number, number] = [72, 90]; // at least MIN_COMPILED elements; no multiple of a block
  const random = seedrandom.alea("compiled");
  const values = Float32Array.from(
    { length: 72 * 90 },
    () => (random() - 0.5) * 2 ** Math.floor(24 * random() - 12),
  );
  const x = tf.tensor2d(values, dims), key = tf.tensor1d([3, 4], "int32"), history = tf.tensor1d([300, 7]);
  const scalings = ["tensor", "delayed", "row", "mx", "mx-ceil", "nvfp4"];
  const names = [
    ...scalings.flatMap((scaling) => [`e4m3fn/${scaling}`, `e2m1fn-stochastic/${scaling}`]),
    ...["e5m2-saturating-truncate/mx", "e4m7", "e3m2fn-stochastic", "e5m2-truncate"],
  ];
  for (const name of names) {
    const quantizer = parseQuantizer(name), { format: { rounding }, scaling } = quantizer;
    const past = scaling?.kind === "delayed" ? history : undefined;
    for (const axis of scaling === undefined || past !== undefined ? [1] : [0, 1]) {
      const call = (x: tf.Tensor, key: tf.Tensor, history: tf.Tensor) =>
        quantizeTensor(x, quantizer, { axis, key, history: past && history });
      using compiled = compile(call, { mode: "graph" });
      const found = valuesOf(compiled(x, key, history));
      assertEquals(found, valuesOf(call(x, key, history)), `${name} along axis ${axis}`);
      if (rounding === "stochastic") continue; // arrays use other random numbers
      const amaxHistory = past && [300, 7];
      assertEquals(found, quantizeArray(values, quantizer, { shape: dims, axis, amaxHistory }), name);
    }
  }
});

Deno.test("quantizeTensor() equals quantizeArray() along every axis", () => {
  const dims = [3, 40, 5],
    values = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i * i) * 2 ** (i % 11));
  for (const name of ["mxfp8", "mxfp6", "nvfp4", "e4m7/row", "float16/row"]) {
    for (const axis of [0, 1, 2, -2]) {
      const wanted = quantizeArray(values, parseQuantizer(name), { shape: dims, axis });
      const found = quantizeTensor(tf.tensor(values, dims), parseQuantizer(name), { axis });
      assertEquals(found.shape, dims);
      assertEquals(valuesOf(found), wanted, `${name} ${axis}`);
    }
  }
});

Deno.test("numbers next to the smallest normal one keep their bits in a row of subnormal numbers", () => {
  for (const largest of [0x7fffff, 0x7ffffe, 0x800000, 0x800001, 0x12345]) {
    const bits = Int32Array.of(largest, largest - 1, 1, 0, largest | -0x80000000);
    const x = new Float32Array(bits.buffer), row = tensorOf(x, [1, 5]);
    for (const name of ["e7m23/row", "e2m23/tensor", "e4m3fn/row", "mxfp8"]) {
      const wanted = quantizeArray(x, parseQuantizer(name), { shape: [1, 5] });
      const found = valuesOf(quantizeTensor(row, parseQuantizer(name)));
      assertEquals(new Int32Array(found.buffer), new Int32Array(wanted.buffer), `${name} of ${largest}`);
    }
  }
});

Deno.test("scaled stochastic rounding of tensors returns a neighbor, without bias, and repeats with its key", () => {
  const count = 40_000;
  const x = Float32Array.from({ length: count }, (_, i) => i % 32 === 0 ? 6 : 2.3);
  const draw = (key: number[], name = "mxfp4-stochastic") =>
    Array.from(
      valuesOf(quantizeTensor(tf.tensor1d(x), parseQuantizer(name), { key: tf.tensor1d(key, "int32") })),
    );
  const rounded = draw([1, 2]).filter((_, i) => i % 32 !== 0);
  assertEquals([...new Set(rounded)].sort(), [2, 3]);
  // The mean's standard deviation is √(0.3 · 0.7 / 38,750) = 2.3e-3.
  assertAlmostEquals(rounded.reduce((sum, x) => sum + x, 0) / rounded.length, 2.3, 6 * 2.3e-3);
  assertEquals(draw([1, 2]), draw([1, 2]));
  assertNotEquals(draw([1, 2]), draw([1, 3]));
  // Every result of every scaling lies next to the scaled value.
  for (
    const name of [
      "e4m3fn-stochastic/tensor",
      "e5m2-stochastic/row",
      "e2m3fn-stochastic/mx",
      "e2m1fn-stochastic/nvfp4",
    ]
  ) {
    const low = quantizeArray(x, parseQuantizer(name.replace("stochastic", "truncate"))),
      drawn = draw([3, 4], name);
    for (const half of [0, 16]) { // blocks of 16 and 32 have one scale here
      const places = [...drawn.keys()].filter((i) => i % 32 >= half && i % 32 < half + 16);
      const support = [...new Set(places.flatMap((i) => [low[i]!, drawn[i]!]))].sort((a, b) => a - b);
      const isNeighbor = (i: number) =>
        drawn[i] === low[i] || x[i]! > low[i]! && drawn[i] === support[support.indexOf(low[i]!) + 1];
      assertEquals(places.filter((i) => !isNeighbor(i)), [], name);
    }
    assertNotEquals(drawn, Array.from(low), name);
  }
  assertThrows(
    () => quantizeTensor(tf.tensor1d(x), parseQuantizer("mxfp4-stochastic")),
    TypeError,
    "expected a key",
  );
});

Deno.test("amaxOf() returns the largest magnitude, and 0 if a value is not finite", () => {
  assertEquals([[1, -3, 2], [0], [1, NaN], [-Infinity, 2]].map((x) => amaxOf(tf.tensor1d(x)).dataSync()[0]), [
    3,
    0,
    0,
    0,
  ]);
});

Deno.test("quantizeTensor() accepts scalars, empty tensors and 16-bit tensors, and leaks no tensor", () => {
  const run = (name: string, options: QuantizeTensorOptions = {}) =>
    tf.tidy(() => {
      const of = (x: tf.Tensor) => Array.from(valuesOf(quantizeTensor(x, parseQuantizer(name), options)));
      return [of(tf.scalar(3)), of(tf.zeros([0, 4])), of(tf.zeros([4, 0]))] as unknown as tf.TensorContainer;
    });
  for (const name of ["e4m3fn/tensor", "e4m3fn/row", "mxfp8", "nvfp4", "e5m2/delayed"]) {
    assertEquals(run(name) as unknown, [[3], [], []], name);
  }
  const before = tensorflow.liveHandles, tensors = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) run("nvfp4");
  assertEquals([tensorflow.liveHandles, tf.memory().numTensors], [before, tensors]);
});
