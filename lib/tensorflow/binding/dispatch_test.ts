import { currentTensorFlow } from "./backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { autocast } from "../precision/autocast.ts";
import { useTensorFlow } from "./backend.ts";
import { compile } from "../compile/compile.ts";
import { layerScope } from "../precision/scope.ts";
import { linear } from "../ops/linear.ts";
import { toBfloat16, toFloat16, toFloat32, trueDtype } from "./true_dtype.ts";

await useTensorFlow();
const { runtime } = currentTensorFlow();

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
/** A value that bfloat16 rounds to 1. */
const x = tf.tensor2d([[1 + 2 ** -9, 3]]), w = tf.tensor2d([[1], [1]]);
const product = (w: tf.Tensor) => autocast("bf16-autocast", () => tf.matMul(x, w as tf.Tensor2D));

Deno.test("gradients computed outside of autocast use the types of the forward pass, as in PyTorch", () => {
  const dw = tf.grad(product)(w);
  assertEquals([values(dw), trueDtype(dw)], [[1, 3], "float32"]);
  const inside = autocast("bf16-autocast", () => tf.grad((w) => tf.matMul(x, w as tf.Tensor2D))(w));
  assertEquals(values(inside), [1, 3]);
  const outside = tf.grad((w) => tf.matMul(x, w as tf.Tensor2D))(w);
  assertEquals(values(outside), values(x));
  using compiled = compile((w: tf.Tensor) => tf.grad(product)(w));
  assertEquals(values(compiled(w)), [1, 3]);
});

Deno.test("optimizer.minimize() updates by the gradients of an autocast loss; a nested region uses its own types", () => {
  const v = tf.variable(w);
  tf.train.sgd(1).minimize(() => tf.sum(product(v)) as tf.Scalar);
  assertEquals(values(v), [0, -2]);
  const both = (w: tf.Tensor) =>
    tf.add(product(w), autocast("float32", () => tf.matMul(x, w as tf.Tensor2D)));
  assertEquals(values(tf.grad(both)(w)), [2 + 2 ** -9, 6]);
  v.dispose();
});

Deno.test("formats of layers apply to gradients computed outside of the region", () => {
  const overrides = [{ layers: ["h.1"], format: "e8m2" }];
  const at = (layer: string) => (w: tf.Tensor) =>
    autocast(
      { policy: "float32", overrides },
      () => layerScope(layer, () => linear(x, { weight: w })),
    );
  assertEquals(values(tf.grad(at("h.1"))(w)), [1, 3]);
  assertEquals(values(tf.grad(at("h.0"))(w)), values(x));
});

Deno.test("first and second gradients have the type of their tensor", () => {
  const p = toBfloat16(tf.tensor1d([1.5, 2]));
  const cube = (p: tf.Tensor) => tf.mul(tf.mul(p, p), p);
  const [first, second] = [tf.grad(cube)(p), tf.grad(tf.grad(cube))(p)];
  assertEquals([trueDtype(first), values(first)], ["bfloat16", [6.75, 12]]);
  assertEquals([trueDtype(second), values(second)], ["bfloat16", [9, 12]]);
});

Deno.test("toFloat32(), toBfloat16() and toFloat16() have gradients in the types of their inputs", () => {
  const q = tf.tensor1d([1 + 2 ** -9, 2]);
  for (const convert of [toFloat32, toBfloat16, toFloat16]) {
    const gradient = tf.grad((q) => tf.square(convert(q)))(q);
    assertEquals([trueDtype(gradient), values(gradient)], ["float32", values(tf.mul(convert(q), 2))]);
  }
  const low = tf.grad((q) => tf.mul(toFloat32(q), tf.tensor1d([1 + 2 ** -9, 3])))(toBfloat16(q));
  assertEquals([trueDtype(low), values(low)], ["bfloat16", [1, 3]]);
});

Deno.test("numbers, scalars and integers do not widen a bfloat16 tensor; a float32 tensor does", () => {
  const p = toBfloat16(tf.tensor1d([1, 2, 3])), one = tf.tensor1d([1]);
  const narrow: Record<string, () => tf.Tensor> = {
    mul: () => tf.mul(p, 0.5),
    "multiplication by a number": () => tf.mul(0.5, p),
    add: () => tf.add(p, 1),
    "add a scalar": () => tf.add(p, tf.scalar(1)),
    sub: () => tf.sub(1, p),
    div: () => tf.div(p, 3),
    pow: () => tf.pow(p, 2),
    mean: () => tf.mean(p),
    clip: () => tf.clipByValue(p, 1.5, 2.5),
    maximum: () => tf.maximum(p, 0),
    minimum: () => tf.minimum(p, 2),
    where: () => tf.where(tf.greater(p, 1), p, 0),
    integers: () => tf.mul(p, tf.tensor1d([1, 0, 1], "int32")),
    "a separate scalar and a number": () => tf.mul(tf.sum(p), 0.5),
    pad: () => tf.pad(p, [[1, 1]], 7),
    method: () => p.mul(0.5).add(1),
    dropout: () => tf.dropout(p, 0.5),
  };
  for (const [name, fn] of Object.entries(narrow)) assertEquals(trueDtype(fn()), "bfloat16", name);
  for (const fn of [() => tf.mul(p, one), () => tf.concat([p, one]), () => tf.mul(tf.sum(p), tf.scalar(1))]) {
    assertEquals(trueDtype(fn()), "float32");
  }
  // The number itself is not rounded. The result is rounded once.
  assertEquals(values(tf.mul(p, 1 + 2 ** -9)), [1, 2, 3]);
  assertEquals(values(tf.mul(toBfloat16(tf.tensor1d([1.5])), 1 + 2 ** -8)), [1.5078125]);
});

