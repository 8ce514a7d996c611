import { assertAlmostEquals, assertEquals } from "@std/assert";
import { createRandom } from "../text/mod.ts";
import { ErrorSums } from "./gradient_error.ts";

const SIZE = 4000, K = 16;

/** Returns the error of gradients with a constant and an independent part. */
function errorOf({ constant, independent }: { constant: number; independent: number }) {
  const random = createRandom(3, "error"), sums = new ErrorSums({ w: { size: SIZE } });
  const normal = () => random.fillNormal(new Float32Array(SIZE), { std: 1 });
  const fixed = normal(), wanted = normal();
  for (let k = 0; k < K; k++) {
    const noise = normal();
    sums.add({ w: wanted.map((g, i) => g + constant * fixed[i]! + independent * noise[i]!) }, { w: wanted });
  }
  return sums.errorOf(["w"]);
}

Deno.test("ErrorSums: equal errors have a coherence of √K, independent ones of 1, and only equal ones have a bias", () => {
  const equal = errorOf({ constant: 0.1, independent: 0 });
  assertAlmostEquals(equal.coherence, Math.sqrt(K), 1e-6);
  assertAlmostEquals(equal.bias, equal.error, 1e-6);
  const independent = errorOf({ constant: 0, independent: 0.1 });
  assertAlmostEquals(independent.error, 0.1, 5e-3);
  assertAlmostEquals(independent.coherence, 1, 0.05);
  assertAlmostEquals(independent.bias, 0, 0.01);
  // A bias of a fifth of the noise is measured, though it makes 4 % of the squared error.
  const both = errorOf({ constant: 0.02, independent: 0.1 });
  assertAlmostEquals(both.bias, 0.02, 3e-3);
  assertAlmostEquals(both.coherence, Math.sqrt((16 * 0.04 + 1) / 1.04), 0.05);
});

Deno.test("ErrorSums: no error, one batch, and gradients that are not finite", () => {
  const of = (g: number, g0: number) => {
    const sums = new ErrorSums({ w: { size: 1 } });
    sums.add({ w: Float32Array.of(g) }, { w: Float32Array.of(g0) });
    return sums.errorOf(["w"]);
  };
  assertEquals(of(2, 2), { error: 0, cosine: 1, bias: 0, coherence: NaN });
  assertEquals(of(3, 2), { error: 0.5, cosine: 1, bias: NaN, coherence: NaN });
  assertEquals(of(NaN, 2).error, Infinity);
});
