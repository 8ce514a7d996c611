import { assert, assertEquals, assertThrows } from "@std/assert";
import { randomUnicode } from "./_testing.ts";
import { createRandom } from "./random.ts";
import { splitText, splitTokens } from "./split.ts";

Deno.test("splitText() keeps the last tenth for validation by default", () => {
  assertEquals(splitText("0123456789abcdefghij"), { train: "0123456789abcdefgh", validation: "ij" });
  assertEquals(splitText("0123456789", { validationFraction: 0.3 }), { train: "0123456", validation: "789" });
});

Deno.test("splitText() never cuts a character in two and loses nothing", () => {
  assertEquals(splitText("a😀b", { validationFraction: 0.5 }), { train: "a😀", validation: "b" });
  const random = createRandom(1, "split");
  for (let round = 0; round < 200; round++) {
    const text = randomUnicode(random, 3 + random.integer(40));
    const { train, validation } = splitText(text, { validationFraction: 0.05 + 0.9 * random.uniform() });
    assertEquals(train + validation, text);
    assert(train.isWellFormed() && validation.isWellFormed());
    assert(train !== "" && validation !== "");
  }
});

Deno.test("splitTokens() cuts an array in two views", () => {
  const tokens = Int32Array.from({ length: 25 }, (_, i) => i);
  const { train, validation } = splitTokens(tokens, { validationFraction: 0.2 });
  assertEquals(Array.from(train), Array.from(tokens.slice(0, 20)));
  assertEquals(Array.from(validation), [20, 21, 22, 23, 24]);
  assert(train.buffer === tokens.buffer);
});

Deno.test("splitText() and splitTokens() leave at least one in each part", () => {
  assertEquals(splitText("ab"), { train: "a", validation: "b" });
  assertEquals(splitTokens(new Int32Array(3), { validationFraction: 0.99 }).train.length, 1);
});

Deno.test("splitText() and splitTokens() throw when the fraction is wrong or the whole too short", () => {
  for (const validationFraction of [0, 1, -0.1, 1.5, NaN]) {
    assertThrows(
      () => splitText("some text", { validationFraction }),
      RangeError,
      `must be > 0 and < 1: validationFraction is ${validationFraction}`,
    );
  }
  assertThrows(() => splitText(""), RangeError, "the whole has 0");
  assertThrows(() => splitText("a"), RangeError, "the whole has 1");
  assertThrows(() => splitText("😀"), RangeError, "at least 1 character");
  assertThrows(() => splitTokens(new Int32Array(1)), RangeError, "the whole has 1");
});
