import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { roundToBfloat16 } from "../analysis/rounding.ts";
import { autocast, compile, toBfloat16, trueDtype, useTensorFlow } from "../tensorflow/mod.ts";
import { createRandom } from "../text/random.ts";
import { activate, createDropout, softCap } from "./_pointwise.ts";
import { ACTIVATIONS, type GptConfig } from "./config.ts";
import { gptLogits, headLogits, type Parameters, toParameters } from "./gpt.ts";
import { parameterShapes, sizeOf } from "./parameters.ts";

await useTensorFlow();

const small: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 23, blockSize: 12 };

/** Returns parameters far from the initial ones, so that each of them affects the logits. */
function someParameters(config: GptConfig): Parameters {
  return toParameters(Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => {
      const isGain = shape.length === 1 && name.endsWith(".weight");
      const values = createRandom(1, name).fillNormal(new Float32Array(sizeOf(shape)), {
        mean: isGain ? 1 : 0,
        std: shape.length === 1 ? 0.2 : 1 / Math.sqrt(shape[name.startsWith("w") ? 1 : 0]!),
      });
      return [name, { shape, values }];
    }),
  ));
}

const tokens = tf.tensor2d(Array.from({ length: 2 * 9 }, (_, i) => i * i * 5 % 23), [2, 9], "int32");
const key = (n: number) => tf.tensor1d([n, 0], "int32");
const read = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const rms = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

const OPTIONS: Record<string, Partial<GptConfig>> = {
  "no bias": { bias: false },
  "untied head": { tiedHead: false },
  "qk-norm": { qkNorm: true },
  "logit soft cap": { logitSoftCap: 1.5 },
  "attention soft cap": { attentionSoftCap: 0.5 },
  "LayerNorm epsilon": { layerNormEps: 0.3 },
  "RMSNorm": { norm: "rmsNorm" },
  "rotary positions": { position: "rotary" },
  "rotary positions, scaled": { position: "rotary", ropeTheta: 100, ropeScaling: "llama3:4,1,4,8" },
  "grouped queries": { nHead: 4, nKvHead: 2 },
  "width of the MLP": { nInner: 20 },
  "LLaMA": {
    norm: "rmsNorm",
    position: "rotary",
    activation: "swiglu",
    bias: false,
    tiedHead: false,
    nKvHead: 1,
  },
  "LLaMA with qk-norm": { norm: "rmsNorm", position: "rotary", qkNorm: true },
  ...Object.fromEntries(ACTIVATIONS.slice(1).map((activation) => [activation, { activation }])),
};

Deno.test("gptLogits() with an option differs, uses every parameter, and has the gradients of finite differences", () => {
  const plain = read(gptLogits(someParameters(small), tokens, small));
  for (const [label, option] of Object.entries(OPTIONS)) {
    const config = { ...small, ...option };
    const parameters = someParameters(config);
    assertNotEquals(read(gptLogits(parameters, tokens, config)), plain, label);
    const names = Object.keys(parameters);
    const values = names.map((name) => parameters[name]!);
    const weights = tf.randomNormal([2 * 9, 23], 0, 1, "float32", 3);
    const f = (...values: tf.Tensor[]) => {
      const logits = gptLogits(Object.fromEntries(names.map((n, i) => [n, values[i]!])), tokens, config);
      return tf.mean(tf.mul(logits, weights)) as tf.Scalar;
    };
    const grads = tf.grads(f)(values);
    const h = 1e-2;
    for (const [i, name] of names.entries()) {
      const gradient = grads[i]!;
      const norm = Math.sqrt(read(tf.sum(tf.square(gradient)))[0]!);
      // A key's bias adds the same to all scores of a query, which softmax ignores: no other gradient may be 0.
      assert(norm > 1e-7, `${label}: nothing depends on ${name}`);
      const direction = tf.div(gradient, norm);
      const moved = (by: number) =>
        f(...values.map((value, j) => j === i ? tf.add(value, tf.mul(direction, by)) : value)).dataSync()[0]!;
      // Central differences: float32's sums have errors of about 1e-7 / h, the cubic term of h^2; relu has kinks.
      assertAlmostEquals((moved(h) - moved(-h)) / (2 * h), norm, 0.05 * norm + 5e-5, `${label}: ${name}`);
    }
  }
});

