import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertInstanceOf, assertLess, assertThrows } from "@std/assert";
import { autocast } from "../precision/autocast.ts";
import { currentTensorFlow, useTensorFlow } from "../binding/backend.ts";
import { compile, type Compiled } from "./compile.ts";
import { statelessUniform } from "../precision/random.ts";

const tensorflow = await useTensorFlow();

Deno.test("compile() traces once per signature, and agrees with eager in graph and XLA", () => {
  const fn = ({ x, w }: { x: tf.Tensor2D; w: tf.Tensor2D }) => {
    const loss = (w: tf.Tensor) => tf.mean(tf.square(tf.tanh(tf.matMul(x, w as tf.Tensor2D)))) as tf.Scalar;
    const { value, grad } = tf.valueAndGrad(loss)(w);
    return { value, slope: [grad, x] };
  };
  const x = tf.randomNormal<tf.Rank.R2>([5, 4], 0, 1, "float32", 1),
    w = tf.randomNormal<tf.Rank.R2>([4, 3], 0, 1, "float32", 2);
  const eager = fn({ x, w });
  for (const mode of ["graph", "xla"] as const) {
    using compiled = compile(fn, { mode });
    const result = compiled({ x, w });
    // The same kernels give the same bits in graph mode. XLA sums in another order.
    const bound = mode === "graph" ? 0 : 1e-6;
    const far = tf.max(tf.abs(tf.sub(result.slope[0]!, eager.slope[0]!))).dataSync()[0]!;
    assertEquals([far <= bound, result.slope[1]!.shape, compiled.traces], [true, [5, 4], 1]);
    compiled({ x, w });
    assertEquals(compiled.traces, 1);
    compiled({ x: tf.ones([7, 4]), w });
    autocast("bf16-autocast", () => compiled({ x, w }));
    assertEquals(compiled.traces, 3);
  }
});

Deno.test("compile() runs only the ops that its results need", () => {
  const x = tf.tensor2d([[1, 2, 3]]);
  using unneeded = compile((x: tf.Tensor) => {
    tf.gather(x, tf.tensor1d([7], "int32")); // an error if it runs
    return tf.add(x, 1);
  });
  assertEquals(Array.from(unneeded(x).dataSync()), [2, 3, 4]);
  using needed = compile((x: tf.Tensor) => tf.gather(x, tf.tensor1d([7], "int32")));
  assertThrows(() => needed(x), Error, "indices");
});

Deno.test("compile() returns a tensor of its own for every result: inputs, equal constants, and reshapes to their shape", () => {
  const before = tensorflow.liveHandles;
  const x = tf.tensor2d([[1, 2, 3]]);
  const fn = compile((x: tf.Tensor) => [
    x,
    x,
    tf.reshape(x, [1, 3]),
    tf.reshape(tf.reshape(x, [3, 1]), [3]),
    tf.reshape(tf.reshape(x, [3, 1]), [-1, 3]),
    tf.scalar(5),
    tf.scalar(5),
    tf.scalar(5, "int32"),
    tf.add(x, tf.scalar(5)),
    tf.add(x, tf.scalar(-0)),
  ]);
  const results = fn(x);
  x.dispose();
  results[0]!.dispose();
  assertEquals(
    results.slice(1).map((result) => [result.shape, result.dtype, Array.from(result.dataSync())]),
    [
      [[1, 3], "float32", [1, 2, 3]],
      [[1, 3], "float32", [1, 2, 3]],
      [[3], "float32", [1, 2, 3]],
      [[1, 3], "float32", [1, 2, 3]],
      [[], "float32", [5]],
      [[], "float32", [5]],
      [[], "int32", [5]],
      [[1, 3], "float32", [6, 7, 8]],
      [[1, 3], "float32", [1, 2, 3]],
    ],
  );
  fn.dispose();
  tf.dispose(results);
  assertEquals(tensorflow.liveHandles, before);
});

