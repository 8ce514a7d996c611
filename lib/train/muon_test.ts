import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { ARCHITECTURES, gpt, parameterShapes } from "../model/mod.ts";
import { newtonSchulz, splitForMuon } from "./muon.ts";
import { createTrainer } from "./trainer.ts";
import { initialOptimizerState, type OptimizerState, updateParameters } from "./optimizer.ts";

await useTensorFlow();

type Values = Record<string, number[]>;
interface Case {
  start: Values;
  gradients: Values[];
  after: Values[];
}
/** Written by `tests/fixtures/make_muon.py`. */
const reference: Record<"float32" | "bfloat16", Case> = JSON.parse(
  Deno.readTextFileSync(new URL("../../tests/fixtures/muon/muon.json", import.meta.url)),
);
const SHAPES: Record<string, number[]> = {
  "h.0.mlp.c_fc.weight": [6, 16],
  "h.0.mlp.c_proj.weight": [16, 6],
  "ln_f.weight": [6],
};
const tensorsOf = (values: Values) =>
  Object.fromEntries(Object.entries(values).map(([name, list]) => [name, tf.tensor(list, SHAPES[name]!)]));

/**
 * Largest difference of a weight after three updates. float32: rounding of some hundred operations. bfloat16: in each of 5
 * iterations a rounding of 2^-9 grows by at most the slope of the polynomial at 0, 3.4445; the rate 0.02 and the factor
 * sqrt(16 / 6) scale the sum.
 */
const BOUNDS = { float32: 2e-6, bfloat16: 3 * 0.02 * Math.sqrt(16 / 6) * 5 * 3.4445 * 2 ** -9 };

for (const nsDtype of ["float32", "bf16"] as const) {
  Deno.test(`updateParameters() with Muon equals the reference implementation (${nsDtype})`, () => {
    const format = nsDtype === "bf16" ? "bfloat16" : "float32";
    const { start, gradients, after } = reference[format];
    const config = {
      ...{ optimizer: "muon", nsDtype, muonLr: 0.02, lr: 0.001, muonMomentum: 0.95 } as const,
      ...{ beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 0 },
    };
    tf.tidy(() => {
      let parameters: Record<string, tf.Tensor> = tensorsOf(start);
      let moments: OptimizerState = initialOptimizerState(parameters, config);
      assertEquals(Object.keys(moments["momentum"]!), ["h.0.mlp.c_fc.weight", "h.0.mlp.c_proj.weight"]);
      assertEquals(Object.keys(moments["m"]!), ["ln_f.weight"]);
      gradients.forEach((gradient, i) => {
        const step = {
          lr: tf.scalar(0.001),
          correction1: tf.scalar(1 - 0.9 ** (i + 1)),
          correction2: tf.scalar(1 - 0.95 ** (i + 1)),
          step: tf.scalar(i + 1),
        };
        ({ parameters, moments } = updateParameters(
          { parameters, moments },
          tensorsOf(gradient),
          step,
          config,
        ));
        assertEquals(Object.keys(parameters), Object.keys(SHAPES));
        for (const [name, want] of Object.entries(after[i]!)) {
          parameters[name]!.dataSync().forEach((value, k) => {
            const bound = name === "ln_f.weight" ? 2e-7 : BOUNDS[format];
            assert(Math.abs(value - want[k]!) <= bound, `${name}[${k}] after ${i + 1}: ${value}, ${want[k]}`);
          });
        }
      });
    });
  });
}

Deno.test("newtonSchulz() makes singular values about 1, and its format changes the result", () => {
  tf.tidy(() => {
    const matrix = tf.randomNormal([5, 9], 0, 1, "float32", 3);
    const x = newtonSchulz(matrix, "float32");
    const product = tf.matMul(x, x, false, true).arraySync() as number[][];
    product.forEach((row, i) =>
      row.forEach((value, j) => assert(i === j ? value > 0.3 && value < 1.6 : Math.abs(value) < 0.5))
    );
    const tall = newtonSchulz(tf.transpose(matrix), "float32");
    assertEquals(Array.from(tf.transpose(tall).dataSync()), Array.from(x.dataSync()));
    assertNotEquals(Array.from(newtonSchulz(matrix, "bf16").dataSync()), Array.from(x.dataSync()));
  });
});

Deno.test("Muon updates the matrices of the blocks; AdamW updates embeddings, norms, biases and the head", () => {
  const sizes = { nLayer: 2, nHead: 2, nEmbd: 8, vocabSize: 11, blockSize: 8 };
  const cases = [
    {
      config: sizes,
      matrices: 8,
      others: ["wte.weight", "wpe.weight", "h.0.attn.c_attn.bias", "ln_f.weight"],
    },
    {
      config: { ...sizes, ...ARCHITECTURES.llama, nKvHead: 1 },
      matrices: 8,
      others: ["wte.weight", "lm_head.weight"],
    },
    { config: { ...sizes, ...ARCHITECTURES.llama, tiedHead: true }, matrices: 8, others: ["wte.weight"] },
  ];
  for (const { config, matrices, others } of cases) {
    const shapes = parameterShapes(config);
    const split = splitForMuon(shapes, (shape) => shape);
    assertEquals(Object.keys({ ...split.matrices, ...split.others }).length, Object.keys(shapes).length);
    assertEquals(Object.keys(split.matrices).length, matrices);
    for (const name of Object.keys(split.matrices)) {
      assert(/^h\.\d\.(attn|mlp)\.c_\w+\.weight$/.test(name), name);
    }
    for (const name of [...others, "h.0.ln_1.weight", "h.1.ln_2.weight", "ln_f.weight"]) {
      assert(name in split.others, name);
    }
  }
});

Deno.test("a trainer with Muon resumes bit by bit from its checkpoint", () => {
  const config = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 11, blockSize: 8 };
  const options = { optimizer: "muon", policy: "bf16-autocast", steps: 6, warmupSteps: 0 } as const;
  const x = tf.tensor2d(Array.from({ length: 16 }, (_, i) => i * 7 % 11), [2, 8], "int32");
  const y = tf.tensor2d(Array.from({ length: 16 }, (_, i) => (i * 7 + 7) % 11), [2, 8], "int32");
  using model = gpt(config, { seed: 1 }), whole = createTrainer(model, options);
  const first = whole.step({ x, y }).loss;
  for (let i = 0; i < 2; i++) whole.step({ x, y });
  const bytes = whole.checkpoint();
  using other = gpt(config, { seed: 2 }), resumed = createTrainer(other, options);
  resumed.restore(bytes, { name: "the checkpoint", sampling: "any" });
  let last = NaN;
  for (let i = 0; i < 3; i++) {
    last = whole.step({ x, y }).loss;
    assertEquals(resumed.step({ x, y }).loss, last);
  }
  assertEquals(resumed.checkpoint(), whole.checkpoint());
  assert(last < first, `${last} after ${first}`);
});
