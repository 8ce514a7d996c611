// @heavy
/**
 * A training step of the benchmark's model of 4.3 million parameters is one native call.
 */
import { assertEquals, assertLess } from "@std/assert";
import { runScript } from "./bench/child.ts";
import { type BenchConfig, type BenchResult, isFirstLoss } from "./bench/train_steps.ts";

Deno.test("a step of the mid model is one native call, and the loss decreases from log V", async () => {
  const argument: BenchConfig = {
    n_layer: 4,
    n_head: 4,
    n_embd: 256,
    vocab: 4096,
    seq: 256,
    batch: 8,
    steps: 2,
    warmup: 1,
    precision: "float32",
    threads: 2,
  };
  const { result, awaitedMs } = await runScript<BenchResult>("train_steps.ts", {
    argument,
    await: isFirstLoss,
  });
  assertEquals([result.native_calls, result.config.parameters], [1, 4_273_664]);
  // Initial logits have a variance of about (0.02)^2 C. Half of the variance adds to the loss of log V.
  assertLess(Math.abs(result.first_loss - Math.log(4096)), 0.1);
  assertLess(result.last_loss, result.first_loss);
  assertEquals(Number.isNaN(awaitedMs), false);
});
