import { assertEquals, assertMatch } from "@std/assert";
import {
  formatOverride,
  layerNames,
  layerOfParameter,
  type OpClass,
  overrideFor,
  overridesProblem,
  parseOverride,
} from "./override.ts";

Deno.test("overrideFor() returns the last matching override; optimizer must be named", () => {
  const overrides = [
    { format: "bfloat16" },
    { opClasses: ["softmax" as const], format: "float32" },
    { layers: ["h.1"], opClasses: ["softmax" as const, "linear" as const], format: "e8m3" },
  ];
  const at = (layer: string, opClass: OpClass) => overrideFor(overrides, { layer, opClass });
  assertEquals(at("h.0", "linear"), "bfloat16");
  assertEquals(at("h.0", "softmax"), "float32");
  assertEquals(at("h.1", "softmax"), "e8m3");
  assertEquals(at("h.10", "softmax"), "float32");
  assertEquals(at("h.1", "optimizer"), undefined);
  assertEquals(overrideFor([], { layer: "head", opClass: "linear" }), undefined);
});

Deno.test("layers are named, and every parameter belongs to one", () => {
  assertEquals(layerNames(2), ["embedding", "h.0", "h.1", "head", "loss"]);
  assertEquals(
    ["wte.weight", "wpe.weight", "h.11.ln_1.bias", "ln_f.weight", "lm_head.weight"].map(layerOfParameter),
    ["embedding", "embedding", "h.11", "head", "head"],
  );
});

Deno.test("parseOverride() reads the output of formatOverride()", () => {
  for (const text of ["softmax@h.1=e8m3", "linear+attention=float32", "@head+h.0=bfloat16", "=float16"]) {
    assertEquals(formatOverride(parseOverride(text)), text);
  }
  assertEquals(parseOverride("softmax"), { opClasses: ["softmax" as OpClass], format: "" });
});

Deno.test("overridesProblem() names the invalid part", () => {
  assertEquals(overridesProblem([{ layers: ["h.1", "loss"], format: "e8m3" }], 2), undefined);
  assertMatch(
    overridesProblem([{ layers: ["h.2"], format: "e8m3" }], 2)!,
    /no layer "h.2": the layers are .* h.1,/,
  );
  assertMatch(overridesProblem([{ layers: [], format: "e8m3" }], 2)!, /layers of an override must name/);
  assertMatch(overridesProblem([{ format: "" }], 2)!, /number format ""/);
  assertMatch(overridesProblem([{ format: "bfloat16-kahan" }], 2)!, /to the class optimizer only/);
  assertEquals(overridesProblem([{ opClasses: ["optimizer"], format: "bfloat16-kahan" }], 2), undefined);
});
