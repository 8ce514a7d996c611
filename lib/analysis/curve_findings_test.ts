import { assertEquals, assertStrictEquals } from "@std/assert";
import type { RecordedRun, StepEvent } from "../record/mod.ts";
import { curveFindings } from "./_curve_findings.ts";
import { divergedAt } from "./gap_blocks.ts";
import { spikes } from "./spikes.ts";

Deno.test("curveFindings() returns the spikes and the divergence of a run's losses, and computes them once", () => {
  const flat = Array.from({ length: 200 }, (_, i) => 2 + 0.01 * Math.sin(i * i));
  for (const losses of [flat, flat.with(90, 4), flat.map((loss, i) => i < 150 ? loss : NaN)]) {
    const events = losses.map((loss, i): StepEvent => ({
      event: "step",
      step: i + 1,
      ...{ loss, lr: 1, gradNorm: 1, tokensPerSecond: 1, time: "" },
    }));
    const run = { events } as unknown as RecordedRun;
    const found = curveFindings(run);
    assertEquals(found.spikes, spikes(losses).map((i) => i + 1));
    assertEquals(found.divergedAt, divergedAt(losses));
    assertStrictEquals(curveFindings(run).spikes, found.spikes);
  }
});