Deno.test("a product with the scalar 1 is the other factor, and keeps its shape and type", () => {
  using fn = compile((x: tf.Tensor, n: tf.Tensor) => [
    ...[tf.mul(x, 1), tf.mul(1, x), tf.mul(tf.mul(x, 1), 1), tf.mul(x, tf.scalar(1)), tf.mul(x, 1.0000001)],
    ...[
      tf.mul(n, tf.scalar(1, "int32")),
      tf.mul(tf.scalar(1), tf.scalar(3)),
      tf.mul(tf.scalar(1), tf.scalar(1)),
    ],
  ]);
  const x = tf.tensor2d([[1.5, -0, NaN]]), results = fn(x, tf.tensor1d([2, 3], "int32")) as tf.Tensor[];
  for (const result of results.slice(0, 4)) {
    assertEquals(result.shape, [1, 3]);
    assertEquals(result.dataSync(), x.dataSync());
  }
  assertEquals(results[4]!.dataSync()[0], Math.fround(1.5 * Math.fround(1.0000001)));
  const [integers, three, one] = results.slice(5);
  assertEquals([integers!.dtype, ...integers!.dataSync()], ["int32", 2, 3]);
  assertEquals([three!.dtype, ...three!.dataSync()], ["float32", 3]);
  assertEquals([one!.dtype, ...one!.dataSync()], ["float32", 1]);
});

Deno.test("compile() runs small functions one op after the other, with the same bits", () => {
  const { binding } = currentTensorFlow();
  const { execute } = binding;
  const sequential: boolean[] = [];
  const run = (fn: Compiled<[tf.Tensor2D], tf.Tensor>, size: number, plain = false) => {
    binding.execute = (name, call) => {
      const rest = call.attributes.filter((one) => one.name !== "executor_type");
      sequential.push(rest.length < call.attributes.length);
      return execute.call(binding, name, plain ? { ...call, attributes: rest } : call);
    };
    try {
      return tf.tidy(() => Array.from(fn(tf.randomNormal([size, size], 0, 1, "float32", 1)).dataSync()));
    } finally {
      binding.execute = execute;
    }
  };
  const body = (x: tf.Tensor2D) => tf.sum(tf.softmax(tf.matMul(x, tf.tanh(x))), 0);
  using fn = compile(body);
  const first = run(fn, 32);
  assertEquals(run(fn, 32, true), first);
  const { usesGpu } = tensorflow;
  assertEquals(sequential, [!usesGpu, !usesGpu]);
  run(fn, 400); // 1.3e8 operations
  assertEquals(sequential.at(-1), false);
});

Deno.test("compile() keeps captured tensors alive, and frees them when disposed of", () => {
  const before = tensorflow.liveHandles;
  const captured = tf.tensor1d([1, 2, 3]);
  tf.neg(captured).dispose(); // uploads the tensor to TensorFlow
  const compiled = compile((x: tf.Tensor) => tf.add(tf.mul(x, captured), tf.tensor1d([1, 1, 1])));
  const x = tf.tensor1d([10, 10, 10]);
  const first = compiled(x);
  captured.dispose();
  const second = compiled(x);
  assertEquals([Array.from(first.dataSync()), Array.from(second.dataSync())], [[11, 21, 31], [11, 21, 31]]);
  compiled.dispose();
  tf.dispose([x, first, second]);
  assertEquals(tensorflow.liveHandles, before);
});

Deno.test("compile() rejects functions that cannot be traced, with a remedy", () => {
  const x = tf.tensor1d([1, 0, 2]);
  const reads = compile((x: tf.Tensor) => x.dataSync()[0]! > 0 ? x : tf.neg(x));
  assertThrows(() => reads(x), TypeError, "Cannot read the result of");
  // deno-lint-ignore no-explicit-any -- a caller without types
  const wrong: any = compile((() => 3) as any);
  assertThrows(() => wrong(x), TypeError, "expected arguments and results of tensors");
  const leaked: tf.Tensor[] = [];
  using leaks = compile((x: tf.Tensor) => {
    leaked.push(tf.keep(tf.neg(x)));
    return x;
  });
  leaks(x);
  const error = assertThrows(() => tf.add(leaked[0]!, 1), Error, "got use outside");
  assertInstanceOf(error, Error);
});

