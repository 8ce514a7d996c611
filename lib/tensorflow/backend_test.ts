import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { autocast, trueDtype } from "./autocast.ts";
import { useTensorFlow } from "./backend.ts";
import { compile } from "./compile.ts";
import { TensorFlowError } from "./tensorflow_error.ts";

const tensorflow = await useTensorFlow();

Deno.test("useTensorFlow() makes TF.js run on libtensorflow, once", async () => {
  assertEquals(tf.getBackend(), "tensorflow");
  assertEquals(await useTensorFlow(), tensorflow);
  await assertRejects(() => useTensorFlow({ threads: 63 }), RangeError, "Cannot change TensorFlow's threads");
});

Deno.test("tensors of every type come back as they went in", () => {
  assertEquals(Array.from(tf.tensor1d([1.5, -0, NaN, Infinity]).dataSync()), [1.5, -0, NaN, Infinity]);
  assertEquals(Array.from(tf.tensor1d([1, -2], "int32").dataSync()), [1, -2]);
  assertEquals(Array.from(tf.tensor1d([true, false], "bool").dataSync()), [1, 0]);
  assertEquals(tf.tensor1d(["a", "", "ü".repeat(40)]).dataSync() as unknown, ["a", "", "ü".repeat(40)]);
  assertEquals(tf.zeros([0, 3]).add(1).shape, [0, 3]);
  assertEquals(Array.from(tf.real(tf.complex([1, 2], [3, 4])).dataSync()), [1, 2]);
});

Deno.test("a failed op is a TensorFlowError with op, code and inputs", () => {
  const error = assertThrows(
    () => tf.gather(tf.ones([3, 2]), [3]),
    TensorFlowError,
    "indices[0] = 3 is not in [0, 3)",
  );
  assertEquals([error.code, error.op], ["INVALID_ARGUMENT", "GatherV2"]);
  assertThrows(() => tensorflow.binding.executeOp("NoSuchOp", [], [], 1), TensorFlowError, "NoSuchOp");
});

Deno.test("bytes that do not fill a shape are refused before TensorFlow reads past them", () => {
  assertThrows(
    () => tensorflow.binding.createTensor([2, 3], 1, new Float32Array(5)),
    TypeError,
    "24 bytes long: it is 20",
  );
});

Deno.test("a tensor that was disposed of cannot be used", () => {
  const x = tf.ones([2]);
  const [id] = tensorflow.backend.getInputTensorIds([x]);
  x.dispose();
  assertThrows(() => tensorflow.binding.executeOp("Neg", [], [id!], 1), Error, "it was disposed of");
});

Deno.test("autocast() nests, is put back after an error, and knows its policies", () => {
  const product = () => trueDtype(tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])));
  autocast("bf16-autocast", () => {
    assertEquals(product(), "bfloat16");
    assertEquals(autocast("float32", product), "float32");
    assertEquals(product(), "bfloat16");
  });
  assertThrows(
    () =>
      autocast("bf16-autocast", () => {
        throw new Error("inside");
      }),
    Error,
    "inside",
  );
  assertEquals(product(), "float32");
  assertThrows(
    () => autocast("bf17" as "float32", product),
    RangeError,
    "wanted one of float32, bf16-autocast",
  );
  assertThrows(() => autocast("float32", () => Promise.resolve()), TypeError, "asynchronous");
});

Deno.test("a weight is cast once under autocast, and again after it changes", () => {
  const w = tf.variable(tf.ones([4, 4])), x = tf.ones([4, 4]);
  x.dataSync();
  const count = () => tensorflow.binding.getNumOfTensors();
  const multiply = () => autocast("bf16-autocast", () => tf.matMul(x, w)).dispose();
  multiply();
  const after = count();
  multiply();
  assertEquals(count(), after);
  w.assign(tf.fill([4, 4], 3));
  assertEquals(autocast("bf16-autocast", () => tf.matMul(x, w)).dataSync()[0], 12);
  w.dispose();
});

Deno.test("compile() traces once a signature, and agrees with eager in graph and XLA", () => {
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
    // The same kernels in graph mode give the same bits; XLA orders sums in its own way.
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

Deno.test("compile() keeps what a function captures, and frees it when disposed of", () => {
  const before = tensorflow.runtime.liveHandles;
  const captured = tf.tensor1d([1, 2, 3]);
  tf.neg(captured).dispose(); // now on TensorFlow's side
  const compiled = compile((x: tf.Tensor) => tf.add(tf.mul(x, captured), tf.tensor1d([1, 1, 1])));
  const x = tf.tensor1d([10, 10, 10]);
  const first = compiled(x);
  captured.dispose();
  const second = compiled(x);
  assertEquals([Array.from(first.dataSync()), Array.from(second.dataSync())], [[11, 21, 31], [11, 21, 31]]);
  compiled.dispose();
  tf.dispose([x, first, second]);
  assertEquals(tensorflow.runtime.liveHandles, before);
});

Deno.test("compile() refuses what cannot be traced, saying what to do", () => {
  const x = tf.tensor1d([1, 0, 2]);
  const reads = compile((x: tf.Tensor) => x.dataSync()[0]! > 0 ? x : tf.neg(x));
  assertThrows(() => reads(x), TypeError, "Cannot read the result of");
  // deno-lint-ignore no-explicit-any -- a user without types
  const wrong: any = compile((() => 3) as any);
  assertThrows(() => wrong(x), TypeError, "must be tensors");
  // deno-lint-ignore no-explicit-any -- a user without types
  const late: any = compile((async (x: tf.Tensor) => await x) as any, { name: "late" });
  assertThrows(() => late(x), TypeError, "Cannot compile late");
  const leaked: tf.Tensor[] = [];
  using leaks = compile((x: tf.Tensor) => {
    leaked.push(tf.keep(tf.neg(x)));
    return x;
  });
  leaks(x);
  const error = assertThrows(() => tf.add(leaked[0]!, 1), Error, "outside of the compiled function");
  assertInstanceOf(error, Error);
});

Deno.test("1,000 compiled calls and 5,000 eager ops leave no tensor and no handle", () => {
  using compiled = compile((x: tf.Tensor) => tf.mul(x, 2));
  const x = tf.ones([100]);
  compiled(x).dispose();
  const before = [tf.memory().numTensors, tensorflow.runtime.liveHandles];
  for (let i = 0; i < 1000; i++) compiled(x).dispose();
  for (let i = 0; i < 5000; i++) tf.neg(x).dispose();
  assertEquals([tf.memory().numTensors, tensorflow.runtime.liveHandles], before);
});

/** Runs a script in a process of its own that ends by itself. */
async function runScript(body: string): Promise<[number, string, string]> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const head = `import { useTensorFlow } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).href)};
      import * as tf from "@tensorflow/tfjs";`;
    await Deno.writeTextFile(file, `${head}\n${body}`);
    const config = `--config=${new URL("../../deno.json", import.meta.url).pathname}`;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", config, file],
    }).output();
    return [code, new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a process that used TensorFlow prints nothing of its own and ends with status 0", async () => {
  const product =
    "await useTensorFlow({ threads: 1 }); console.log(tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync().join());";
  assertEquals(await runScript(product), [0, "2,2,2,2\n", ""]);
  assertEquals(await runScript("await useTensorFlow();"), [0, "", ""]);
  assertEquals(
    await runScript("await useTensorFlow(); tf.ones([300, 300]).matMul(tf.ones([300, 300])); Deno.exit(5);"),
    [5, "", ""],
  );
});
