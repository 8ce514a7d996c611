import { currentTensorFlow } from "./backend.ts";
import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { autocast } from "../precision/autocast.ts";
import { trueDtype } from "./true_dtype.ts";
import { useTensorFlow } from "./backend.ts";
import { TensorFlowError } from "../native/tensorflow_error.ts";

const tensorflow = await useTensorFlow();

Deno.test("useTensorFlow() starts TF.js on libtensorflow once", async () => {
  assertEquals(tf.getBackend(), "tensorflow");
  assertEquals(await useTensorFlow(), tensorflow);
  await assertRejects(() => useTensorFlow({ threads: 63 }), RangeError, "Cannot change TensorFlow's threads");
});

Deno.test("tensors of every type keep their values", () => {
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
  assertThrows(
    () => currentTensorFlow().binding.executeOp("NoSuchOp", [], [], 1),
    TensorFlowError,
    "NoSuchOp",
  );
});

Deno.test("a wrong number of bytes throws before TensorFlow reads out of bounds", () => {
  assertThrows(
    () => currentTensorFlow().binding.createTensor([2, 3], 1, new Float32Array(5)),
    TypeError,
    "expected 24 bytes, got 20.",
  );
});

Deno.test("using a disposed tensor throws", () => {
  const x = tf.ones([2]);
  const [id] = currentTensorFlow().backend.getInputTensorIds([x]);
  x.dispose();
  assertThrows(
    () => currentTensorFlow().binding.executeOp("Neg", [], [id!], 1),
    Error,
    "got a disposed tensor",
  );
});

Deno.test("autocast() nests, is undone after an error, and rejects unknown policies", () => {
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
    "expected one of float32, bf16-autocast",
  );
  assertThrows(
    () => autocast("float32", () => Promise.resolve()),
    TypeError,
    "got a function that returns a promise",
  );
});

Deno.test("autocast casts a weight once, and again after it changes", () => {
  const w = tf.variable(tf.ones([4, 4])), x = tf.ones([4, 4]);
  x.dataSync();
  const count = () => currentTensorFlow().binding.getNumOfTensors();
  const multiply = () => autocast("bf16-autocast", () => tf.matMul(x, w)).dispose();
  multiply();
  const after = count();
  multiply();
  assertEquals(count(), after);
  w.assign(tf.fill([4, 4], 3));
  assertEquals(autocast("bf16-autocast", () => tf.matMul(x, w)).dataSync()[0], 12);
  w.dispose();
});

/** Runs a script in its own process. Returns its exit status, stdout and stderr. */
async function runScript(body: string): Promise<[number, string, string]> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const head = `import { useTensorFlow } from ${JSON.stringify(new URL("../mod.ts", import.meta.url).href)};
      import * as tf from "@tensorflow/tfjs";`;
    await Deno.writeTextFile(file, `${head}\n${body}`);
    const config = `--config=${new URL("../../../deno.json", import.meta.url).pathname}`;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", config, file],
    }).output();
    return [code, new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a process that runs TensorFlow prints only its own output and exits with status 0", async () => {
  const product =
    "await useTensorFlow({ threads: 1 }); console.log(tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync().join());";
  assertEquals(await runScript(product), [0, "2,2,2,2\n", ""]);
  assertEquals(await runScript("await useTensorFlow();"), [0, "", ""]);
  assertEquals(
    await runScript("await useTensorFlow(); tf.ones([300, 300]).matMul(tf.ones([300, 300])); Deno.exit(5);"),
    [5, "", ""],
  );
});
