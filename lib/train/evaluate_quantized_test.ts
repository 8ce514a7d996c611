import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { gpt, type Parameters } from "../model/mod.ts";
import { parseQuantizer, quantizeArray } from "../precision/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { evaluate } from "./evaluate.ts";
import { evaluateQuantized, quantizationOverride } from "./evaluate_quantized.ts";

await useTensorFlow();

const config = { nLayer: 2, nHead: 2, nEmbd: 48, blockSize: 16, vocabSize: 30, initStd: 0.2 };
const options = {
  model: config,
  policy: "float32" as const,
  tokens: Int32Array.from({ length: 200 }, (_, i) => (i * i * 7 + 3) % config.vocabSize),
  byteLengths: new Int32Array(config.vocabSize).fill(1),
  B: 4,
  T: 16,
  maxTokens: "all" as const,
};

Deno.test("evaluateQuantized() equals an evaluation with the weights of linear layers quantized beforehand", () => {
  using model = gpt(config, { seed: 3 });
  const plain = evaluate(model.parameters, options).loss;
  for (const format of ["mxfp4", "nvfp4", "e4m3fn/tensor", "e2m1fn/row", "e4m3fn"]) {
    const quantized: Parameters = Object.fromEntries(
      Object.entries(model.parameters).map(([name, p]) => {
        if (!name.startsWith("h.") || p.rank !== 2) return [name, p];
        // Weights are [in, out]: the product sums over axis 0.
        const values = quantizeArray(p.dataSync() as Float32Array, parseQuantizer(format), {
          shape: p.shape,
          axis: 0,
        });
        return [name, tf.tensor(values, p.shape)];
      }),
    );
    const { before, after } = evaluateQuantized(model.parameters, { ...options, quantize: { format } });
    assertEquals(before.loss, plain);
    assertAlmostEquals(after.loss, evaluate(quantized, options).loss, 1e-5, format);
    assertAlmostEquals(after.bitsPerByte, after.loss / Math.LN2, 1e-6);
  }
});

Deno.test("with activations, the inputs of linear layers are quantized too", () => {
  using model = gpt(config, { seed: 3 });
  const loss = (activations: boolean) =>
    evaluateQuantized(model.parameters, { ...options, quantize: { format: "mxfp4", activations } }).after
      .loss;
  assertGreater(Math.abs(loss(true) - loss(false)), 1e-4);
});

Deno.test("quantizationOverride() refuses formats that need training", () => {
  const wrong = {
    "e4m3fn/delayed": "Use tensor",
    "e4m3fn-kahan": "kahan",
    "e8m0": "scales of blocks",
    "fp8": "expected float32",
  };
  for (const [format, message] of Object.entries(wrong)) {
    assertThrows(() => quantizationOverride({ format }, 2), RangeError, message);
  }
  assertEquals(quantizationOverride({ format: "nvfp4", activations: true }, 2), {
    layers: ["h.0", "h.1"],
    opClasses: ["linear"],
    operands: ["forward"],
    format: "e2m1fn",
    scaling: "nvfp4",
  });
});
