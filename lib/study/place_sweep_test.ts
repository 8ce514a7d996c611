import { assertEquals } from "@std/assert";
import { expandSweep } from "../sweep/expand.ts";
import { checkedSpec, type SweepSpecInput } from "./place_sweep.ts";

Deno.test("checkedSpec() adds two perturbed runs per setting to the built-in sweep alone", () => {
  const runs = (spec: SweepSpecInput) =>
    expandSweep(checkedSpec(spec, { source: "x" }), { data: "shakespeare", threads: 1 });
  const perturbed = (spec: SweepSpecInput) => runs(spec).filter(({ perturb }) => perturb > 0).length;
  assertEquals([runs({}).length, perturbed({})], [24, 8]); // T × vocabulary: 4 settings
  assertEquals([perturbed({ name: undefined }), perturbed({ floor: 0 }), perturbed({ steps: 50 })], [
    8,
    0,
    0,
  ]);
  assertEquals(perturbed({ steps: 50, floor: 1 }), 4);
});
