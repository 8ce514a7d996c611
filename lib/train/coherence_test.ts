import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { addErrors, coherenceFigures, coherenceParts, type ErrorSums } from "./coherence.ts";

await useTensorFlow();

Deno.test("coherenceFigures() is √K for equal errors, and 1 for independent ones, by layer", () => {
  const random = createRandom(4, "errors"), K = 8, size = 5000;
  const normal = () => tf.tensor1d(random.fillNormal(new Float32Array(size), { std: 1 }));
  tf.tidy(() => {
    const fixed = normal(), zero = tf.zeros([size]);
    let sums: ErrorSums = { mean: {}, square: {} };
    for (let k = 0; k < K; k++) {
      const gradients = { "h.0.a.weight": fixed, "h.0.b.weight": fixed, "h.1.a.weight": normal(), wte: zero };
      sums = addErrors(
        sums,
        gradients,
        Object.fromEntries(Object.keys(gradients).map((name) => [name, zero])),
      );
    }
    const figures = coherenceFigures(sums);
    const of = (layer: string) => figures[layer]!["coherence"]!.dataSync()[0]!;
    assertAlmostEquals(of("h.0"), Math.sqrt(K), 1e-4);
    assertAlmostEquals(of("h.1"), 1, 0.05);
    assertEquals(of("head"), NaN); // no errors
  });
});

Deno.test("coherenceParts() is the largest divisor of B up to 8", () => {
  assertEquals([1, 2, 3, 7, 11, 12, 16].map(coherenceParts), [1, 2, 3, 7, 1, 6, 8]);
});
