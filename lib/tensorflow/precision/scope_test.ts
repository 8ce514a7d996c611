import { currentTensorFlow } from "../binding/backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertNotEquals } from "@std/assert";
import { type OpClass, parseFormat } from "../../precision/mod.ts";
import { autocast, drawsRandomly, formatsIn } from "./autocast.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { compile } from "../compile/compile.ts";
import { roundTo } from "./rounding.ts";
import { formatsOf, layerScope, operation, roundingDraws, withDrawsFrom } from "./scope.ts";
import { toBfloat16, trueDtype } from "../binding/true_dtype.ts";

const tensorflow = await useTensorFlow();

/** Runs an operation of a class once. */
const classed = <I extends tf.Tensor[]>(
  opClass: OpClass,
  inputs: readonly [...I],
  work: (...inputs: I) => tf.Tensor,
) => operation(opClass, (inputs: I) => work(...inputs))([...inputs] as unknown as I);

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);

/** Asserts that a format represents all values of a tensor. */
function assertOnGrid(tensor: tf.Tensor, format: string, message: string): void {
  assertEquals(values(roundTo(tensor, parseFormat(format))), values(tensor), message);
}

Deno.test("operation() without a format computes in the policy's types", () => {
  const a = normal([4, 6], 1), b = normal([6, 5], 2);
  const product = () => layerScope("h.0", () => classed("linear", [a, b], (a, b) => tf.matMul(a, b)));
  assertEquals(values(product()), values(tf.matMul(a, b)));
  assertEquals(autocast("bf16-autocast", () => trueDtype(product())), "bfloat16");
  const elsewhere = [{ layers: ["h.1"], format: "e8m2" }, { opClasses: ["gelu" as const], format: "e8m2" }];
  assertEquals(
    autocast({ policy: "bf16-autocast", overrides: elsewhere }, () => values(product())),
    autocast("bf16-autocast", () => values(product())),
  );
});

Deno.test("operation() rounds inputs, result and gradients to the format", () => {
  const a = normal([4, 6], 1), b = normal([6, 5], 2), dy = normal([4, 5], 3);
  for (const format of ["e8m3", "e4m3", "e8m4-truncate", "bfloat16", "float16"]) {
    autocast({ policy: "float32", overrides: [{ format }] }, () => {
      const fn = (a: tf.Tensor, b: tf.Tensor) => classed("linear", [a, b], (a, b) => tf.matMul(a, b));
      const round = (x: tf.Tensor) => tf.tensor(roundTo(x, parseFormat(format)).dataSync(), x.shape);
      const product = fn(a, b);
      assertOnGrid(product, format, format);
      if (format === "bfloat16") return; // computed in bfloat16: the sums are oneDNN's
      const wanted = autocast("float32", () => round(tf.matMul(round(a), round(b))));
      assertEquals(values(product), values(wanted), format);
      const [da, db] = tf.grads((a, b) => fn(a!, b!))([a, b], dy) as [tf.Tensor, tf.Tensor];
      const wide = autocast("float32", () => [
        round(tf.matMul(round(dy), round(b), false, true)),
        round(tf.matMul(round(a), round(dy), true, false)),
      ]);
      assertEquals([values(da), values(db)], wide.map(values), format);
    });
  }
});

Deno.test("operation() in bfloat16 matches autocast's product and gradients; a float32 scope inside autocast matches float32's", () => {
  const a = normal([8, 6], 1), b = normal([6, 5], 2), dy = normal([8, 5], 3);
  const plain = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b);
  const scoped = (a: tf.Tensor, b: tf.Tensor) => classed("linear", [a, b], plain);
  const all = (fn: typeof plain) => [
    values(fn(a, b)),
    ...tf.grads((a, b) => tf.mul(fn(a!, b!), 1))([a, b], dy).map(values),
  ];
  const under = (policy: "float32" | "bf16-autocast", format: string) =>
    autocast({ policy, overrides: [{ format }] }, () => all(scoped));
  assertEquals(under("float32", "bfloat16"), autocast("bf16-autocast", () => all(plain)));
  assertEquals(under("bf16-autocast", "float32"), all(plain));
});

Deno.test("operation() leaves the gradients of surrounding ops to the region", () => {
  const a = normal([4, 4], 1);
  autocast({ policy: "bf16-autocast", overrides: [{ opClasses: ["gelu"], format: "float32" }] }, () => {
    const types: string[] = [];
    const watch = tf.customGrad((x) => ({
      value: tf.mul(x as tf.Tensor, 1),
      gradFunc: (dy) => {
        types.push(trueDtype(tf.matMul(dy as tf.Tensor2D, dy as tf.Tensor2D)));
        return dy;
      },
    }));
    tf.grad((a) => watch(classed("gelu", [watch(a)], (x) => watch(tf.square(x)))))(a);
    assertEquals(types, ["bfloat16", "float32", "bfloat16"]);
  });
});

Deno.test("operation() returns gradients in the types of its inputs", () => {
  const x = normal([3, 4], 5), low = toBfloat16(x);
  autocast({ policy: "float32", overrides: [{ format: "float32" }] }, () => {
    const [dx] = tf.grads((low) => classed("gelu", [low!], (x) => tf.square(x)))([low], x) as [tf.Tensor];
    assertEquals(trueDtype(dx), "bfloat16");
  });
});

