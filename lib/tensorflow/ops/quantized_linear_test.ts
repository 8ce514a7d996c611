/** Tests of linear layers whose operands have formats of their own. */
import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { parseOverride, parseQuantizer, quantizeArray, type Slot } from "../../precision/mod.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { trueDtype } from "../binding/true_dtype.ts";
import { compile } from "../compile/compile.ts";
import { autocast, type Precision } from "../precision/autocast.ts";
import { layerScope, operation } from "../precision/scope.ts";
import { hadamard } from "./_hadamard.ts";
import { linear } from "./linear.ts";

await useTensorFlow();

const [N, I, O] = [70, 40, 37];
const values = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i * 1.7) * 2 ** (-((i * 7 + seed) % 9)));
const given = { x: values(N * I, 1), w: values(I * O, 2), b: values(O, 3), dy: values(N * O, 4) };
const shapes = { x: [N, I], w: [I, O], dy: [N, O] } as const;

type Matrix = { values: ArrayLike<number>; rows: number; columns: number };

/** Multiplies in float64: [rows, n] by [n, columns]. */
function product(a: Matrix, b: Matrix): Float64Array {
  const out = new Float64Array(a.rows * b.columns);
  for (let r = 0; r < a.rows; r++) {
    for (let k = 0; k < a.columns; k++) {
      for (let c = 0; c < b.columns; c++) {
        out[r * b.columns + c]! += a.values[r * a.columns + k]! * b.values[k * b.columns + c]!;
      }
    }
  }
  return out;
}

const transposed = ({ values, rows, columns }: Matrix): Matrix => ({
  values: Float64Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  ),
  rows: columns,
  columns: rows,
});

/** Computes a layer's products in float64 from operands quantized in plain arithmetic. */
function reference(
  formats: Partial<Record<Slot, string>>,
): { y: Float64Array; dx: Float64Array; dw: Float64Array } {
  const operand = (slot: Slot, tensor: "x" | "w" | "dy", axis: number): Matrix => {
    const [rows, columns] = shapes[tensor], name = formats[slot];
    const quantized = name === undefined
      ? given[tensor]
      : quantizeArray(given[tensor], parseQuantizer(name), { shape: [rows, columns], axis });
    return { values: quantized, rows, columns };
  };
  const y = product(operand("forward.x", "x", 1), operand("forward.w", "w", 0)).map((sum, i) =>
    sum + given.b[i % O]!
  );
  return {
    y,
    dx: product(operand("dgrad.dy", "dy", 1), transposed(operand("dgrad.w", "w", 1))),
    dw: product(transposed(operand("wgrad.x", "x", 0)), operand("wgrad.dy", "dy", 0)),
  };
}

type Results = { y: tf.Tensor; dx: tf.Tensor; dw: tf.Tensor; db: tf.Tensor };

/** Runs the layer and its gradient. */
function run(
  precision: Precision,
  { isTransposed = false, layer = "h.0", isEnd = false, mode = "eager" } = {},
): Results {
  const w = tf.tensor2d(given.w, [I, O]);
  const weight = isTransposed ? tf.transpose(w) : w;
  const fn = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor): Results =>
    autocast(precision, () =>
      layerScope(layer, () => {
        let y: tf.Tensor | undefined;
        const grads = tf.grads((x, weight, bias) => {
          y = tf.keep(linear(x!, { weight: weight!, bias: bias!, transposed: isTransposed, name: "layer" }));
          return y;
        })([x, weight, bias], dy as tf.Scalar) as [tf.Tensor, tf.Tensor, tf.Tensor];
        return { y: y!, dx: grads[0], dw: isTransposed ? tf.transpose(grads[1]) : grads[1], db: grads[2] };
      }, { isEnd }));
  const call = mode === "eager" ? fn : compile(fn, { mode: mode as "graph" | "xla" });
  return call(tf.tensor2d(given.x, [N, I]), weight, tf.tensor1d(given.b), tf.tensor2d(given.dy, [N, O]));
}

/** Compares with float64 sums of the same products: float32's error is below 2^-20 of the sum of magnitudes. */
function assertNear(tensor: tf.Tensor, wanted: Float64Array, message: string): void {
  const found = tensor.dataSync();
  const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of wanted.entries()) {
    assertAlmostEquals(found[i]!, value, scale * 2 ** -18, `${message} ${i}`);
  }
}

const overridesOf = (formats: Partial<Record<Slot, string>>) =>
  Object.entries(formats).map(([slot, name]) => parseOverride(`linear.${slot}=${name}`));

