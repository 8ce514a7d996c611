import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { detectable, pairsToDecide, power } from "./power.ts";

Deno.test("power() equals R's power.t.test for one sample, two-sided, strict", () => {
  const alpha = 0.05;
  // power.t.test(n, delta, sd = 1, sig.level = 0.05, type = "one.sample", strict = TRUE)
  assertAlmostEquals(power({ mean: 1, sd: 1 }, 10, { alpha }), 0.80310, 1e-4);
  assertAlmostEquals(power({ mean: 1, sd: 1 }, 5, { alpha }), 0.40139, 1e-4);
  for (const n of [2, 3, 5, 100]) assertAlmostEquals(power({ mean: 0, sd: 2 }, n, { alpha }), alpha, 3e-4);
});

Deno.test("power() counts equivalence with the tolerance and the noise floor as decisions", () => {
  const narrow = { mean: 0, sd: 0.001 };
  assertAlmostEquals(power(narrow, 5, { alpha: 0.05, tolerance: 0.01 }), 1, 1e-6);
  assertAlmostEquals(power(narrow, 5, { alpha: 0.05, floor: 0.01 }), 1, 1e-6);
  assertAlmostEquals(power({ mean: 0, sd: 1 }, 5, { alpha: 0.05, tolerance: 0.01 }), 0.05, 1e-3);
});

Deno.test("detectable() has a power of 0.8", () => {
  for (const [n, alpha] of [[2, 0.05], [5, 0.05], [5, 0.05 / 6], [30, 0.05]] as const) {
    const size = detectable({ mean: 0, half: 1, sd: 0.01, n }, alpha)!;
    assertAlmostEquals(power({ mean: size, sd: 0.01 }, n, { alpha }), 0.8, 1e-3);
  }
  assertEquals(detectable({ mean: 1, half: undefined, sd: undefined, n: 1 }, 0.05), undefined);
  assertEquals(detectable({ mean: 1, half: 0, sd: 0, n: 3 }, 0.05), 0);
});

Deno.test("pairsToDecide() returns the smallest number of pairs that decide", () => {
  const effect = { mean: 0.004, sd: 0.01 }, criteria = { alpha: 0.05, tolerance: 0.01 };
  const n = pairsToDecide(effect, criteria, 2)!;
  assert(power(effect, n, criteria) >= 0.8 && power(effect, n - 1, criteria) < 0.8, String(n));
  assertEquals(pairsToDecide(effect, criteria, n + 5), n + 5);
  assertEquals(pairsToDecide({ mean: 1e-6, sd: 1 }, criteria, 2), undefined);
});