Deno.test("rearrangements neither round nor widen", () => {
  const sharp = tf.tensor2d([[1 + 2 ** -20, 2], [3, 4]]), low = toBfloat16(tf.tensor2d([[1, 2], [3, 4]]));
  const each: Record<string, (x: tf.Tensor2D) => tf.Tensor> = {
    einsum: (x) => tf.einsum("ij->ji", x),
    "einsum outer": (x) => tf.einsum("i,j->ij", tf.slice(x, [0, 0], [1, 2]).flatten(), tf.tensor1d([1, 1])),
    transpose: (x) => tf.transpose(x),
    slice: (x) => tf.slice(x, [0, 0], [1, 2]),
    stridedSlice: (x) => tf.stridedSlice(x, [0, 0], [2, 2], [1, 1]),
    reshape: (x) => tf.reshape(x, [4]),
    gather: (x) => tf.gather(x, tf.tensor1d([0, 1], "int32")),
    tile: (x) => tf.tile(x, [2, 2]),
    pad: (x) => tf.pad(x, [[1, 0], [0, 1]]),
    concat: (x) => tf.concat([x, x]),
    stack: (x) => tf.stack([x, x]),
    unstack: (x) => tf.unstack(x)[0]!,
    split: (x) => tf.split(x, 2)[0]!,
    reverse: (x) => tf.reverse(x),
    bandPart: (x) => tf.linalg.bandPart(x, 1, 1),
    outerProduct: (x) =>
      tf.outerProduct(tf.slice(x, [0, 0], [1, 2]).flatten() as tf.Tensor1D, tf.tensor1d([1, 1])),
    mirrorPad: (x) => tf.mirrorPad(x, [[1, 0], [0, 0]], "reflect"),
  };
  for (const policy of ["float32", "bf16-autocast", "bf16-autocast-cuda"] as const) {
    autocast(policy, () => {
      for (const [name, fn] of Object.entries(each)) {
        const plain = fn(sharp);
        assertEquals(trueDtype(plain), "float32", `${policy} ${name}`);
        assertEquals(values(plain).includes(1 + 2 ** -20), true, `${policy} ${name}`);
        if (["einsum outer", "outerProduct", "mirrorPad"].includes(name)) continue;
        assertEquals(trueDtype(fn(low as tf.Tensor2D)), "bfloat16", `${policy} ${name}`);
      }
    });
  }
});

Deno.test("tf.layers add biases in the type of their products; normalization follows the lists", () => {
  const image = tf.ones([1, 4, 4, 2]), rows = tf.ones([2, 3]), sequence = tf.ones([2, 4, 3]);
  const { layers } = tf;
  const cases: [() => { apply(x: tf.Tensor): unknown }, tf.Tensor][] = [
    [() => layers.dense({ units: 3 }), rows],
    [() => layers.dense({ units: 3, activation: "tanh" }), rows],
    [() => layers.conv1d({ filters: 3, kernelSize: 2 }), sequence],
    [() => layers.conv2d({ filters: 3, kernelSize: 2, activation: "relu" }), image],
    [() => layers.conv2dTranspose({ filters: 3, kernelSize: 2 }), image],
    [() => layers.separableConv2d({ filters: 3, kernelSize: 2 }), image],
    [() => layers.depthwiseConv2d({ kernelSize: 2 }), image],
    [() => layers.lstm({ units: 3 }), sequence],
    [() => layers.gru({ units: 3 }), sequence],
    [() => layers.simpleRNN({ units: 3 }), sequence],
  ];
  for (const policy of ["bf16-autocast", "bf16-autocast-cuda"] as const) {
    for (const [make, x] of cases) {
      const layer = make();
      assertEquals(
        autocast(policy, () => trueDtype(layer.apply(x) as tf.Tensor)),
        "bfloat16",
        make.toString(),
      );
    }
    const normal = (x: tf.Tensor) =>
      autocast(policy, () => trueDtype(layers.layerNormalization().apply(x) as tf.Tensor));
    const expected = policy === "bf16-autocast" ? "bfloat16" : "float32";
    assertEquals([normal(rows), normal(toBfloat16(rows))], ["float32", expected]);
  }
  const plain = layers.dense({ units: 3 }).apply(rows) as tf.Tensor;
  assertEquals(trueDtype(plain), "float32");
});

Deno.test("gradients in a region leak no tensor", () => {
  const run = () => tf.dispose(tf.tidy(() => tf.grad((w) => tf.mul(product(w), 0.5))(w)));
  run();
  const before = [runtime.liveHandles, tf.memory().numTensors];
  for (let i = 0; i < 5; i++) run();
  assertEquals([runtime.liveHandles, tf.memory().numTensors], before);
});
