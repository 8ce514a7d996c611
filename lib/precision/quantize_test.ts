import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fixture from "../../tests/fixtures/formats/scaled.json" with { type: "json" };
import { scaledDigest, scaledInputs } from "../../tests/support/scaled_inputs.ts";
import { quantizeArray } from "./quantize.ts";
import { parseQuantizer } from "./quantizer.ts";

const inputs = scaledInputs(), { shape, history: amaxHistory } = fixture;

Deno.test("the inputs of the fixture are those of its script", () => {
  for (const [name, wanted] of Object.entries(fixture.inputs)) {
    assertEquals(scaledDigest(inputs[name]!), wanted, name);
  }
});

Deno.test("quantizeArray() equals a reference written from OCP MX 1.0, Transformer Engine and NVFP4, bit for bit", () => {
  assertEquals(Object.keys(fixture.digests).length, 8 * 6 * 2);
  for (const [name, digests] of Object.entries(fixture.digests)) {
    for (const [what, wanted] of Object.entries(digests)) {
      const result = quantizeArray(inputs[what]!, parseQuantizer(name), { shape, amaxHistory });
      assertEquals(scaledDigest(result), wanted, `${name} of ${what}`);
    }
  }
});

const quantize = (values: number[], name: string, options = {}) =>
  Array.from(quantizeArray(Float32Array.from(values), parseQuantizer(name), options));

Deno.test("quantizeArray() scales along the given axis", () => {
  const [rows, columns] = [40, 3];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i) * 2 ** (i % 9));
  const transposed = Float32Array.from(
    values,
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  );
  for (const name of ["mxfp4", "e4m3fn/row", "nvfp4", "e2m3fn/mx-ceil"]) {
    const along = quantizeArray(values, parseQuantizer(name), { shape: [rows, columns], axis: 0 });
    const last = quantizeArray(transposed, parseQuantizer(name), { shape: [columns, rows] });
    assertEquals(
      along,
      Float32Array.from(along, (_, i) => last[(i % columns) * rows + Math.floor(i / columns)]!),
    );
  }
});

Deno.test("floor scales saturate the top of a block, ceil scales do not", () => {
  // OCP MX: 2^floor(log2 510) / 2^8 = 1, and 510 saturates at 448. The ceil scale is 2: 510 becomes 512.
  assertEquals(quantize([510, 1], "mxfp8"), [448, 1]);
  assertEquals(quantize([510, 1], "e4m3fn/mx-ceil"), [512, 1]);
  assertEquals(quantize([448, 1], "e4m3fn/mx-ceil"), [448, 1]);
  assertEquals(quantize([1.01, 0.5], "mxfp4"), [1, 0.5]);
});

Deno.test("delayed scaling uses the largest of the last n maxima, and the current one without a history", () => {
  assertEquals(quantize([448, 900], "e4m3fn/delayed", { amaxHistory: [0, 448] }), [448, 448]);
  assertEquals(quantize([448, 896], "e4m3fn/delayed-2", { amaxHistory: [448, 448, 896] }), [448, 448]);
  assertEquals(quantize([448, 896], "e4m3fn/delayed-3", { amaxHistory: [448, 448, 896] }), [448, 896]);
  assertEquals(quantize([448, 896], "e4m3fn/delayed", { amaxHistory: [0, 0] }), [448, 896]);
  assertEquals(quantize([448, NaN], "e4m3fn/delayed", { amaxHistory: [448] }), [448, NaN]);
});

Deno.test("a value that is not finite makes its group NaN, and no other", () => {
  const values = Array.from({ length: 64 }, (_, i) => i === 40 ? -Infinity : 1);
  const wanted = values.map((_, i) => i < 32 ? 1 : NaN);
  for (const name of ["mxfp8", "mxfp6", "mxfp4", "e5m2/mx-ceil"]) {
    assertEquals(quantize(values, name), wanted, name);
  }
  assertEquals(quantize(values, "e5m2/row", { shape: [2, 32] }), wanted);
  assertEquals(quantize(values, "nvfp4"), values.map(() => NaN));
});

Deno.test("scaled stochastic rounding returns a neighbor, without bias", () => {
  const count = 40_000, values = new Array(count).fill(2.3);
  // The largest value of each block, 6, fixes its scale at 1: 2.3 lies between 2 and 3.
  for (let i = 0; i < count; i += 32) values[i] = 6;
  const rounded = quantize(values, "mxfp4-stochastic", { uniform: Math.random }).filter((_, i) =>
    i % 32 !== 0
  );
  assertEquals([...new Set(rounded)].sort(), [2, 3]);
  // The mean's standard deviation is √(0.3 · 0.7 / 38,750) = 2.3e-3; 6 of them fail once in 5e8 runs.
  assertAlmostEquals(rounded.reduce((sum, x) => sum + x, 0) / rounded.length, 2.3, 6 * 2.3e-3);
  assertThrows(() => quantize([1], "mxfp4-stochastic"), TypeError, "Pass a seed");
});

Deno.test("empty arrays and zeros are unchanged", () => {
  for (const name of ["e4m3fn/tensor", "e4m3fn/row", "mxfp8", "nvfp4", "e5m2/delayed"]) {
    assertEquals(quantize([], name, { shape: [0, 5] }), []);
    assertEquals(quantize([0, -0, 0], name), [0, -0, 0]);
  }
});
