/** Gradients through compiled functions, and variables that compiled functions read. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { autocast } from "../precision/autocast.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "./compile.ts";
import { toBfloat16, trueDtype } from "../binding/true_dtype.ts";

const tensorflow = await useTensorFlow();
const MODES = ["graph", "xla"] as const;

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

/** Asserts that tensors are equal within float32's rounding. */
function assertClose(got: tf.Tensor[], want: tf.Tensor[]): void {
  assertEquals(got.map(({ shape }) => shape), want.map(({ shape }) => shape));
  got.forEach((tensor, i) => {
    const far = tf.max(tf.abs(tf.sub(tensor, want[i]!))).dataSync()[0]!;
    assertLess(far, 1e-5 * (1 + tf.max(tf.abs(want[i]!)).dataSync()[0]!));
  });
}

Deno.test("gradients flow through a compiled function, to every argument and to the third order", () => {
  const x = tf.tensor1d([0.5, -1, 2]), y = tf.tensor1d([3, 0.25, -0.5]);
  const plain = (x: tf.Tensor, y: tf.Tensor) => tf.mul(tf.exp(tf.mul(x, y)), tf.sin(x));
  for (const mode of MODES) {
    using compiled = compile(plain, { mode });
    const both = (fn: typeof plain) => tf.grads((x, y) => fn(x!, y!))([x, y]);
    assertClose(both(compiled), both(plain));
    const one = (fn: typeof plain) => tf.grad((x) => fn(tf.square(x), y))(x);
    assertClose([one(compiled)], [one(plain)]);
    const order = (fn: (x: tf.Tensor) => tf.Tensor, n: number): (x: tf.Tensor) => tf.Tensor =>
      n === 0 ? fn : order(tf.grad(fn), n - 1);
    for (const n of [2, 3]) {
      assertClose([order((x) => compiled(x, y), n)(x)], [order((x) => plain(x, y), n)(x)]);
    }
    const { value, grads } = tf.valueAndGrads((x, y) => tf.sum(compiled(x!, y!)))([x, y]);
    assertClose([value, ...grads], [tf.sum(plain(x, y)), ...both(plain)]);
    const dy = tf.tensor1d([1, 10, 100]);
    assertClose([tf.grad((x) => compiled(x, y))(x, dy)], [tf.grad((x) => plain(x, y))(x, dy)]);
  }
});

Deno.test("gradients flow through records, several results, integers and nested functions", () => {
  const x = tf.tensor2d([[1, 2], [3, 4]]), ids = tf.tensor1d([1, 0, 1], "int32");
  const plain = ({ x, ids }: { x: tf.Tensor; ids: tf.Tensor }) => ({
    rows: tf.gather(x, ids.toInt() as tf.Tensor1D),
    square: tf.square(x),
    place: tf.argMax(x, 1),
    same: x,
  });
  const loss = (fn: typeof plain) => (x: tf.Tensor) => {
    const { rows, square, same } = fn({ x, ids });
    return tf.add(tf.add(tf.sum(tf.mul(rows, rows)), tf.sum(square)), tf.sum(same));
  };
  for (const mode of MODES) {
    using compiled = compile(plain, { mode });
    using outer = compile((x: tf.Tensor) => loss(compiled as typeof plain)(x), { mode });
    assertClose([tf.grad(loss(compiled as typeof plain))(x)], [tf.grad(loss(plain))(x)]);
    assertClose([tf.grad(outer)(x)], [tf.grad(loss(plain))(x)]);
    using whole = compile((x: tf.Tensor) => tf.grad(loss(compiled as typeof plain))(x), { mode });
    assertClose([whole(x)], [tf.grad(loss(plain))(x)]);
  }
});

Deno.test("the gradient of a compiled function has the types of its policy and operations", () => {
  const x = tf.tensor2d([[1 + 2 ** -9, 3]]), w = tf.tensor2d([[1], [1]]);
  using compiled = compile((w: tf.Tensor) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D));
  const gradient = autocast("bf16-autocast", () => tf.grad(compiled)(w));
  assertEquals(values(gradient), [1, 3]);
  const low = toBfloat16(w);
  const square = (w: tf.Tensor) => tf.mul(w, w);
  assertEquals(trueDtype(tf.grad(compile(square))(low)), trueDtype(tf.grad(square)(low)));
});

