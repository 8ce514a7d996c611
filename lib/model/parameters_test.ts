import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { initialParameters, parameterCount, parameterShapes } from "./parameters.ts";

const config = { nLayer: 2, nHead: 2, nEmbd: 32, vocabSize: 61, blockSize: 24 };

Deno.test("initialParameters() has GPT-2's standard deviations, zeros and ones", () => {
  const parameters = initialParameters(config, 1);
  const deviation = (name: string) => {
    const { values } = parameters[name]!;
    return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  };
  assertAlmostEquals(deviation("wte.weight"), 0.02, 0.002);
  assertAlmostEquals(deviation("h.1.attn.c_attn.weight"), 0.02, 0.002);
  assertAlmostEquals(deviation("h.1.mlp.c_proj.weight"), 0.01, 0.001); // 0.02 / sqrt(2 L)
  assertEquals(new Set(parameters["h.0.ln_1.weight"]!.values), new Set([1]));
  assertEquals(new Set(parameters["h.0.attn.c_attn.bias"]!.values), new Set([0]));
});

Deno.test("initialParameters() is determined by its seed, and a further layer changes no other parameter", () => {
  assertEquals(initialParameters(config, 3), initialParameters(config, 3));
  assertNotEquals(initialParameters(config, 3)["wte.weight"], initialParameters(config, 4)["wte.weight"]);
  const deeper = initialParameters({ ...config, nLayer: 3 }, 3);
  assertEquals(deeper["h.0.mlp.c_fc.weight"], initialParameters(config, 3)["h.0.mlp.c_fc.weight"]);
});

Deno.test("parameterCount() of GPT-2 small is 124,439,808", () => {
  assertEquals(
    parameterCount({ nLayer: 12, nHead: 12, nEmbd: 768, vocabSize: 50257, blockSize: 1024 }),
    124_439_808,
  );
});

Deno.test("parameterShapes() refuses invalid sizes", () => {
  assertThrows(
    () => parameterShapes({ ...config, nHead: 5 }),
    RangeError,
    "expected nEmbd to be a multiple of nHead",
  );
  assertThrows(
    () => parameterShapes({ ...config, nLayer: 0 }),
    RangeError,
    "expected an integer >= 1 for nLayer, got 0",
  );
  assertThrows(() => parameterShapes({ ...config, vocabSize: 1.5 }), RangeError, "vocabSize");
});

Deno.test("parameterShapes() follows the options, and options change no other parameter's values", () => {
  const plain = initialParameters(config, 1);
  const options = { bias: false, tiedHead: false, qkNorm: true, activation: "swiglu" } as const;
  const shapes = parameterShapes({ ...config, ...options });
  assertEquals(Object.keys(shapes).filter((name) => name.endsWith("bias")), []);
  assertEquals(shapes["lm_head.weight"], [61, 32]);
  assertEquals(shapes["h.1.attn.q_norm.weight"], [16]);
  assertEquals([shapes["h.0.mlp.c_fc.weight"], shapes["h.0.mlp.c_proj.weight"]], [[32, 176], [88, 32]]);
  const other = initialParameters({ ...config, ...options }, 1);
  assertEquals(other["h.1.attn.c_attn.weight"], plain["h.1.attn.c_attn.weight"]);
  assertEquals(new Set(other["h.0.attn.k_norm.weight"]!.values), new Set([1]));
  assertNotEquals(other["lm_head.weight"]!.values, other["wte.weight"]!.values);
});

Deno.test("initialParameters() moves each value by at most one unit in the last place if perturbed", () => {
  const plain = initialParameters(config, 1);
  assertEquals(initialParameters(config, 1, { perturb: 0, reorder: 0 }), plain);
  const [first, second] = [1, 2].map((perturb) => initialParameters(config, 1, { perturb }));
  assertEquals(initialParameters(config, 1, { perturb: 1 }), first);
  assertNotEquals(first, second);
  const moves = new Map<number, number>();
  for (const [name, { values }] of Object.entries(plain)) {
    const [before, after] = [new Int32Array(values.buffer), new Int32Array(first![name]!.values.buffer)];
    for (let i = 0; i < before.length; i++) {
      if (values[i] === 0) assertEquals(after[i], 0);
      else moves.set(after[i]! - before[i]!, (moves.get(after[i]! - before[i]!) ?? 0) + 1);
    }
  }
  assertEquals([...moves.keys()].sort((a, b) => a - b), [-1, 0, 1]);
  const total = [...moves.values()].reduce((sum, n) => sum + n, 0);
  for (const n of moves.values()) assertAlmostEquals(n / total, 1 / 3, 0.02);
});

Deno.test("initialParameters() scales matrices, including the residual's, with initStd", () => {
  const plain = initialParameters(config, 1), wide = initialParameters({ ...config, initStd: 0.04 }, 1);
  for (const name of ["wte.weight", "h.0.mlp.c_proj.weight"]) {
    assertEquals(wide[name]!.values, plain[name]!.values.map((value) => 2 * value));
  }
  assertEquals(wide["h.0.ln_1.weight"], plain["h.0.ln_1.weight"]);
});