Deno.test("scopes give the same result compiled and eager, with one trace per set of overrides and a new draw per rounding", () => {
  const x = normal([64], 6), key = tf.tensor1d([3, 4], "int32");
  const stochastic = [{ format: "e8m3-stochastic" }];
  const fn = (x: tf.Tensor, key: tf.Tensor, overrides: typeof stochastic = stochastic) =>
    autocast({ policy: "float32", overrides, roundingKey: key }, () => {
      const twice = (x: tf.Tensor) => classed("residual", [x, x], (x, y) => tf.sub(x, y));
      return { value: twice(x), slope: tf.grad((x) => classed("gelu", [x], (x) => tf.square(x)))(x) };
    });
  using compiled = compile((x: tf.Tensor, key: tf.Tensor) => fn(x, key));
  const eager = fn(x, key), graph = compiled(x, key);
  assertEquals(values(graph.value), values(eager.value));
  assertEquals(values(graph.slope), values(eager.slope));
  assertNotEquals(values(eager.value), values(tf.zerosLike(x))); // x was rounded twice with different draws
  assertNotEquals(values(fn(x, tf.tensor1d([3, 5], "int32")).slope), values(eager.slope));

  using inside = compile((x: tf.Tensor) => classed("gelu", [x], (x) => tf.mul(x, 1)));
  const at = (format: string) =>
    autocast({ policy: "float32", overrides: [{ format }] }, () => values(inside(x)));
  assertNotEquals(at("e8m3"), at("e8m2"));
  assertEquals([inside.traces, at("e8m3").length, inside.traces], [2, 64, 2]);
});

Deno.test("withDrawsFrom() repeats earlier stochastic roundings; later roundings draw new numbers", () => {
  const x = normal([64], 8);
  autocast({ policy: "float32", overrides: [{ format: "e8m3-stochastic" }] }, () => {
    const rounded = () => values(classed("linear", [x], (x) => tf.mul(x, 3)));
    rounded();
    const draws = roundingDraws();
    const first = rounded(), after = roundingDraws();
    assertEquals(withDrawsFrom(draws, rounded), first);
    assertEquals(roundingDraws(), after);
    assertNotEquals(rounded(), first);
  });
});

Deno.test("a float16 scope computes in float32 on a CPU and with the device's kernels on a GPU", () => {
  const a = normal([4, 6], 1), b = normal([6, 5], 2);
  const inner = () => {
    const types: string[] = [];
    autocast(
      { policy: "float32", overrides: [{ format: "float16" }] },
      () =>
        classed("linear", [a, b], (a, b) => {
          types.push(trueDtype(a), trueDtype(tf.matMul(a, b)));
          return tf.matMul(a, b);
        }),
    );
    return types;
  };
  assertEquals(inner(), ["float32", "float32"]);
  const { binding } = currentTensorFlow();
  const { isUsingGpuDevice } = binding;
  try {
    binding.isUsingGpuDevice = () => true;
    assertEquals(inner(), ["float16", "float16"]);
  } finally {
    binding.isUsingGpuDevice = isUsingGpuDevice;
  }
});

Deno.test("operation() leaks no tensor", () => {
  const x = normal([8], 7);
  const run = () =>
    tf.tidy(() => {
      autocast({ policy: "float32", overrides: [{ format: "e4m3-stochastic" }] }, () => {
        tf.grad((x) => classed("gelu", [x], (x) => tf.square(x)))(x);
      });
    });
  run();
  const before = tensorflow.liveHandles, tensors = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) run();
  assertEquals([tensorflow.liveHandles, tf.memory().numTensors], [before, tensors]);
});

Deno.test("formatsOf() and formatsIn() return the format that is set, or none", () => {
  const overrides = [{ layers: ["h.0"], format: "e8m3" }, {
    opClasses: ["loss" as const],
    format: "float32",
  }];
  const found = autocast(
    { policy: "float32", overrides },
    () => layerScope("h.0", () => [formatsOf("linear"), formatsOf("loss"), formatsOf("linear", "h.1")]),
  );
  assertEquals(found.map(({ whole }) => whole?.name), ["e8m3", "float32", undefined]);
  const precision = { policy: "float32" as const, overrides };
  assertEquals(formatsIn(precision, { layer: "h.0", opClass: "gelu" }).whole?.name, "e8m3");
  assertEquals(drawsRandomly(precision), false);
  assertEquals(drawsRandomly({ ...precision, overrides: [{ format: "e8m3-stochastic" }] }), true);
});

Deno.test("a compiled function is traced once per layer if overrides are set", () => {
  const a = normal([4, 6], 1), b = normal([6, 5], 2);
  const product = (a: tf.Tensor, b: tf.Tensor) => classed("linear", [a, b], (a, b) => tf.matMul(a, b));
  using compiled = compile(product);
  const overrides = [{ layers: ["h.1"], format: "e8m2" }];
  autocast({ policy: "float32", overrides }, () => {
    for (const layer of ["h.0", "h.1", "h.0"]) {
      layerScope(layer, () => assertEquals(values(compiled(a, b)), values(product(a, b)), layer));
    }
  });
  assertEquals(compiled.traces, 2);
  for (const layer of ["h.0", "h.1"]) layerScope(layer, () => compiled(a, b));
  assertEquals(compiled.traces, 3); // without overrides, layers share a trace
});
