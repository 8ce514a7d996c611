/** Tests of changes that leave a model's function unchanged, except for rounding. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { ARCHITECTURES, type GptConfig } from "./config.ts";
import { gpt } from "./gpt_model.ts";
import { initialParameters } from "./parameters.ts";
import { perturbParameters } from "./perturb.ts";

await useTensorFlow();

const config: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 32, blockSize: 16, vocabSize: 61 };

for (const name of ["gpt2", "llama"] as const) {
  Deno.test(`reorder permutes hidden units of ${name}, which changes logits by rounding only`, () => {
    const shape = { ...config, ...ARCHITECTURES[name], initStd: 0.2 };
    const x = tf.tensor2d(Array.from({ length: 32 }, (_, i) => (7 * i) % 61), [2, 16], "int32");
    const logits = [0, 1, 2].map((reorder) => {
      using model = gpt(shape, { seed: 3, reorder });
      return tf.tidy(() => model.forward(x).dataSync().slice());
    });
    const [plain, ...others] = logits;
    for (const other of others) {
      assert(other.some((value, i) => value !== plain![i]), "another order of sums");
      const largest = Math.max(...other.map((value, i) => Math.abs(value - plain![i]!)));
      assert(largest < 1e-4 * Math.max(...plain!.map(Math.abs)), String(largest));
    }
    assertNotEquals(others[0], others[1]);
    x.dispose();
  });
}

Deno.test("reorder moves the values of an MLP together, and nothing else", () => {
  const plain = initialParameters(config, 1), moved = initialParameters(config, 1, { reorder: 1 });
  const isMoved = (name: string) => name.includes(".mlp.") && !name.endsWith("bias");
  for (const name of Object.keys(plain)) {
    const [before, after] = [plain[name]!.values, moved[name]!.values];
    if (isMoved(name)) assertEquals(after.toSorted(), before.toSorted());
    else assertEquals(after, before, name); // biases are 0
  }
  const biased = initialParameters(config, 1), bias = biased["h.0.mlp.c_fc.bias"]!.values;
  bias.forEach((_, i) => bias[i] = i);
  perturbParameters(biased, { seed: 1, perturb: 0, reorder: 1 });
  const [rows, columns] = [plain, biased].map((one) => one["h.0.mlp.c_proj.weight"]!.values);
  bias.forEach((from, to) => assertEquals(columns![to * 32], rows![from * 32]));
});

Deno.test("reorder requires an MLP", () => {
  const parameters = { "block.weight": { shape: [2], values: Float32Array.of(1, 2) } };
  assertThrows(
    () => perturbParameters(parameters, { seed: 1, perturb: 0, reorder: 1 }),
    RangeError,
    "Cannot reorder hidden units: expected parameters h.N.mlp.c_fc and h.N.mlp.c_proj, got none.",
  );
});
