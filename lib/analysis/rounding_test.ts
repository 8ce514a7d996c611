import { assertEquals } from "@std/assert";
import { roundToBfloat16, roundToFloat16 } from "./rounding.ts";

Deno.test("roundToBfloat16() preserves all 65,536 values and rounds ties to even", () => {
  const float = new Float32Array(1), bits = new Uint32Array(float.buffer);
  const at = (high: number, low = 0) => {
    bits[0] = (high << 16 | low) >>> 0;
    return float[0]!;
  };
  for (let high = 0; high < 65536; high++) {
    const value = at(high);
    if (!Number.isFinite(value)) continue;
    const [tie, above, below] = [at(high, 0x8000), at(high, 0x8001), at(high, 0x7fff)];
    const up = at(high + 1);
    const found = [value, tie, above, below].map(roundToBfloat16);
    if (!Object.is(found[0], value)) throw new Error(`${value} became ${found[0]}`);
    assertEquals(found.slice(1), [high % 2 === 0 ? value : up, up, value]);
  }
  assertEquals([NaN, Infinity, -Infinity].map(roundToBfloat16), [NaN, Infinity, -Infinity]);
});

Deno.test("roundToFloat16() has 11 significant bits, subnormals and a largest value of 65,504", () => {
  assertEquals([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -24, 2 ** -25].map(roundToFloat16), [
    1,
    1 + 2 ** -9,
    65504,
    Infinity,
    2 ** -24,
    0,
  ]);
});
