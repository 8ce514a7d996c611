import { assert, assertEquals } from "@std/assert";
import { widthOf } from "../progress/width.ts";
import { checkedSpec } from "../study/place_sweep.ts";
import { expandSweep } from "../sweep/expand.ts";
import { planLine } from "./plan_line.ts";

Deno.test("planLine() of the built-in sweep fits 80 columns", async () => {
  const spec = await checkedSpec({}, { source: "x" });
  const specs = expandSweep(spec, { data: "shakespeare", threads: 1 });
  const line = (runs: typeof specs, threads: number, workers = 2) => {
    const plan = { runs: runs.map((spec) => ({ id: "", spec })), threads };
    return planLine({ plan: plan as never, dir: "experiments/out/default", workers, notes: [], entropy: "" });
  };
  assertEquals(
    line(specs, 1),
    "24 runs (2.5M tokens) in experiments/out/default, 2 at a time, 1 thread each",
  );
  assert(widthOf(line(specs, 12, 16)) <= 80);
  assertEquals(
    line([{ ...specs[0]!, steps: 3, B: 2, T: 16 }], 2, 1),
    "1 run (96 tokens) in experiments/out/default, 1 at a time, 2 threads each",
  );
});
