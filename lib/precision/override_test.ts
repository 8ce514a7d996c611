import { assertEquals, assertMatch } from "@std/assert";
import { classFormats } from "./class_formats.ts";
import {
  formatOverride,
  layerNames,
  layerOfParameter,
  type OpClass,
  overridesProblem,
  parseOverride,
} from "./override.ts";

Deno.test("classFormats() returns the last matching override; optimizer must be named", () => {
  const overrides = [
    { format: "bfloat16" },
    { opClasses: ["softmax" as const], format: "float32" },
    { layers: ["h.1"], opClasses: ["softmax" as const, "linear" as const], format: "e8m3" },
  ];
  const at = (layer: string, opClass: OpClass) =>
    classFormats({ classes: {}, overrides }, { layer, opClass }).whole?.name;
  assertEquals(at("h.0", "linear"), "bfloat16");
  assertEquals(at("h.0", "softmax"), "float32");
  assertEquals(at("h.1", "softmax"), "e8m3");
  assertEquals(at("h.10", "softmax"), "float32");
  assertEquals(at("h.1", "optimizer"), undefined);
});

Deno.test("layers are named, and every parameter belongs to one", () => {
  assertEquals(layerNames(2), ["embedding", "h.0", "h.1", "head", "loss"]);
  assertEquals(
    ["wte.weight", "wpe.weight", "h.11.ln_1.bias", "ln_f.weight", "lm_head.weight"].map(layerOfParameter),
    ["embedding", "embedding", "h.11", "head", "head"],
  );
});

Deno.test("parseOverride() reads the output of formatOverride()", () => {
  for (
    const text of [
      "softmax@h.1=e8m3",
      "linear+attention=float32",
      "@head+h.0=bfloat16",
      "=float16",
      "linear.dy=e5m2/tensor",
      "linear.wgrad.x+linear.wgrad.dy@h.0=e2m1fn-stochastic/mx",
    ]
  ) {
    assertEquals(formatOverride(parseOverride(text)), text);
  }
  assertEquals(parseOverride("softmax"), { opClasses: ["softmax" as OpClass], format: "" });
  assertEquals(parseOverride("linear.wgrad.x=mxfp8"), {
    opClasses: ["linear"],
    operands: ["wgrad.x"],
    format: "e4m3fn",
    scaling: "mx",
  });
});

Deno.test("overridesProblem() names the invalid part", () => {
  assertEquals(overridesProblem([{ layers: ["h.1", "loss"], format: "e8m3" }], 2), undefined);
  assertMatch(
    overridesProblem([{ layers: ["h.2"], format: "e8m3" }], 2)!,
    /among embedding, h.0, h.1, head, loss, got "h.2"/,
  );
  assertMatch(
    overridesProblem([{ layers: [], format: "e8m3" }], 2)!,
    /expected layers of overrides to name at least one/,
  );
  assertMatch(overridesProblem([{ format: "" }], 2)!, /number format ""/);
  assertMatch(overridesProblem([{ format: "bfloat16-kahan" }], 2)!, /to the class optimizer only/);
  assertEquals(overridesProblem([{ opClasses: ["optimizer"], format: "bfloat16-kahan" }], 2), undefined);
  const wrong: Record<string, RegExp> = {
    "linear.z=e4m3fn": /no operand "z": expected one operand/,
    "linear.forward.dy=e4m3fn": /no operand "forward.dy"/,
    "linear.=e4m3fn": /no operand ""/,
    "linear+linear.x=e4m3fn": /no operand ""/,
    "softmax.x=e4m3fn": /operands \(x\) belong to the class linear, got softmax/,
    "=mxfp8": /scaling mx applies to the class linear only/,
    "attention=e4m3fn/row": /scaling row applies to the class linear only/,
    "optimizer=e4m3fn/tensor": /optimizer has no scaling/,
    "linear=bfloat16/tensor": /8 bits of exponent/,
    "linear=mxfp8/tensor": /expected mxfp8 alone/,
    "linear=e8m0": /a format for the scales of blocks/,
    "linear.x=e4m3fn-kahan": /to the class optimizer only/,
    "loss@h.0+h.1=float32":
      /expected opClasses of overrides in h.0 and h.1 to be among linear, attention, .*, got loss/,
    "softmax+loss@h.0=float32": /in h.0 to be among .*, got loss/,
    "optimizer@loss=bfloat16": /in loss to be among loss, got optimizer/,
  };
  for (const [text, problem] of Object.entries(wrong)) {
    assertMatch(overridesProblem([parseOverride(text)], 2)!, problem, text);
  }
  for (
    const text of [
      "linear.x=mxfp4",
      "linear=e4m7/delayed-3",
      "attention+softmax=e4m7/tensor",
      "@h.0=e5m2/tensor",
    ]
  ) {
    assertEquals(overridesProblem([parseOverride(text)], 2), undefined, text);
  }
});
