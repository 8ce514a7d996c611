import { currentTensorFlow } from "../tensorflow/binding/backend.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { biasedParts, partName, partsOf, returned, searchCulprit } from "../analysis/mod.ts";
import type { PrecisionOverride } from "../precision/mod.ts";
import { type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import { POLICIES, type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { Replay } from "./replay.ts";

await useTensorFlow({ threads: 1 });

const MODEL: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 13, blockSize: 8 };

/** Returns a step on K batches, with weights large enough that attention is not uniform. */
function replayOf(model: GptConfig = MODEL, K = 1): Replay {
  const random = createRandom(1, "test");
  const ids = () =>
    tf.tensor2d(Array.from({ length: 4 * 8 }, () => random.nextUint32() % 13), [4, 8], "int32");
  const batches = Array.from({ length: K }, () => ({ x: ids(), y: ids() }));
  return new Replay(toParameters(initialParameters({ ...model, initStd: 0.3 }, 1)), batches, { model });
}

Deno.test("Replay has no error in float32, and in every policy whose classes are all overridden to float32", () => {
  for (
    const model of [MODEL, {
      ...MODEL,
      qkNorm: true,
      tiedHead: false,
      bias: false,
      activation: "swiglu" as const,
    }]
  ) {
    using replay = replayOf(model);
    const exact = replay.measure({ policy: "float32" });
    assertEquals([exact.loss, exact.lossError, exact.error], [replay.loss, 0, 0]);
    for (const policy of Object.keys(POLICIES) as PolicyName[]) {
      if (policy !== "float32") assertGreater(replay.measure({ policy }).error, 0, policy);
      const back = replay.measure({ policy, overrides: returned(partsOf(2)) });
      assertEquals([back.lossError, back.error], [0, 0], policy);
    }
  }
});

Deno.test("Replay measures rounding: one mantissa bit less doubles the error", () => {
  using replay = replayOf();
  const errors = [4, 6, 8, 10].map((bits) =>
    replay.measure({ policy: "float32", overrides: [{ opClasses: ["linear"], format: `e8m${bits}` }] }).error
  );
  errors.slice(1).forEach((error, i) => {
    const ratio = errors[i]! / error;
    assertGreater(ratio, 2);
    assertLess(ratio, 8); // 4 for two bits, if errors were independent
  });
});

Deno.test("Replay reports which layers' gradients a lowered operation affects", () => {
  using replay = replayOf();
  const { layers, error, cosine } = replay.measure({
    policy: "float32",
    overrides: [{ layers: ["h.1"], opClasses: ["softmax"], format: "e8m1" }],
  });
  assertEquals(layers.map(({ layer }) => layer), ["embedding", "h.0", "h.1", "head"]);
  assert(layers.every((layer) => layer.error > 0));
  assertGreater(cosine, 0);
  assertLess(cosine, 1);
  assertGreater(error, 0);
});

Deno.test("Replay reports an infinite error for gradients that are not finite", () => {
  using replay = replayOf();
  // Largest number of e2m1: 3
  const { error } = replay.measure({
    policy: "float32",
    overrides: [{ opClasses: ["linear"], format: "e2m1" }],
  });
  assertEquals(error, Infinity);
});

Deno.test("Replay tells bias from variance: truncation is coherent over batches, stochastic rounding is not", () => {
  using replay = replayOf(MODEL, 16);
  const measure = (format: string) =>
    replay.measure({ policy: "float32", overrides: [{ opClasses: ["linear"], format }] });
  const [stochastic, truncated] = [measure("e8m5-stochastic"), measure("e8m6-truncate")];
  assertAlmostEquals(stochastic.coherence, 1, 0.15);
  assertGreater(truncated.coherence, 1.5);
  // The finite number of batches alone would give a mean of error / 4.
  assertLess(stochastic.bias, 0.1 * stochastic.error);
  assertGreater(truncated.bias, 0.3 * truncated.error);
  assert(truncated.layers.every(({ coherence }) => coherence > 1));
});

Deno.test("two planted faults are both found, though one makes most of the error", async () => {
  using replay = replayOf(MODEL, 2);
  const overrides: PrecisionOverride[] = [
    { layers: ["h.0"], opClasses: ["linear"], format: "e8m1" },
    { layers: ["h.1"], opClasses: ["layerNorm"], format: "e8m2" },
  ];
  const measure = (back: readonly PrecisionOverride[]) =>
    replay.measure({ policy: "bf16-autocast", overrides: [...overrides, ...back] }).error;
  const whole = measure([]);
  const shareOf = (back: readonly PrecisionOverride[]) => (measure(back) / whole) ** 2;
  const { lowered, returned } = await searchCulprit(partsOf(2), shareOf, { alone: true });
  const both = ["linear of h.0", "layerNorm of h.1"];
  assertEquals([lowered, returned].map(({ parts }) => parts?.map(partName)), [both, both]);
});

Deno.test("a biased fault is found by bias, though an unbiased one makes most of the error", () => {
  using replay = replayOf(MODEL, 16);
  const overrides: PrecisionOverride[] = [
    { layers: ["h.0"], opClasses: ["linear"], format: "e8m3-stochastic" },
    { layers: ["h.1"], opClasses: ["linear"], format: "e8m6-truncate" },
  ];
  const parts = partsOf(2).filter(({ opClass }) => opClass === "linear" || opClass === "layerNorm");
  const measured = parts.map((part) => {
    const back = returned(parts.filter((other) => other !== part));
    return { part, ...replay.measure({ policy: "float32", overrides: [...overrides, ...back] }) };
  });
  const largest = measured.toSorted((a, b) => b.error - a.error)[0]!;
  assertEquals(partName(largest.part), "linear of h.0");
  assertAlmostEquals(largest.coherence, 1, 0.15);
  assertEquals(biasedParts(measured).map(({ part }) => partName(part)), ["linear of h.1"]);
});

Deno.test("Replay draws stochastic rounding from fixed keys, and leaves no tensor", () => {
  const { runtime } = currentTensorFlow();
  const before = runtime.liveHandles;
  {
    using replay = replayOf(MODEL, 2);
    const measure = (format: string) =>
      replay.measure({ policy: "float32", overrides: [{ opClasses: ["linear" as const], format }] });
    assertEquals(measure("e8m4-stochastic"), measure("e8m4-stochastic"));
    assert(measure("e8m4-stochastic").error !== measure("e8m4").error);
  }
  assertEquals(runtime.liveHandles, before);
});
