import { currentTensorFlow } from "../tensorflow/binding/backend.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { partsOf, returned } from "../analysis/mod.ts";
import { type GptConfig, initialParameters, toParameters } from "../model/mod.ts";
import { POLICIES, type PolicyName, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/mod.ts";
import { Replay } from "./replay.ts";

await useTensorFlow({ threads: 1 });

const MODEL: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 13, blockSize: 8 };

/** Returns a step with weights large enough that attention is not uniform. */
function replayOf(model: GptConfig = MODEL): Replay {
  const random = createRandom(1, "test");
  const ids = () =>
    tf.tensor2d(Array.from({ length: 4 * 8 }, () => random.nextUint32() % 13), [4, 8], "int32");
  return new Replay(toParameters(initialParameters({ ...model, initStd: 0.3 }, 1)), { x: ids(), y: ids() }, {
    model,
  });
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

Deno.test("Replay draws stochastic rounding from its key, and leaves no tensor", () => {
  const { runtime } = currentTensorFlow();
  const before = runtime.liveHandles;
  {
    using replay = replayOf();
    const overrides = [{ opClasses: ["linear" as const], format: "e8m4-stochastic" }];
    const key = (n: number) => tf.tensor1d([n, n], "int32");
    const [one, two] = [key(1), key(2)];
    const measure = (roundingKey: tf.Tensor) =>
      replay.measure({ policy: "float32", overrides, roundingKey }).error;
    assertEquals(measure(one), measure(one));
    assert(measure(one) !== measure(two));
    assertAlmostEquals(measure(one) / measure(two), 1, 0.5);
    tf.dispose([one, two]);
  }
  assertEquals(runtime.liveHandles, before);
});
