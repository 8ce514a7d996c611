import { assertEquals, assertThrows } from "@std/assert";
import { parseFormat } from "./format.ts";

Deno.test("parseFormat() accepts named formats, and any width up to float32's", () => {
  assertEquals(parseFormat("bfloat16"), {
    name: "bfloat16",
    exponent: 8,
    mantissa: 7,
    bits: 16,
    family: "ieee",
    largest: 2 ** 127 * (2 - 2 ** -7),
    smallestNormal: 2 ** -126,
    smallestSubnormal: 2 ** -133,
    hasNaN: true,
    overflow: "infinity",
    rounding: "nearest",
    storage: "bfloat16",
    emulated: false,
  });
  const aliases = { "float16-nearest": "float16", "e5m2-saturating-nearest": "e5m2-saturating" };
  for (const [alias, name] of Object.entries(aliases)) {
    assertThrows(() => parseFormat(alias), RangeError, `expected its name, ${name}`);
  }
  assertEquals(parseFormat("e4m3-stochastic"), {
    name: "e4m3-stochastic",
    exponent: 4,
    mantissa: 3,
    bits: 8,
    family: "ieee",
    largest: 240,
    smallestNormal: 2 ** -6,
    smallestSubnormal: 2 ** -9,
    hasNaN: true,
    overflow: "infinity",
    rounding: "stochastic",
    storage: "float32",
    emulated: true,
  });
  assertEquals(parseFormat("e4m3fn-nonsaturating-stochastic").name, "e4m3fn-nonsaturating-stochastic");
  // Formats without a rounding kernel are emulated, for any width.
  assertEquals(parseFormat("bfloat16-truncate").emulated, true);
  assertEquals(parseFormat("bfloat16-kahan").emulated, false);
  assertEquals([parseFormat("e8m23").emulated, parseFormat("float32").emulated], [false, false]);
  for (let e = 2; e <= 8; e++) {
    for (let m = 1; m <= 23; m++) assertEquals(parseFormat(`e${e}m${m}`).mantissa, m);
  }
});

Deno.test("parseFormat() refuses other names, and lists the valid ones", () => {
  const wrong = [
    "",
    "fp8",
    "e1m3",
    "e9m3",
    "e4m0",
    "e4m24",
    "e4m3-up",
    "float32-truncate",
    "e8m23-kahan",
    "BFLOAT16",
    "e4m3fn-saturating",
    "e4m3fn-stochastic-nonsaturating",
    "e2m1fn-saturating",
    "e05m2",
    "e8m0-stochastic",
    "constructor",
  ];
  for (
    const name of [...wrong, "e4m3 ", "e4m3-", "é4m3", "e4m3-nearest-nearest", "e99999999999999999999m3"]
  ) {
    assertThrows(() => parseFormat(name), RangeError, "expected float32, bfloat16, float16, an OCP format");
  }
});
