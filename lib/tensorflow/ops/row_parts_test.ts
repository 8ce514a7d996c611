import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { gptLogits, initialParameters, toParameters } from "../../model/mod.ts";
import { lossAndGradients } from "../../train/gradients.ts";
import type { PrecisionOverride } from "../../precision/mod.ts";
import { compile } from "../compile/compile.ts";
import { autocast, type Precision } from "../precision/autocast.ts";
import { layerScope, observe, withObserver } from "../precision/scope.ts";
import { useTensorFlow } from "../binding/backend.ts";
import { toBfloat16, trueDtype } from "../binding/true_dtype.ts";
import { linear, linearOfParts } from "./linear.ts";
import { joinParts, mapParts, partsOf } from "./row_parts.ts";

const tensorflow = await useTensorFlow();

/** Returns the number of parts of rows [N, C] in a compiled function. */
function partsIn({ shape = [256, 64], B = 4, precision = "float32", mode = "graph" }: {
  shape?: [number, number];
  B?: number;
  precision?: Precision | "float32" | "bf16-autocast";
  mode?: "graph" | "xla";
}): number {
  let count = 0;
  using fn = compile((x: tf.Tensor) =>
    autocast(precision, () => {
      const parts = partsOf(x, { B });
      count = parts.length;
      return joinParts(parts);
    }), { mode });
  const x = tf.randomNormal(shape);
  assertEquals(fn(x).dataSync(), x.dataSync());
  return count;
}

Deno.test("partsOf() divides batches in graphs only, by shape and precision", () => {
  const isCpu = tensorflow.device === "cpu";
  assertEquals(partsIn({}), isCpu ? 2 : 1);
  assertEquals(partsIn({ precision: "bf16-autocast" }), isCpu ? 2 : 1);
  assertEquals(partsIn({ B: 1 }), 1);
  assertEquals(partsIn({ B: 3, shape: [258, 64] }), 1);
  assertEquals(partsIn({ shape: [252, 64] }), 1); // below 2^14 elements
  assertEquals(partsIn({ mode: "xla" }), 1);
  for (const policy of ["fp16-autocast", "bf16-autocast-cuda", "emulated:e4m3"] as const) {
    assertEquals(partsIn({ precision: { policy } }), 1, policy);
  }
  assertEquals(partsIn({ precision: { policy: "float32", overrides: [{ format: "e8m7" }] } }), 1);
  const x = tf.zeros([256, 64]);
  assertEquals(partsOf(x, { B: 4 }), [x]);
});

Deno.test("linearOfParts() has the results and gradients of linear() of all rows, which round once", () => {
  // Small integers: float32's sums are exact, in every order. bfloat16 rounds most results.
  const integers = (shape: [number, number], seed: number) =>
    tf.floor(tf.randomUniform(shape, -16, 16, "float32", seed)) as tf.Tensor2D;
  const x = integers([40, 24], 1), dy = integers([40, 36], 2), bias = integers([1, 36], 3).reshape([36]);
  const same = (x: tf.Tensor) => x;
  for (
    const [policy, stored] of [["float32", same], ["float32", toBfloat16], ["bf16-autocast", same]] as const
  ) {
    for (const transposed of [false, true]) {
      for (const b of [undefined, bias]) {
        const weight = integers(transposed ? [36, 24] : [24, 36], 4);
        const inputs = [x, weight, ...(b === undefined ? [] : [b])].map(stored);
        const results = [1, 2].map((count) =>
          autocast(policy, () => {
            const outputs = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) => {
              const parameters = { weight, bias, transposed };
              if (count === 1) return linear(x, parameters);
              return joinParts(linearOfParts(tf.split(x, count), parameters));
            };
            const value = outputs(...inputs as [tf.Tensor, tf.Tensor]);
            const loss = (...[x, weight, bias]: tf.Tensor[]) =>
              tf.sum(tf.mul(outputs(x!, weight!, bias), dy)) as tf.Scalar;
            const gradients = tf.grads(loss)(inputs);
            return [value, ...gradients].map((one) => [trueDtype(one), ...one.dataSync()]);
          })
        );
        assertEquals(results[1], results[0], `${policy} ${stored.name} ${transposed} ${b !== undefined}`);
      }
    }
  }
});

