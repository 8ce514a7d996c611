import { assertEquals } from "@std/assert";
import { isPerturbed } from "../record/mod.ts";
import { expandSweep } from "../sweep/expand.ts";
import { checkedSpec, type SweepSpecInput } from "./place_sweep.ts";

Deno.test("checkedSpec() adds two perturbed runs per setting to the built-in sweep alone", async () => {
  const runs = async (spec: SweepSpecInput) =>
    expandSweep(await checkedSpec(spec, { source: "x" }), { data: "shakespeare", threads: 1 });
  const perturbed = async (spec: SweepSpecInput) => (await runs(spec)).filter(isPerturbed).length;
  assertEquals([(await runs({})).length, await perturbed({})], [24, 8]); // T × vocabulary: 4 settings
  assertEquals(await perturbed({ name: undefined }), 8);
  assertEquals([await perturbed({ floor: 0 }), await perturbed({ steps: 50 })], [0, 0]);
  assertEquals(await perturbed({ steps: 50, floor: 1 }), 4);
});