const CASES: Partial<Record<Slot, string>>[] = [
  { "forward.x": "mxfp8" },
  { "forward.w": "mxfp4" },
  { "dgrad.dy": "e5m2/tensor" },
  { "dgrad.w": "nvfp4" },
  { "wgrad.x": "mxfp6" },
  { "wgrad.dy": "e4m3fn/row" },
  {
    ...{ "forward.x": "e4m3fn/tensor", "forward.w": "e4m3fn/tensor", "dgrad.dy": "e5m2/tensor" },
    ...{ "dgrad.w": "e4m3fn/tensor", "wgrad.x": "e4m3fn/tensor", "wgrad.dy": "e5m2/tensor" },
  },
  {
    ...{ "forward.x": "mxfp8", "forward.w": "e2m1fn/row", "dgrad.dy": "e4m3fn/mx-ceil" },
    ...{ "dgrad.w": "nvfp4", "wgrad.x": "e5m2", "wgrad.dy": "mxfp4-truncate" },
  },
];

Deno.test("each operand of the three products has its own format, scaled along the axis that is summed over", () => {
  for (const formats of CASES) {
    const wanted = reference(formats), message = JSON.stringify(formats);
    for (const isTransposed of [false, true]) {
      for (const mode of ["eager", "graph"]) {
        const { y, dx, dw, db } = run({ policy: "float32", overrides: overridesOf(formats) }, {
          isTransposed,
          mode,
        });
        assertNear(y, wanted.y, `${message} y`);
        assertNear(dx, wanted.dx, `${message} dx`);
        assertNear(dw, wanted.dw, `${message} dw`);
        assertAlmostEquals(
          db.dataSync()[0]!,
          given.dy.reduce((sum, v, i) => i % O === 0 ? sum + v : sum, 0),
          1e-4,
        );
      }
    }
  }
});

Deno.test("a scaled format of the class applies to all operands; a recipe to blocks, and with +bf16-ends not to the ends", () => {
  const names = ["forward.x", "forward.w", "dgrad.dy", "dgrad.w", "wgrad.x", "wgrad.dy"] as const;
  const formats = Object.fromEntries(names.map((name) => [name, "mxfp8"]));
  const { y, dw } = run({ policy: "float32", overrides: [parseOverride("linear=mxfp8")] });
  assertNear(y, reference(formats).y, "y");
  assertNear(dw, reference(formats).dw, "dw");
  const bits = (results: Results) => Object.values(results).map((tensor) => Array.from(tensor.dataSync()));
  const plain = bits(run({ policy: "bf16-autocast" }));
  const recipe = bits(run({ policy: "mxfp8" }));
  assertNotEquals(recipe[0], plain[0]);
  assertEquals(bits(run({ policy: "mxfp8" }, { layer: "head" })), plain);
  assertEquals(bits(run({ policy: "mxfp8+bf16-ends" }, { isEnd: true })), plain);
  assertEquals(bits(run({ policy: "mxfp8+bf16-ends" })), recipe);
  assertEquals(bits(run({ policy: "mxfp8", overrides: [parseOverride("linear@h.1=float32")] })), recipe);
});

Deno.test("a product without its own formats follows the policy", () => {
  const bits = (results: Results) => Object.values(results).map((tensor) => Array.from(tensor.dataSync()));
  for (const policy of ["float32", "bf16-autocast"] as const) {
    const plain = bits(run({ policy }));
    const [y, dx, dw, db] = bits(run({ policy, overrides: [parseOverride("linear.wgrad=mxfp4")] }));
    assertEquals([y, dx, db], [plain[0], plain[1], plain[3]]);
    assertNotEquals(dw, plain[2]);
  }
});

Deno.test("results have the policy's type unless they have a format", () => {
  const types = (precision: Precision) => {
    const { y, dx, dw } = run(precision);
    return [y, dx, dw].map(trueDtype);
  };
  const dy = parseOverride("linear.dy=e5m2/tensor");
  assertEquals(types({ policy: "bf16-autocast", overrides: [dy] })[0], "bfloat16");
  assertEquals(types({ policy: "float32", overrides: [dy] })[0], "float32");
  assertEquals(
    types({ policy: "bf16-autocast", overrides: [dy, parseOverride("linear.out=float32")] })[0],
    "float32",
  );
  const { dx } = run({ policy: "float32", overrides: [dy, parseOverride("linear.dgrad.out=e4m3fn")] });
  const rounded = quantizeArray(dx.dataSync() as Float32Array, parseQuantizer("e4m3fn"));
  assertEquals(dx.dataSync(), rounded);
  // Gradients have the dtype of their tensors, rounded to the policy's type before.
  assertEquals(types({ policy: "mxfp8" }), ["bfloat16", "float32", "float32"]);
});

