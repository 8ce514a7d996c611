import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { bitsPerByte, perplexity, positionLosses } from "./metrics.ts";

Deno.test("perplexity() of a uniform guess among V is V", () => {
  assertAlmostEquals(perplexity(Math.log(65)), 65, 1e-12);
});

Deno.test("bitsPerByte() of one bit a byte is 1, whatever the tokens", () => {
  assertAlmostEquals(bitsPerByte(10 * Math.LN2, 10), 1, 1e-12);
});

Deno.test("positionLosses() averages each position over sequences, without tokens that do not count", () => {
  const losses = [1, 2, 3, 5, 6, 7];
  assertEquals([...positionLosses(losses, { T: 3 })], [3, 4, 5]);
  const counted = [true, false, false, true, true, false];
  assertEquals([...positionLosses(losses, { T: 3, counted })], [3, 6, NaN]);
});

Deno.test("positionLosses() refuses losses that are no whole sequences", () => {
  assertThrows(() => positionLosses([1, 2, 3], { T: 2 }), RangeError, "there are 3, T is 2");
  assertThrows(() => positionLosses([], { T: 0 }), RangeError, "T is 0");
});