Deno.test("compile() and autocast() reject async functions immediately, and a rejected promise does not end the process", async () => {
  let calls = 0;
  // deno-lint-ignore no-explicit-any -- a caller without types
  const late: any = async (x: tf.Tensor) => {
    calls++;
    return await x;
  };
  assertThrows(
    () => compile(late, { name: "late" }),
    TypeError,
    "Cannot compile late: expected a function that",
  );
  assertThrows(() => autocast("bf16-autocast", late), TypeError, "Cannot autocast: expected a function that");
  assertEquals(calls, 0);
  // deno-lint-ignore no-explicit-any -- a caller without types
  const rejects: any = () => Promise.reject(new Error("of the function"));
  const x = tf.tensor1d([1]);
  assertThrows(
    () => compile(rejects, { name: "rejects" })(x),
    TypeError,
    "a function that returns a promise",
  );
  using outer = compile((x: tf.Tensor) => compile(rejects)(x) as tf.Tensor);
  assertThrows(() => outer(x), TypeError, "a function that returns a promise");
  assertThrows(() => autocast("float32", rejects), TypeError, "a function that returns a promise");
  const thenable = { then: (_: unknown, reject: (error: Error) => void) => reject(new Error("of its own")) };
  assertThrows(() => autocast("float32", () => thenable), TypeError, "a function that returns a promise");
  // An unhandled rejection would have failed the test by now.
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("autocast() rejects a policy that is not a name", () => {
  // deno-lint-ignore no-explicit-any -- a caller without types
  const refuse = (given: any, got: string) =>
    assertThrows(
      () => autocast(given, () => tf.ones([1])),
      TypeError,
      `expected a policy's name or an object { policy, overrides }, got ${got}.`,
    );
  refuse(undefined, "undefined");
  refuse(null, "null");
  refuse(16, "16");
  refuse({}, "policy undefined");
  refuse({ policy: 3 }, "policy 3");
});

Deno.test("compile() checks its options before any call", () => {
  const two = (x: tf.Tensor, y: tf.Tensor) => tf.add(x, y);
  const rest = (...xs: tf.Tensor[]) => tf.addN(xs);
  // deno-lint-ignore no-explicit-any -- a caller without types
  const refuse = (fn: any, options: any, words: string, kind: typeof TypeError = RangeError) =>
    assertThrows(() => compile(fn, options), kind, words);
  refuse(two, { mode: "XLA" }, 'Cannot compile two: expected mode graph or xla, got "XLA".');
  refuse(two, { donate: [2] }, "got 2 for a function of 2");
  refuse((x: tf.Tensor) => x, { donate: [1], name: "one" }, "got 1 for a function of 1");
  refuse(two, { donate: [0, 0] }, "got 0 twice");
  for (const donate of [[-1], [0.5], ["0"], [NaN], 0, null]) {
    refuse(two, { donate }, "integers from 0, got ");
  }
  for (const fn of [undefined, null, 3, tf.ones([1])]) refuse(fn, {}, "expected a function, got", TypeError);
  const withDefault = (x: tf.Tensor, y: tf.Tensor = tf.ones([1])) => tf.add(x, y);
  for (const fn of [rest, withDefault]) {
    using compiled = compile(fn as typeof two, { donate: [1] });
    const [x, y] = [tf.ones([1]), tf.ones([1])];
    compiled(x, y);
    assertEquals([x.isDisposed, y.isDisposed], [false, true]);
    // deno-lint-ignore no-explicit-any -- a caller without types
    assertThrows(() => (compiled as any)(x), RangeError, "got 1 for a function of 1");
  }
});

Deno.test("compile() rejects random numbers that would repeat, and draws new ones from a key", () => {
  for (
    const frozen of [
      () => tf.randomNormal([2]),
      () => tf.randomUniform([2]),
      () => tf.truncatedNormal([2]),
      () => tf.dropout(tf.ones([2]), 0.5),
      () => tf.multinomial(tf.tensor1d([0.5, 0.5]), 3),
    ]
  ) {
    using compiled = compile((x: tf.Tensor) => tf.add(x, frozen()), { name: "noisy" });
    assertThrows(
      () => compiled(tf.ones([2])),
      TypeError,
      "Cannot compile noisy: expected no random numbers, got tf.",
    );
    frozen().dispose(); // still works outside
  }
  for (const mode of ["graph", "xla"] as const) {
    using noisy = compile((key: tf.Tensor) => statelessUniform([1000], key), { mode });
    const draw = (a: number, b: number) => Array.from(noisy(tf.tensor1d([a, b], "int32")).dataSync());
    assertEquals([draw(1, 2), noisy.traces], [draw(1, 2), 1]);
    const same = draw(1, 3).filter((value, i) => value === draw(1, 2)[i]).length;
    assertLess(same, 10);
  }
});

Deno.test("compile() rejects side effects, which would happen only during tracing", () => {
  const variable = tf.variable(tf.ones([2]));
  using assigns = compile((x: tf.Tensor) => {
    variable.assign(x);
    return x;
  });
  assertThrows(() => assigns(tf.zeros([2])), TypeError, "got variable.assign, which would run only once");
  using makes = compile((x: tf.Tensor) => tf.variable(x));
  assertThrows(() => makes(tf.zeros([2])), TypeError, "got tf.variable, which would run only once");
  variable.assign(tf.zeros([2])); // still works outside
  assertEquals(Array.from(variable.dataSync()), [0, 0]);
  variable.dispose();
  using unknown = compile((x: tf.Tensor) => tf.unique(x as tf.Tensor1D).values);
  assertThrows(() => unknown(tf.ones([3])), TypeError, "depends on their values");
});

Deno.test("a compiled function called in another becomes a part of it", () => {
  using inner = compile((x: tf.Tensor) => tf.mul(x, 2));
  using outer = compile((x: tf.Tensor) => tf.add(inner(x), 1));
  assertEquals([Array.from(outer(tf.tensor1d([1, 2])).dataSync()), inner.traces], [[3, 5], 0]);
});

Deno.test("compile() frees donated arguments only", () => {
  const before = tensorflow.liveHandles;
  using update = compile(
    ({ w }: { w: tf.Tensor }, x: tf.Tensor) => ({ w: tf.sub(w, x) }),
    { donate: [0] },
  );
  const x = tf.tensor1d([1, 2]);
  let state = { w: tf.tensor1d([5, 5]) as tf.Tensor };
  for (let i = 0; i < 3; i++) {
    const former = state;
    state = update(state, x);
    assert(former.w.isDisposed && !x.isDisposed);
  }
  assertEquals(Array.from(state.w.dataSync()), [2, -1]);
  const view = state.w.reshape([2, 1]); // shares the memory and keeps it
  const next = update(state, x);
  assertEquals([Array.from(view.dataSync()), Array.from(next.w.dataSync())], [[2, -1], [1, -3]]);
  tf.dispose([x, view, next]);
  assertEquals(tensorflow.liveHandles, before);
});

/** Returns the resident bytes outside of JavaScript's heap. */
function nativeBytes(): number {
  const { rss, heapTotal } = Deno.memoryUsage();
  return rss - heapTotal;
}

Deno.test("1,000 compiled calls and 10,000 eager ops leak no tensor, no handle and no memory", () => {
  using compiled = compile((x: tf.Tensor) => tf.mul(x, 2));
  const x = tf.ones([4096]);
  const work = () => {
    for (let i = 0; i < 1000; i++) compiled(x).dispose();
    for (let i = 0; i < 10_000; i++) tf.neg(x).dispose();
  };
  for (let i = 0; i < 5; i++) work(); // warm up allocators, caches and compiled JavaScript
  const before = [tf.memory().numTensors, tensorflow.liveHandles];
  const bytes = nativeBytes();
  work();
  assertEquals([tf.memory().numTensors, tensorflow.liveHandles], before);
  // Leaking one result in a hundred would add 1.8 MB.
  assertLess(nativeBytes() - bytes, 1_500_000);
});