Deno.test("gptLogits() without biases equals the model whose biases are 0", () => {
  const config = { ...small, bias: false };
  const parameters = someParameters(config);
  const zeros = Object.fromEntries(
    Object.entries(parameterShapes(small)).map((
      [name, shape],
    ) => [name, parameters[name] ?? tf.zeros(shape)]),
  );
  const want = read(gptLogits(zeros, tokens, small));
  read(gptLogits(parameters, tokens, config)).forEach((v, i) => assertAlmostEquals(v, want[i]!, 1e-5));
});

Deno.test("the untied head with the embeddings' values equals the tied one", () => {
  const parameters = someParameters(small);
  const untied = { ...parameters, "lm_head.weight": parameters["wte.weight"]! };
  assertEquals(
    read(gptLogits(untied, tokens, { ...small, tiedHead: false })),
    read(gptLogits(parameters, tokens, small)),
  );
});

Deno.test("qkNorm makes attention independent of the scale of queries and keys", () => {
  const config = { ...small, qkNorm: true, bias: false };
  const parameters = someParameters(config);
  const scaled = { ...parameters };
  for (const layer of [0, 1]) {
    const name = `h.${layer}.attn.c_attn.weight`;
    const factors = tf.tensor1d(Array.from({ length: 48 }, (_, i) => i < 32 ? 50 : 1)); // q and k, not v
    scaled[name] = tf.mul(parameters[name]!, factors);
  }
  const want = read(gptLogits(parameters, tokens, config));
  // Only LayerNorm's epsilon of 1e-5, added to variances near 1, depends on the scale.
  read(gptLogits(scaled, tokens, config)).forEach((v, i) => assertAlmostEquals(v, want[i]!, 1e-3));
  const without = { ...config, qkNorm: false };
  assertNotEquals(
    read(gptLogits(scaled, tokens, without)).map((v) => v.toFixed(2)),
    read(gptLogits(parameters, tokens, without)).map((v) => v.toFixed(2)),
  );
});

Deno.test("logitSoftCap bounds the logits as Gemma 2 does", () => {
  const parameters = someParameters(small);
  const plain = read(gptLogits(parameters, tokens, small));
  const cap = 1.5;
  const capped = read(gptLogits(parameters, tokens, { ...small, logitSoftCap: cap }));
  capped.forEach((v, i) => {
    assertLessOrEqual(Math.abs(v), cap);
    assertAlmostEquals(v, cap * Math.tanh(plain[i]! / cap), 1e-6);
  });
  const hidden = tf.randomNormal<tf.Rank.R2>([3, 16], 0, 1, "float32", 5);
  assertLessOrEqual(
    Math.max(...read(headLogits(parameters, hidden, { ...small, logitSoftCap: 0.1 })).map(Math.abs)),
    Math.fround(0.1),
  );
});

Deno.test("attentionSoftCap bounds scores: with a growing cap the model approaches the plain one", () => {
  const parameters = someParameters(small);
  const plain = read(gptLogits(parameters, tokens, small));
  const distance = (attentionSoftCap: number) => {
    const capped = read(gptLogits(parameters, tokens, { ...small, attentionSoftCap }));
    return rms(capped.map((v, i) => v - plain[i]!));
  };
  assert(distance(0.5) > 1e-2, "the cap has no effect");
  // cap tanh(x / cap) = x - x^3 / (3 cap^2) + ...: for large caps, a ten times larger cap is a hundred times closer.
  assertAlmostEquals(distance(10) / distance(100), 100, 20);
});

