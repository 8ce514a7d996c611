import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { bitsPerByte, perplexity, positionLosses } from "./metrics.ts";

Deno.test("perplexity() of a uniform distribution over V tokens is V", () => {
  assertAlmostEquals(perplexity(Math.log(65)), 65, 1e-12);
});

Deno.test("bitsPerByte() of one bit per byte is 1, for any number of tokens", () => {
  assertAlmostEquals(bitsPerByte(10 * Math.LN2, 10), 1, 1e-12);
});

Deno.test("positionLosses() averages each position over sequences, without excluded tokens", () => {
  const losses = [1, 2, 3, 5, 6, 7];
  assertEquals([...positionLosses(losses, { T: 3 })], [3, 4, 5]);
  const counted = [true, false, false, true, true, false];
  assertEquals([...positionLosses(losses, { T: 3, counted })], [3, 6, NaN]);
});

Deno.test("positionLosses() refuses losses of incomplete sequences", () => {
  assertThrows(() => positionLosses([1, 2, 3], { T: 2 }), RangeError, "a multiple of T = 2 losses, got 3");
  assertThrows(() => positionLosses([], { T: 0 }), RangeError, "T = 0");
});
