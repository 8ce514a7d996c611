import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { autocast, layerScope, linear, useTensorFlow } from "../tensorflow/mod.ts";
import { withRoundingObserver } from "../tensorflow/precision/scope.ts";
import { parseOverride, type PolicyName } from "../precision/mod.ts";
import { RoundingCounts } from "./rounding_counts.ts";

await useTensorFlow();

/** Returns the shares of a linear layer with its gradient. */
function sharesOf(values: number[], options: { override?: string; policy?: PolicyName; dy?: number }) {
  const { override, policy = "float32", dy = 1 } = options;
  const counts = new RoundingCounts();
  tf.tidy(() => {
    const x = tf.tensor2d(values, [1, values.length]), weight = tf.ones([values.length, 1]);
    const fn = (x: tf.Tensor) =>
      withRoundingObserver((rounding) => counts.add(rounding), () =>
        layerScope("h.0", () =>
          autocast(
            { policy, overrides: override === undefined ? [] : [parseOverride(override)] },
            () => linear(x, { weight }),
          )));
    tf.grad(fn)(x, tf.fill([1, 1], dy));
  });
  const shares = counts.shares()["h.0"] ?? {};
  return Object.fromEntries(
    Object.entries(shares).map(([name, tensor]) => {
      const [value] = tensor.dataSync();
      tensor.dispose();
      return [name, value!];
    }),
  );
}

Deno.test("RoundingCounts: shares of saturated, flushed and largest values, of values and of gradients", () => {
  const before = tf.memory().numTensors;
  // Operands x (448 is e4m3fn's largest number, 1e-4 becomes 0) and four weights of 1.
  const found = sharesOf([500, 448, 1e-4, 0], { override: "linear.forward=e4m3fn" });
  assertEquals([found["saturated"], found["flushed"], found["lastBin"]], [1 / 8, 1 / 8, 2 / 8]);
  // The gradient of the result is 1e-4: both of its uses flush it.
  const gradients = sharesOf([1, 1], { override: "linear.dy=e4m3fn", dy: 1e-4 });
  assertEquals(gradients["gradFlushed"], 1);
  assertEquals(gradients["gradSaturated"], 0);
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("RoundingCounts: scaled values are counted after scaling, and formats of float32's range are not", () => {
  const values = Array.from({ length: 32 }, (_, i) => 2 ** -20 * (1 + i / 64));
  const scaled = sharesOf(values, { override: "linear.forward.x=e2m1fn/mx" });
  assertEquals(scaled["flushed"], 0);
  // floor(log2 amax) scales to [4, 8): every value from 5 on becomes 6, the largest number.
  assertAlmostEquals(scaled["lastBin"]!, 15 / 32, 1 / 16);
  assertGreater(sharesOf(values, { override: "linear.forward.x=e2m1fn" })["flushed"]!, 0.9);
  assertEquals(sharesOf(values, { policy: "bf16-autocast" }), {});
  assertEquals(sharesOf(values, { override: "linear=e8m3" }), {});
});