Deno.test("activate() computes the named functions", () => {
  const x = [-3, -1, -0.3, 0, 0.5, 1, 2.5, 4];
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  // erf by its series, which converges everywhere.
  const erf = (v: number) => {
    let term = v, sum = v;
    for (let n = 1; n < 60; n++) sum += (term *= -v * v / n) / (2 * n + 1);
    return 2 / Math.sqrt(Math.PI) * sum;
  };
  const want = {
    geluErf: x.map((v) => v / 2 * (1 + erf(v / Math.SQRT2))),
    relu: x.map((v) => Math.max(v, 0)),
    relu2: x.map((v) => Math.max(v, 0) ** 2),
    silu: x.map((v) => v * sigmoid(v)),
    gelu: x.map((v) => v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
  };
  for (const [name, values] of Object.entries(want)) {
    const got = read(activate(tf.tensor2d(x, [2, 4]), name as keyof typeof want));
    got.forEach((v, i) => assertAlmostEquals(v, values[i]!, 2e-6, name));
  }
  assertEquals(activate(tf.tensor2d(x, [2, 4]), "swiglu").shape, [2, 2]);
  const gated = read(activate(tf.tensor2d(x, [2, 4]), "swiglu"));
  [[0, 2], [1, 3], [4, 6], [5, 7]].forEach(([gate, value], i) =>
    assertAlmostEquals(gated[i]!, x[gate!]! * sigmoid(x[gate!]!) * x[value!]!, 2e-6)
  );
});

/** Pointwise functions with gradients of their own. */
const POINTWISE = {
  geluErf: (x: tf.Tensor) => activate(x, "geluErf"),
  silu: (x: tf.Tensor) => activate(x, "silu"),
  relu2: (x: tf.Tensor) => activate(x, "relu2"),
  softCap: (x: tf.Tensor) => softCap(x, { cap: 2, scale: 0.5 }),
  swiglu: (x: tf.Tensor) => activate(x, "swiglu"),
};

Deno.test("pointwise functions of bfloat16 equal float32's results rounded once, including gradients", () => {
  const x = tf.tensor2d(read(tf.randomNormal([40], 0, 2, "float32", 1)).map(roundToBfloat16), [4, 10]);
  for (const [name, f] of Object.entries(POINTWISE)) {
    const low = f(toBfloat16(x));
    assertEquals(trueDtype(low), "bfloat16", name);
    assertEquals(read(low), read(f(x)).map(roundToBfloat16), name);
    const slope = tf.grad(f)(toBfloat16(x));
    assertEquals(trueDtype(slope), "bfloat16", name);
    assertEquals(read(slope), read(tf.grad(f)(x)).map(roundToBfloat16), name);
  }
});

Deno.test("pointwise functions of large tensors are fused in a graph, with the same results and gradients", () => {
  const x = tf.randomNormal([256, 1024], 0, 2, "float32", 1); // above the smallest fused size
  for (const [name, f] of Object.entries(POINTWISE)) {
    const both = (x: tf.Tensor) => [f(x), tf.grad(f)(x)];
    using compiled = compile(both);
    const got = compiled(x) as tf.Tensor[];
    both(x).forEach((want, i) => {
      const scale = tf.max(tf.abs(want)).dataSync()[0]!;
      assertLess(tf.max(tf.abs(tf.sub(want, got[i]!))).dataSync()[0]!, 1e-6 * scale, `${name} ${i}`);
    });
  }
});

Deno.test("dropout keeps 1 - rate of the numbers, scaled, and its gradient is its mask", () => {
  const ones = tf.ones([100, 200]), rate = 0.3;
  const drop = (x: tf.Tensor) => createDropout(rate, key(1))(x);
  const values = read(drop(ones));
  const scaled = Math.fround(1 / (1 - rate));
  assert(values.every((v) => v === 0 || v === scaled));
  // Five standard deviations of a binomial's share.
  assertAlmostEquals(
    values.filter((v) => v === 0).length / values.length,
    rate,
    5 * Math.sqrt(rate * (1 - rate) / values.length),
  );
  assertEquals(read(tf.grad(drop)(ones)), values);
  const next = createDropout(rate, key(1));
  assertNotEquals(read(next(ones)), read(next(ones)), "each call has its own mask");
  assertEquals(trueDtype(drop(toBfloat16(ones))), "bfloat16");
});

Deno.test("dropout requires a key, is equal for equal keys, compiled or not, and differs for others", () => {
  const config = { ...small, dropout: 0.2 };
  const parameters = someParameters(config);
  const plain = read(gptLogits(parameters, tokens, small));
  assertEquals(read(gptLogits(parameters, tokens, config)), plain);
  assertEquals(read(gptLogits(parameters, tokens, small, { dropoutKey: key(1) })), plain);
  const run = (dropoutKey: tf.Tensor1D) => gptLogits(parameters, tokens, config, { dropoutKey });
  using compiled = compile(run);
  const [first, again, other] = [key(1), key(1), key(2)].map((key) => read(compiled(key)));
  assertEquals(compiled.traces, 1);
  assertEquals(again, first);
  assertNotEquals(other, first);
  assertNotEquals(first, plain);
  read(run(key(1))).forEach((v, i) => assertAlmostEquals(v, first![i]!, 1e-5));
});

Deno.test("gradients through dropout are those of the pass with the same key", () => {
  const config = { ...small, dropout: 0.2 };
  const parameters = someParameters(config);
  const name = "h.0.mlp.c_fc.weight", weight = parameters[name]!;
  using slope = compile((weight: tf.Tensor, dropoutKey: tf.Tensor) =>
    tf.grad((w) => {
      const logits = gptLogits({ ...parameters, [name]: w }, tokens, config, { dropoutKey });
      return tf.mean(tf.square(logits)) as tf.Scalar;
    })(weight)
  );
  const gradient = slope(weight, key(4));
  const norm = Math.sqrt(read(tf.sum(tf.square(gradient)))[0]!);
  const moved = (by: number) => {
    const w = tf.add(weight, tf.mul(gradient, by / norm));
    const logits = gptLogits({ ...parameters, [name]: w }, tokens, config, { dropoutKey: key(4) });
    return read(tf.mean(tf.square(logits)))[0]!;
  };
  assertAlmostEquals((moved(1e-2) - moved(-1e-2)) / 2e-2, norm, 0.02 * norm + 1e-4);
});

Deno.test("options work under bf16-autocast: logits in bfloat16, close to float32's", () => {
  for (const [label, option] of Object.entries({ ...OPTIONS, dropout: { dropout: 0.1 } })) {
    const config = { ...small, ...option };
    const parameters = someParameters(config);
    const options = { dropoutKey: key(3) };
    const wide = read(gptLogits(parameters, tokens, config, options));
    const low = autocast("bf16-autocast", () => {
      const logits = gptLogits(parameters, tokens, config, options);
      assertEquals(trueDtype(logits), "bfloat16", label);
      return read(logits);
    });
    // About 13 roundings a layer and 3 at the end, each with a relative deviation of 2^-8 / sqrt(3):
    // tests/parity_test.ts.
    const bound = 4 * Math.sqrt(13 * small.nLayer + 3) * 2 ** -8 / Math.sqrt(3) * rms(wide);
    assertLess(rms(low.map((v, i) => v - wide[i]!)), bound, label);
  }
});

Deno.test("a table of positions with more rows than blockSize is used up to T", () => {
  const parameters = someParameters(small), whole = gptLogits(parameters, tokens, small);
  assertEquals(read(gptLogits(parameters, tokens, { ...small, blockSize: 9 })), read(whole));
});

Deno.test("gptLogits() refuses sequences that are too long and missing parameters", () => {
  const parameters = someParameters(small);
  const long = tf.zeros<tf.Rank.R2>([1, 13], "int32");
  assertThrows(
    () => gptLogits(parameters, long, small),
    RangeError,
    "expected T <= blockSize (12 tokens), got 13",
  );
  assertThrows(
    () => gptLogits(parameters, tokens, { ...small, tiedHead: false }),
    RangeError,
    "expected the parameter lm_head.weight",
  );
});