Deno.test("an argument without a gradient does not block the gradients of others", () => {
  using compiled = compile((x: tf.Tensor, y: tf.Tensor) => tf.mul(x, tf.round(y)));
  const x = tf.tensor1d([2, 3]), y = tf.tensor1d([1.5, 4.5]);
  assertEquals(values(tf.grad((x) => compiled(x, y))(x)), values(tf.round(y)));
  using whole = compile((x: tf.Tensor) => tf.sum(tf.topk(x, 1).values));
  assertThrows(() => tf.grad(whole)(x), Error, "gradient function not found for TopK");
});

Deno.test("compiled functions read variables at every call, after any assignment", () => {
  for (const mode of MODES) {
    const before = tf.memory().numTensors;
    const start = tf.tensor1d([1, 2]);
    const variable = tf.variable(start); // shares start's memory
    using compiled = compile(
      (x: tf.Tensor) => tf.addN([tf.mul(x, variable), tf.reshape(tf.clone(variable), [2]), start]),
      { mode },
    );
    const x = tf.tensor1d([10, 100]);
    tf.tidy(() => assertEquals(values(compiled(x)), [12, 204]));
    const next = tf.tensor1d([5, 7]);
    variable.assign(next);
    tf.tidy(() => assertEquals([values(compiled(x)), compiled.traces], [[56, 709], 1]));
    next.dispose();
    // A variable may change its type. The function is then traced again.
    tf.tidy(() => variable.assign(toBfloat16(tf.tensor1d([2, 3])) as tf.Tensor1D));
    tf.tidy(() => assertEquals([values(compiled(x)), compiled.traces], [[23, 305], 2]));
    tf.dispose([x, start, variable]);
    assertEquals(tf.memory().numTensors, before);
  }
});

Deno.test("compiled functions read variables that they return unchanged", () => {
  for (const mode of MODES) {
    tf.tidy(() => {
      const variable = tf.variable(tf.tensor1d([1, 2]));
      const x = tf.tensor1d([10, 100]);
      const alone = compile(() => variable, { mode });
      const nested = compile(() => alone(), { mode });
      const record = compile((x: tf.Tensor) => ({ own: variable, product: tf.mul(x, variable) }), { mode });
      for (const numbers of [[1, 2], [5, 7]]) {
        variable.assign(tf.tensor1d(numbers));
        assertEquals(values(alone()), numbers);
        assertEquals(values(nested()), numbers);
        const { own, product } = record(x);
        assertEquals([values(own!), values(product!)], [numbers, [numbers[0]! * 10, numbers[1]! * 100]]);
      }
      const gradient = tf.grad((v) => tf.sum(tf.square(alone() as tf.Tensor).mul(v)));
      assertEquals(values(gradient(tf.tensor1d([1, 1]))), [25, 49]);
      const { grads } = tf.variableGrads(() => tf.sum(tf.square(alone())), [variable]);
      assertEquals(values(grads[variable.name]!), [10, 14]);
      for (const compiled of [alone, nested, record]) compiled.dispose();
      variable.dispose();
    });
  }
});

Deno.test("a disposed variable is named in an error, and its replacement is used", () => {
  const variableOf = (value: number) => tf.tidy(() => tf.variable(tf.tensor1d([value])));
  let variable = variableOf(1);
  using compiled = compile((x: tf.Tensor) => tf.mul(x, variable));
  assertEquals(values(compiled(tf.tensor1d([3]))), [3]);
  variable.dispose();
  assertThrows(() => compiled(tf.tensor1d([3])), Error, "disposed");
  variable = variableOf(2);
  assertEquals(values(compiled(tf.tensor1d([3]))), [6]);
  variable.dispose();
});