Deno.test("mapParts() passes each observed tensor once, with the rows of all parts", () => {
  const x = tf.tensor2d([[1, 2], [3, 4], [5, 6], [7, 8]]);
  const seen: [string, string, unknown][] = [];
  const { numTensors } = tf.memory();
  const results = withObserver(
    (what, layer, tensor) => seen.push([what, layer, tensor.arraySync()]),
    () =>
      tf.tidy(() =>
        joinParts(mapParts(tf.split(x, 2), (part) => {
          layerScope("h.0", () => observe("part", part));
          return layerScope("h.1", () => observe("double", tf.mul(part, 2)));
        }))
      ),
  );
  assertEquals(seen, [
    ["part", "h.0", [[1, 2], [3, 4], [5, 6], [7, 8]]],
    ["double", "h.1", [[2, 4], [6, 8], [10, 12], [14, 16]]],
  ]);
  assertEquals(results.arraySync(), [[2, 4], [6, 8], [10, 12], [14, 16]]);
  assertEquals(tf.memory().numTensors, numTensors + 1);
});

Deno.test("a model computes the same in parts as undivided, for GPT-2 and LLaMA", () => {
  const sizes = { nLayer: 2, nHead: 4, nEmbd: 64, vocabSize: 50, blockSize: 32 };
  const llama = {
    norm: "rmsNorm",
    position: "rotary",
    activation: "swiglu",
    nKvHead: 2,
    bias: false,
  } as const;
  for (
    const config of [sizes, { ...sizes, ...llama, tiedHead: false }, {
      ...sizes,
      logitSoftCap: 5,
      qkNorm: true,
    }]
  ) {
    const parameters = toParameters(initialParameters(config, 1));
    const [B, T] = [8, 32];
    const ids = (seed: number) =>
      tf.floor(tf.randomUniform([B, T], 0, 50, "float32", seed)).toInt() as tf.Tensor2D;
    const x = ids(1), y = ids(2);
    for (const loss of [{}, { blocked: true }, { labelSmoothing: 0.1, zLoss: 1e-3, ignoreIndex: 7 }]) {
      const step = (x: tf.Tensor2D, y: tf.Tensor2D, parameters: Record<string, tf.Tensor>) => {
        const { loss: value, gradients } = lossAndGradients(parameters, { x, y }, {
          ...{ model: config, policy: "float32", loss },
        });
        return { value, gradients, logits: gptLogits(parameters, x, config) };
      };
      using compiled = compile(step);
      const whole = tf.tidy(() =>
        step(x, y, parameters) as unknown as tf.TensorContainer
      ) as never as ReturnType<
        typeof step
      >;
      const parts = compiled(x, y, parameters);
      const near = (a: tf.Tensor, b: tf.Tensor, what: string) => {
        const most = tf.max(tf.abs(b)).dataSync()[0]!;
        // Sums of up to 256 terms in another order: 256 · 2^-24 of the largest magnitude, over the few ops of a layer.
        assertLess(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!, 3e-5 * most + 1e-9, what);
      };
      assertAlmostEquals(parts.value.dataSync()[0]!, whole.value.dataSync()[0]!, 1e-6);
      near(parts.logits, whole.logits, "logits");
      for (const [name, gradient] of Object.entries(whole.gradients)) {
        near(parts.gradients[name]!, gradient, name);
      }
    }
  }
});

Deno.test("a model in parts has the gradients of the undivided model in the same graph mode, in bfloat16 too", () => {
  const config = { nLayer: 2, nHead: 4, nEmbd: 64, vocabSize: 50, blockSize: 32 };
  const parameters = toParameters(initialParameters(config, 1));
  const ids = tf.floor(tf.randomUniform([8, 33], 0, 50, "float32", 1)).toInt() as tf.Tensor2D;
  const [x, y] = [0, 1].map((at) => tf.slice(ids, [0, at], [8, 32])) as [tf.Tensor2D, tf.Tensor2D];
  for (const policy of ["float32", "bf16-autocast"] as const) {
    // An override that changes nothing keeps the batch whole: autocast does not round the loss.
    const overrides: PrecisionOverride[] = [{ layers: ["h.0"], opClasses: ["loss"], format: "float32" }];
    const [parts, whole] = [[], overrides].map((overrides) => {
      using step = compile((x: tf.Tensor2D, y: tf.Tensor2D, parameters: Record<string, tf.Tensor>) => {
        const precision = { policy, overrides };
        return lossAndGradients(parameters, { x, y }, { model: config, ...precision });
      });
      return step(x, y, parameters);
    });
    assertAlmostEquals(parts!.loss.dataSync()[0]!, whole!.loss.dataSync()[0]!, 1e-6);
    // A product may round another way if its sum is off in the last digit of float32: one in many values, by 2^-8.
    const most = policy === "float32" ? 1e-5 : 2 ** -8;
    for (const [name, gradient] of Object.entries(whole!.gradients)) {
      const [norm, error] = [gradient, tf.sub(parts!.gradients[name]!, gradient)].map((one) =>
        tf.norm(one).dataSync()[0]!
      );
      assertLess(error!, most * norm!, `${policy} ${name}`);
    }
  }
});
