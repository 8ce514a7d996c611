import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { compile, useTensorFlow } from "../mod.ts";
import { currentTensorFlow } from "../binding/backend.ts";
import { joinParts, partsOf } from "../ops/row_parts.ts";

/** Trains small models for five steps, and prints the losses and a hash of each state. */
const TRAINING = `
  import * as tf from "@tensorflow/tfjs";
  const lk = await import(${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)});
  await lk.useTensorFlow({ device: "cpu", threads: THREADS });
  for (const policy of ["float32", "bf16-autocast"]) {
    const model = lk.gpt({ nLayer: 2, nHead: 4, nEmbd: 128, blockSize: 64, vocabSize: 80 }, { seed: 1 });
    using trainer = lk.createTrainer(model, { policy, steps: 5, seed: 1 });
    const ids = Array.from({ length: 12 * 65 }, (_, i) => (i * i + 3 * i) % 80);
    const x = tf.tensor2d(ids.slice(0, -12), [12, 64], "int32"), y = tf.tensor2d(ids.slice(12), [12, 64], "int32");
    const losses = Array.from({ length: 5 }, () => trainer.step({ x, y }).loss);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", trainer.checkpoint()));
    console.log(policy, losses.join(" "), hash.toHex());
  }`;

async function train(threads: number): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", TRAINING.replace("THREADS", String(threads))],
    cwd: new URL("../../..", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("steps of a small model give the same bits with one thread within an op and with several", async () => {
  const [one, four] = [await train(1), await train(4)];
  assertEquals(one.split("\n").length, 3);
  assertEquals(four, one);
});

Deno.test("functions of small ops run in a context of their own, on tensors of the first, and others do not", async () => {
  await useTensorFlow({ device: "cpu" });
  const { runtime } = currentTensorFlow();
  const run: string[] = [];
  const { contextOf } = runtime;
  runtime.contextOf = (name) => {
    run.push(name);
    return contextOf.call(runtime, name);
  };
  try {
    using small = compile((x: tf.Tensor) => tf.matMul(x, x));
    using large = compile((x: tf.Tensor) => tf.matMul(x, x));
    const called = (fn: typeof small, size: number) => {
      const [x, before] = [tf.eye(size), run.length];
      const sum = tf.sum(fn(x)).dataSync()[0];
      assertEquals(sum, size); // an eager op on a tensor of the function's context
      const name = run.slice(before).find((name) => name.startsWith("losskit_"))!;
      return Deno.UnsafePointer.equals(contextOf.call(runtime, name), runtime.context);
    };
    assertEquals(called(small, 16), navigator.hardwareConcurrency === 1); // a machine with one core has one context
    assertEquals(called(large, 512), true); // 2.7e8 operations
    const divided = (isDivisible: boolean) => (x: tf.Tensor) =>
      joinParts(partsOf(x, { B: 2, isDivisible }).map((part) => tf.matMul(part, tf.matMul(x, x))));
    using parts = compile(divided(true));
    using whole = compile(divided(false));
    using both = compile((x: tf.Tensor) => tf.matMul(divided(true)(x), divided(false)(x)));
    assertEquals(called(parts, 512), runtime.threads !== 2);
    assertEquals([called(whole, 512), called(both, 512)], [true, true]);
  } finally {
    runtime.contextOf = contextOf;
  }
});