Deno.test("Hadamard rotation keeps the weight gradient, and its operands are quantized after it", () => {
  const x = tf.tensor2d(given.x, [N, I]), dy = tf.tensor2d(given.dy, [N, O]);
  for (const block of [16, 32]) {
    for (const signs of [undefined, tf.tensor1d([1, 2], "int32")]) {
      const [hx, hy] = [x, dy].map((rows) => hadamard(rows, { block, signs })) as [tf.Tensor2D, tf.Tensor2D];
      assertEquals(hx.shape, [Math.ceil(N / block) * block, I]);
      const [rotated, plain] = [tf.matMul(hx, hy, true, false), tf.matMul(x, dy, true, false)];
      assertNear(rotated, Float64Array.from(plain.dataSync()), `${block}`);
      assertNotEquals(hx.dataSync().slice(0, I), x.dataSync().slice(0, I));
    }
  }
  const weightGradient = (policy: Precision["policy"], n = 1) =>
    run({
      policy,
      roundingKey: tf.tensor1d([n, n], "int32"),
      overrides: [parseOverride("linear.out=float32")],
    }).dw;
  for (const [policy, name, block] of [["mxfp4", "mxfp4", 32], ["nvfp4", "nvfp4", 16]] as const) {
    const [rotatedX, rotatedDy] = [x, dy].map((tensor): Matrix => {
      const rows = hadamard(tensor, { block, signs: undefined }),
        [n, columns] = rows.shape as [number, number];
      const options = { shape: rows.shape, axis: 0 };
      const values = quantizeArray(rows.dataSync() as Float32Array, parseQuantizer(name), options);
      return { values, rows: n, columns };
    });
    assertNear(
      weightGradient(`${policy}+hadamard-fixed`),
      product(transposed(rotatedX!), rotatedDy!),
      policy,
    );
  }
  const random = (n: number) => weightGradient("mxfp4+hadamard", n).dataSync();
  assertEquals(random(1), random(1));
  assertNotEquals(random(1), random(2));
});

Deno.test("delayed scaling uses the given maxima and records the current ones", () => {
  const history = (values: number[]) => tf.tensor1d(values);
  const amaxOf = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const histories = {
    "layer.x": history([0.25, 0]),
    "layer.w": history([0, 0]),
    "layer.dy": history([4, 1]),
  };
  const seen: Record<string, tf.Tensor> = {};
  const overrides = [parseOverride("linear=e4m3fn/delayed-2")];
  const { y, dw } = run({ policy: "float32", overrides, amax: { histories, seen } });
  assertEquals(
    Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, value.dataSync()[0]])),
    { "layer.x": amaxOf(given.x), "layer.w": amaxOf(given.w), "layer.dy": amaxOf(given.dy) },
  );
  const quantized = (name: "x" | "w" | "dy", amaxHistory: number[]) => ({
    values: quantizeArray(given[name], parseQuantizer("e4m3fn/delayed-2"), { amaxHistory }),
    rows: shapes[name][0],
    columns: shapes[name][1],
  });
  const x = quantized("x", [0.25, 0]);
  assertNear(y, product(x, quantized("w", [])).map((sum, i) => sum + given.b[i % O]!), "y");
  assertNear(dw, product(transposed(x), quantized("dy", [4, 1])), "dw");
  // Without a record, scales follow the current maxima.
  const current = run({ policy: "float32", overrides });
  const tensor = run({ policy: "float32", overrides: [parseOverride("linear=e4m3fn/tensor")] });
  assertEquals(current.y.dataSync(), tensor.y.dataSync());
});

Deno.test("stochastic gradients draw from the rounding key, eager and compiled alike", () => {
  const at = (n: number, mode = "eager") => {
    const { dx, dw } = run({ policy: "mxfp4+stochastic", roundingKey: tf.tensor1d([n, 7], "int32") }, {
      mode,
    });
    return [dx, dw].map((tensor) => Array.from(tensor.dataSync()));
  };
  assertEquals(at(1), at(1));
  assertEquals(at(1, "graph"), at(1));
  assertNotEquals(at(1), at(2));
});

Deno.test("operations of other kinds refuse scaling by blocks, and products round operands only", () => {
  const custom = operation("linear", ([x]: [tf.Tensor]) => tf.mul(x, 3));
  const attention = operation("attention", ([x]: [tf.Tensor]) => tf.mul(x, 3));
  const x = tf.tensor1d([1, 0.3]);
  const under = <R>(override: string, work: () => R) =>
    autocast({ policy: "float32", overrides: [parseOverride(override)] }, work);
  assertThrows(() => under("linear=mxfp8", () => custom([x])), RangeError, "Use linear()");
  const quantized = quantizeArray(Float32Array.of(1, 0.3), parseQuantizer("e2m1fn/tensor"));
  assertEquals(
    under("attention=e2m1fn/tensor", () => attention([x])).dataSync(),
    quantized.map((v) => v * 3),
  );
  assertEquals(under("linear.x=mxfp8", () => custom([x])).dataSync(), tf.mul(x, 3).dataSync());
});
