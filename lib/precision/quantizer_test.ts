import { assertEquals, assertThrows } from "@std/assert";
import { fullQuantizerNames, parseQuantizer, parseScaling } from "./quantizer.ts";

Deno.test("parseQuantizer() accepts formats, scalings and short names, each with one name", () => {
  const names = {
    "e4m3fn": "e4m3fn",
    "e4m3/tensor": "e4m3/tensor",
    "float16/row": "float16/row",
    "e5m2-saturating-stochastic/delayed-64": "e5m2-saturating-stochastic/delayed-64",
    "mxfp8": "e4m3fn/mx",
    "mxfp6": "e3m2fn/mx",
    "mxfp4-stochastic": "e2m1fn-stochastic/mx",
    "nvfp4-truncate": "e2m1fn-truncate/nvfp4",
    "e2m3fn/mx-ceil": "e2m3fn/mx-ceil",
  };
  for (const [text, name] of Object.entries(names)) assertEquals(parseQuantizer(text).name, name);
  assertEquals(parseQuantizer("e4m3fn").scaling, undefined);
  assertEquals(parseScaling("delayed").history, 16);
});

Deno.test("parseQuantizer() refuses other names, and lists the valid ones", () => {
  const wrong = {
    "e4m3fn/block": "expected tensor, row, mx",
    "e4m3fn/": "expected tensor, row, mx",
    "e4m3fn/tensor/row": "expected tensor, row, mx",
    "e4m3fn/delayed-16": "expected its name, delayed",
    "e4m3fn/delayed-0": "from 1 to 1024",
    "e4m3fn/delayed-2000": "from 1 to 1024",
    "e4m3fn/toString": "expected tensor, row, mx",
    "mxfp8/tensor": "expected mxfp8 alone",
    "mxfp4-fast": "expected float32, bfloat16",
    "mxfp5": "expected float32, bfloat16",
    "bfloat16/tensor": "8 bits of exponent",
    "float32/mx": "8 bits of exponent",
    "e8m3/mx": "8 bits of exponent",
    "e8m0/mx": "a format of values",
    "e4m3-kahan/tensor": "which compensates weight updates",
  };
  for (const [text, message] of Object.entries(wrong)) {
    assertThrows(() => parseQuantizer(text), RangeError, message, text);
  }
});

Deno.test("fullQuantizerNames() leaves other names unchanged", () => {
  assertEquals(fullQuantizerNames({ format: "toString" }), { format: "toString" });
  assertEquals(fullQuantizerNames({ format: "e4m3", scaling: "x" }), { format: "e4m3", scaling: "x" });
});