Deno.test("variableGrads and optimizers train the variables of a compiled function", () => {
  const x = tf.tensor2d([[1, 2], [3, 4], [5, 7]]), y = tf.tensor2d([[1], [2], [4]]);
  const train = (compiling: boolean, mode: "graph" | "xla") => {
    const weights = tf.variable(tf.tensor2d([[0.5], [-0.5]])), bias = tf.variable(tf.zeros([1]));
    const model = (x: tf.Tensor) => tf.add(tf.matMul(x as tf.Tensor2D, weights as tf.Tensor2D), bias);
    using compiled = compile(model, { mode });
    const fn = compiling ? compiled : model;
    const optimizer = tf.train.adam(0.1);
    const losses = Array.from(
      { length: 5 },
      () =>
        optimizer.minimize(() => tf.mean(tf.squaredDifference(fn(x), y)) as tf.Scalar, true)!
          .dataSync()[0]!,
    );
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(fn(x))) as tf.Scalar, [weights]);
    const slopes = values(Object.values(grads)[0]!);
    tf.dispose([weights, bias]);
    return [...losses, ...slopes];
  };
  for (const mode of MODES) {
    const want = train(false, mode), got = train(true, mode);
    got.forEach((value, i) => assertLess(Math.abs(value - want[i]!), 1e-3 * Math.abs(want[i]!)));
  }
});

Deno.test("second derivatives with respect to a variable are exact", () => {
  const variable = tf.variable(tf.tensor1d([2, 3]));
  using compiled = compile((x: tf.Tensor) => tf.mul(tf.square(variable), tf.mul(x, x)));
  const x = tf.tensor1d([1, 5]);
  // d/dv of d/dx v² x² = 4 v x
  const slope = () => tf.sum(tf.grad(compiled)(x)) as tf.Scalar;
  const { grads } = tf.variableGrads(slope, [variable]);
  assertEquals(values(Object.values(grads)[0]!), [8, 60]);
  variable.dispose();
});

Deno.test("weights of layers are read at every call, trained and never donated", () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 3, activation: "tanh", inputShape: [2] }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  const x = tf.tensor2d([[1, 2], [3, -4]]);
  using compiled = compile((x: tf.Tensor) => model.apply(x) as tf.Tensor, { donate: [0] });
  const apply = (x: tf.Tensor) => model.apply(x) as tf.Tensor;
  assertClose([compiled(tf.clone(x))], [apply(x)]);
  model.setWeights(model.getWeights().map((weight) => tf.add(weight, 0.5)));
  assertClose([compiled(tf.clone(x))], [apply(x)]);
  const gradients = (fn: typeof apply) =>
    Object.values(tf.variableGrads(() => tf.sum(tf.square(fn(tf.clone(x)))) as tf.Scalar).grads);
  assertClose(gradients(compiled), gradients(apply));
  model.dispose();
});

Deno.test("a captured tensor that requires a gradient throws an error", () => {
  const inner = (h: tf.Tensor) => compile((x: tf.Tensor) => tf.add(x, h), { name: "inner" });
  const x = tf.tensor1d([1, 2]);
  assertThrows(
    () => tf.grad((x) => inner(tf.square(x))(x))(x),
    Error,
    "Cannot differentiate inner: expected its tensors as arguments",
  );
});

Deno.test("gradients through compiled functions leak no tensor and no handle", () => {
  const variable = tf.variable(tf.tensor1d([2, 3]));
  using compiled = compile((x: tf.Tensor) => tf.mul(tf.sin(x), variable));
  const x = tf.tensor1d([1, 5]);
  const work = () =>
    tf.tidy(() => {
      tf.grad(tf.grad(compiled))(x);
      tf.variableGrads(() => tf.sum(compiled(x)) as tf.Scalar);
    });
  work();
  const before = [tf.memory().numTensors, tensorflow.liveHandles];
  for (let i = 0; i < 10; i++) work();
  assertEquals([tf.memory().numTensors, tensorflow.liveHandles], before);
  assert(compiled.traces === 1);
  compiled.dispose();
  tf.dispose([x, variable]);
});
