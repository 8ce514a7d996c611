import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  autocastPolicy,
  describePolicy,
  emulationOf,
  POLICY_DESCRIPTIONS,
  policyNameOn,
  precisionLabel,
} from "./policy.ts";
import { parseFormat } from "./format.ts";
import { overridesProblem, parseOverride } from "./override.ts";

Deno.test("describePolicy() accepts every name, and emulated formats", () => {
  for (const name of Object.keys(POLICY_DESCRIPTIONS)) {
    const { source, classes } = describePolicy(name);
    assertEquals(source.length > 20, true, name);
    for (const format of Object.values(classes)) assertEquals(parseFormat(format).name, format, name);
  }
  assertEquals(describePolicy("emulated:e4m3-stochastic").classes.linear, "e4m3-stochastic");
  assertEquals(describePolicy("emulated:e8m7").classes.residual, undefined);
});

Deno.test("describePolicy() refuses other names, and lists the valid ones", () => {
  for (const name of ["", "bf16", "BF16-autocast", "toString", "emulated", "émulé:e4m3"]) {
    const error = assertThrows(() => describePolicy(name), RangeError);
    assertStringIncludes(error.message, "bf16-autocast-cuda");
  }
  assertThrows(() => describePolicy("emulated:"), RangeError, "number format");
  assertThrows(() => describePolicy("emulated:e9m3"), RangeError, "X from 2 to 8");
  assertThrows(() => describePolicy("emulated:e4m3-kahan"), RangeError, "for weight updates");
});

Deno.test("emulated precision is labelled: losskit's formats and roundings, and float16 products on a CPU", () => {
  assertEquals(emulationOf({ policy: "bf16-autocast" }), undefined);
  assertEquals(emulationOf({ policy: "bf16-pure" }), undefined);
  assertEquals(emulationOf({ policy: "bf16-pure-stochastic" }), "emulated bfloat16-stochastic");
  assertEquals(emulationOf({ policy: "fp16-autocast" }), "emulated float16");
  assertEquals(emulationOf({ policy: "fp16-autocast" }, "NVIDIA H100 80GB HBM3"), undefined);
  const overrides = [{ layers: ["h.1"], opClasses: ["softmax" as const], format: "e8m3" }];
  assertEquals(precisionLabel({ policy: "float32" }), "float32");
  assertEquals(
    precisionLabel({ policy: "float32", overrides }),
    "float32, softmax@h.1=e8m3 (emulated IEEE-style e8m3)",
  );
  assertEquals(
    precisionLabel({ policy: "emulated:e4m3" }, "gpu"),
    "emulated:e4m3 (emulated IEEE-style e4m3)",
  );
});

Deno.test("autocastPolicy() follows the device's lists: CUDA's softmax and LayerNorm return float32, the CPU's do not", () => {
  assertEquals([autocastPolicy("cpu"), autocastPolicy("gpu")], ["bf16-autocast", "bf16-autocast-cuda"]);
  assertEquals(describePolicy(autocastPolicy("gpu")).classes, { softmax: "float32", layerNorm: "float32" });
  assertEquals(describePolicy(autocastPolicy("cpu")).classes, {});
});

Deno.test("describePolicy() and overridesProblem() refuse E8M0, a format of scales", () => {
  assertThrows(() => describePolicy("emulated:e8m0"), RangeError, "got one for the scales of blocks");
  assertStringIncludes(overridesProblem([{ format: "e8m0" }], 1) ?? "", "a format for the scales of blocks");
});

Deno.test("recipes are policies with options, each with one name and a source", () => {
  for (const name of ["fp8-hybrid", "mxfp8", "mxfp6", "mxfp4", "nvfp4"]) {
    const { source, classes, linear } = describePolicy(name);
    assertEquals([classes, Object.keys(linear!.slots).length], [{}, 6]);
    assertStringIncludes(source, "arXiv");
  }
  const hybrid = describePolicy("fp8-hybrid+delayed").linear!.slots;
  assertEquals([hybrid["forward.x"], hybrid["wgrad.dy"]], ["e4m3fn/delayed", "e5m2-saturating/delayed"]);
  const full = describePolicy("nvfp4+stochastic+hadamard+bf16-ends").linear!;
  assertEquals([full.hadamard, full.plainEnds], ["random", true]);
  assertEquals([full.slots["dgrad.dy"], full.slots["dgrad.w"]], ["e2m1fn-stochastic/nvfp4", "e2m1fn/nvfp4"]);
  assertEquals(describePolicy("mxfp8+ceil+hadamard-fixed").linear!.hadamard, "fixed");
  const wrong = {
    "nvfp4+ceil": "got +ceil",
    "fp8-hybrid+hadamard": "got +hadamard",
    "mxfp8+": "got +",
    "mxfp8+stochastic+ceil": "its name, mxfp8+ceil+stochastic",
    "mxfp8+ceil+ceil": "its name, mxfp8+ceil",
    "mxfp4+hadamard+hadamard-fixed": "one of +hadamard",
    "mxfp5": "expected one of float32",
    "emulated:mxfp8": "the scaling tensor, got mx",
    "emulated:e4m3/row": "the scaling tensor, got row",
  };
  for (const [name, message] of Object.entries(wrong)) {
    assertThrows(() => describePolicy(name), RangeError, message, name);
  }
  assertEquals(describePolicy("emulated:e4m7/tensor").classes.attention, "e4m7/tensor");
  assertEquals(
    precisionLabel({ policy: "mxfp4+stochastic" }),
    "mxfp4+stochastic (emulated e2m1fn/mx, e2m1fn-stochastic/mx)",
  );
  const overrides = [parseOverride("linear.dy=e4m7/tensor")];
  assertStringIncludes(precisionLabel({ policy: "float32", overrides }), "(emulated IEEE-style e4m7/tensor)");
});

Deno.test("policyNameOn() expands off and on, and keeps other names", () => {
  assertEquals(["off", "on"].map((word) => policyNameOn(word, () => "cpu")), ["float32", "bf16-autocast"]);
  assertEquals(policyNameOn("on", () => "gpu"), "bf16-autocast-cuda");
  const never = (): never => {
    throw new Error("asked for the device");
  };
  assertEquals(["off", "emulated:e4m3"].map((word) => policyNameOn(word, never)), [
    "float32",
    "emulated:e4m3",
  ]);
});
