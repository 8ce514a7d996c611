import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createRandom } from "../text/random.ts";
import { blockMeans, blocksOf, divergedAt, tailBegin } from "./gap_blocks.ts";

/** Returns a falling loss with normal noise, as of a small model. */
function falling(steps: number, { seed = 1, noise = 0.05 } = {}): number[] {
  const random = createRandom(seed, "test");
  return Array.from(
    { length: steps },
    (_, i) => 2 + 2.5 * Math.exp(-i / 40) + noise * random.normal(),
  );
}

Deno.test("blocksOf() assigns every step to one of at most 20 blocks", () => {
  for (const steps of [1, 2, 19, 20, 21, 39, 40, 41, 100, 999, 100_000]) {
    const blocks = blocksOf(steps);
    assert(blocks.length <= 20);
    assertEquals(blocks[0]!.first, 1);
    assertEquals(blocks.at(-1)!.last, steps);
    blocks.slice(1).forEach(({ first }, i) => assertEquals(first, blocks[i]!.last + 1));
  }
  assertEquals(blocksOf(0), []);
  assertEquals(blocksOf(3).map(({ first, last }) => [first, last]), [[1, 1], [2, 2], [3, 3]]);
});

Deno.test("blockMeans() ignores non-finite values", () => {
  const blocks = [{ first: 1, last: 2 }, { first: 3, last: 4 }, { first: 5, last: 5 }];
  assertEquals(blockMeans([1, 3, NaN, 5, Infinity], blocks), [2, 5, NaN]);
});

Deno.test("tailBegin() returns the start of the last unbroken range that reaches the end", () => {
  assertEquals(tailBegin([false, true, false, true, true]), 3);
  assertEquals(tailBegin([true, true]), 0);
  assertEquals(tailBegin([true, false]), undefined);
  assertEquals(tailBegin([]), undefined);
});

Deno.test("divergedAt() finds no divergence in falling, flat, noisy and short losses, or after a temporary jump", () => {
  for (let seed = 1; seed <= 50; seed++) {
    assertEquals(divergedAt(falling(200, { seed })), undefined);
    assertEquals(divergedAt(falling(200, { seed, noise: 0.5 })), undefined);
    assertEquals(divergedAt(falling(200, { seed }).map((loss) => loss * 0 + (loss % 0.01))), undefined);
  }
  assertEquals(divergedAt(falling(200).map((loss, i) => i > 100 && i < 115 ? loss + 5 : loss)), undefined);
  assertEquals(divergedAt(falling(200).with(100, NaN)), undefined);
  for (const losses of [[], [1], [1, 2, 3], [1, 9, 1, 9, 1, 9]]) assertEquals(divergedAt(losses), undefined);
  assertEquals(divergedAt(new Array(100).fill(2)), undefined);
  // The model learns nothing, and the last digits of the loss rise.
  assertEquals(
    divergedAt(Array.from({ length: 100 }, (_, i) => 3.3 + 1e-7 * Math.max(0, i - 50))),
    undefined,
  );
});

Deno.test("divergedAt() returns the first non-finite loss after which no loss is finite", () => {
  assertEquals(divergedAt([3, 2, NaN, Infinity]), 3);
  assertEquals(divergedAt([3, NaN, 2, NaN]), 4);
  assertEquals(divergedAt([NaN, NaN]), 1);
});

Deno.test("divergedAt() returns the step from which half of the progress is lost", () => {
  const losses = falling(300).map((loss, i) => i >= 180 ? loss + 2 : loss);
  const step = divergedAt(losses)!;
  assertAlmostEquals(step, 181, 8);
  assertEquals(divergedAt(falling(300).map((loss, i) => i >= 180 ? loss + 0.2 : loss)), undefined);
  assertEquals(divergedAt(falling(300).map((loss, i) => i >= 180 ? 1e30 : loss)), 181);
});
