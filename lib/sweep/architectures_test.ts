import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { parseSweepSpec } from "./parse_spec.ts";
import { expandSweep } from "./expand.ts";

const base = { policy: ["float32"], seq: [64], vocab: ["character"], seeds: [1] };
const runs = (spec: object) =>
  expandSweep(parseSweepSpec({ ...base, ...spec }, "a test"), { data: "text", threads: 1 }).map((
    { architecture, norm, position, activation, bias, tiedHead },
  ) => ({ architecture, norm, position, activation, bias, tiedHead }));

const GPT2 = {
  architecture: "gpt2",
  norm: "layerNorm",
  position: "learned",
  activation: "gelu",
  bias: true,
  tiedHead: true,
};
const LLAMA = {
  ...{ architecture: "llama", norm: "rmsNorm", position: "rotary", activation: "swiglu" },
  ...{ bias: false, tiedHead: false },
};

Deno.test("architecture sets the options that a spec does not set itself", () => {
  assertEquals(runs({}), [GPT2]);
  assertEquals(runs({ architecture: "llama" }), [LLAMA]);
  assertEquals(runs({ architecture: "llama", tiedHead: true }), [{ ...LLAMA, tiedHead: true }]);
  assertEquals(runs({ architecture: "llama", axes: { norm: ["layerNorm", "rmsNorm"] } }), [
    { ...LLAMA, norm: "layerNorm" },
    LLAMA,
  ]);
});

Deno.test("an axis of architectures sets the options of each, also zipped", () => {
  assertEquals(runs({ axes: { architecture: ["gpt2", "llama"] } }), [GPT2, LLAMA]);
  assertEquals(runs({ axes: { architecture: ["gpt2", "llama"] }, bias: false }), [
    { ...GPT2, bias: false },
    LLAMA,
  ]);
  assertEquals(runs({ zip: [{ architecture: ["llama", "gpt2"], tiedHead: [true, false] }] }), [
    { ...LLAMA, tiedHead: true },
    { ...GPT2, tiedHead: false },
  ]);
});

Deno.test("an unknown architecture is refused", () => {
  for (const spec of [{ architecture: "bert" }, { axes: { architecture: ["bert"] } }, { architecture: 1 }]) {
    assertThrows(() => runs(spec), UserError, "gpt2, llama");
  }
});

Deno.test("errors count the conditions of `when` as written, without those of architectures", () => {
  const axes = { architecture: ["gpt2", "llama"] }, good = { if: { T: 64 }, set: { lr: 1e-2 } };
  const wrong: readonly (readonly [when: unknown[], message: string])[] = [
    [[{ if: { T: 64 } }], "when.0.set"],
    [[good, { if: { T: 64 }, set: { lr: "fast" } }], "when.1.set.lr"],
    [[good, { if: { size: 1 }, set: { lr: 1 } }], "when.1.if: unknown field size"],
    [[good, { if: { T: 32 }, set: { lr: 1 } }], 'got T 32 in {"T":32}. The runs have T 64'],
  ];
  for (const [when, message] of wrong) assertThrows(() => runs({ axes, when }), UserError, message);
});
