import { assertEquals, assertThrows } from "@std/assert";
import { classFormats, everyQuantizer, slotsIn } from "./class_formats.ts";
import { type OpClass, parseOverride } from "./override.ts";
import { SLOTS, slotsOf } from "./operands.ts";
import { describePolicy } from "./policy.ts";

const names = (policy: string, overrides: string[], scope: { layer: string; isEnd?: boolean }) => {
  const found = classFormats(
    { ...describePolicy(policy), overrides: overrides.map(parseOverride) },
    { ...scope, opClass: "linear" },
  );
  return Object.fromEntries(
    Object.entries(slotsIn(found)).map(([slot, quantizer]) => [slot, quantizer.name]),
  );
};

Deno.test("slotsOf() accepts slots, tensors and products", () => {
  assertEquals(slotsOf("wgrad.x"), ["wgrad.x"]);
  assertEquals(slotsOf("x"), ["forward.x", "wgrad.x"]);
  assertEquals(slotsOf("w"), ["forward.w", "dgrad.w"]);
  assertEquals(slotsOf("dy"), ["dgrad.dy", "wgrad.dy"]);
  assertEquals(slotsOf("out"), ["forward.out", "dgrad.out", "wgrad.out"]);
  assertEquals(slotsOf("forward"), ["forward.x", "forward.w"]);
  assertEquals(slotsOf("wgrad"), ["wgrad.x", "wgrad.dy"]);
  for (const wrong of ["", "y", "forward.dy", "wgrad.w", "linear", "."]) {
    assertEquals(slotsOf(wrong), [], wrong);
  }
});

Deno.test("classFormats() merges a recipe with overrides of operands", () => {
  const scope = { layer: "h.0" };
  const hybrid = {
    "forward.x": "e4m3fn/tensor",
    "forward.w": "e4m3fn/tensor",
    "dgrad.dy": "e5m2-saturating/tensor",
    "dgrad.w": "e4m3fn/tensor",
    "wgrad.x": "e4m3fn/tensor",
    "wgrad.dy": "e5m2-saturating/tensor",
  };
  assertEquals(names("fp8-hybrid", [], scope), hybrid);
  assertEquals(names("fp8-hybrid", ["linear.wgrad=mxfp8", "linear.out=float32"], scope), {
    ...hybrid,
    ...{ "wgrad.x": "e4m3fn/mx", "wgrad.dy": "e4m3fn/mx" },
    ...{ "forward.out": "float32", "dgrad.out": "float32", "wgrad.out": "float32" },
  });
  assertEquals(names("fp8-hybrid", ["linear.x@h.1=float32"], scope), hybrid);
  assertEquals(names("float32", ["linear.dy=e5m2"], scope), { "dgrad.dy": "e5m2", "wgrad.dy": "e5m2" });
  assertEquals(names("fp8-hybrid", [], { layer: "" }), hybrid); // outside of a model
  // Recipes are of blocks; the first and the last one only without +bf16-ends.
  for (const layer of ["head", "embedding", "loss"]) assertEquals(names("mxfp8", [], { layer }), {});
  assertEquals(names("mxfp8+bf16-ends", [], { layer: "h.0", isEnd: true }), {});
  assertEquals(names("mxfp8+bf16-ends", [], { layer: "h.1" })["forward.x"], "e4m3fn/mx");
});

Deno.test("a format of the whole class replaces those of operands, and the reverse", () => {
  const every = (name: string) => Object.fromEntries(SLOTS.map((slot) => [slot, name]));
  const scope = { layer: "h.0" };
  assertEquals(names("mxfp4", ["linear=float32"], scope), every("float32"));
  assertEquals(names("bf16-keras", ["linear.dgrad.dy=e5m2"], scope), {
    ...every("bfloat16"),
    "dgrad.dy": "e5m2",
  });
  const { "forward.out": out, ...scaled } = names("emulated:e4m3", ["linear=e4m3fn/row"], scope);
  assertEquals([out, Object.values(scaled)], [undefined, new Array(6).fill("e4m3fn/row")]);
});

Deno.test("classFormats() refuses unknown operands", () => {
  assertThrows(() => names("float32", ["linear.z=e5m2"], { layer: "h.0" }), RangeError, 'the operand "z"');
});

Deno.test("overrides of operands do not change other classes; everyQuantizer() lists all formats", () => {
  const overrides = [{ opClasses: ["linear" as OpClass], operands: ["dy"], format: "e5m2-stochastic" }];
  assertEquals(classFormats({ classes: {}, overrides }, { layer: "h.0", opClass: "attention" }), {});
  const found = everyQuantizer({ ...describePolicy("nvfp4"), overrides }).map(({ name }) => name);
  assertEquals([...new Set(found)], ["e2m1fn/nvfp4", "e5m2-stochastic"]);
});
