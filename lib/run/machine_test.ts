import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { SPEC } from "../../tests/support/synthetic_runs.ts";
import type { RunSpec } from "../record/mod.ts";
import { costKey, estimateBytes, estimateSeconds, requireMemory } from "./estimate.ts";
import { stepFlops } from "./model_of.ts";
import { defaultWorkers, machineMemory } from "./machine.ts";

const RUN: RunSpec = { ...SPEC, steps: 100 };

Deno.test("defaultWorkers() is limited by cores, runs and memory, and is at least 1", () => {
  const machine = (cores: number, gigabytes: number) => ({
    cores,
    memory: { total: 64e9, available: gigabytes * 1e9 },
  });
  assertEquals(defaultWorkers({ bytes: 1e9, runs: 100 }, machine(8, 64)), 8);
  assertEquals(defaultWorkers({ bytes: 1e9, runs: 3 }, machine(8, 64)), 3);
  assertEquals(defaultWorkers({ bytes: 1e9, runs: 100 }, machine(8, 5)), 4);
  assertEquals(defaultWorkers({ bytes: 1e12, runs: 100 }, machine(8, 5)), 1);
});

Deno.test("machineMemory() returns this machine's memory", () => {
  const { total, available } = machineMemory();
  assert(total > 2 ** 28 && available > 0 && available <= total, `${available} of ${total}`);
});

Deno.test("estimateBytes() grows with every size of the run", () => {
  const base = estimateBytes(RUN, 65);
  for (const more of [{ nLayer: 8 }, { nEmbd: 256 }, { T: 128 }, { B: 32 }, { emaDecay: 0.9 }]) {
    assertGreater(estimateBytes({ ...RUN, ...more }, 65), base, JSON.stringify(more));
  }
  assertGreater(estimateBytes(RUN, 50_000), base);
  assertGreater(base, estimateBytes({ ...RUN, accumulate: 4 }, 65));
  assertGreater(base, estimateBytes({ ...RUN, optimizer: "sgd" }, 65));
});

Deno.test("requireMemory() refuses an oversized run, with both sizes", () => {
  requireMemory(RUN, { bytes: 1e9, total: 2e9 });
  assertThrows(
    () => requireMemory(RUN, { bytes: 3e9, total: 2e9 }),
    UserError,
    "at most 2.0 GB, got one of about 3.0 GB",
  );
});

Deno.test("costKey() is equal for runs whose steps cost the same", () => {
  const same = { seed: 7, lr: 1, steps: 5, evalEvery: 3, data: "y", schedule: "linear" } as const;
  assertEquals(costKey({ ...RUN, ...same }), costKey(RUN));
  for (const other of [{ T: 32 }, { policy: "bf16-autocast" }, { threads: 2 }, { qkNorm: true }]) {
    assert(costKey({ ...RUN, ...other }) !== costKey(RUN), JSON.stringify(other));
  }
  assertGreater(stepFlops({ ...RUN, B: 32 }, 65), stepFlops(RUN, 65));
});

Deno.test("estimateSeconds() adds start, steps and evaluations", () => {
  const cost = { startSeconds: 2, stepSeconds: 0.1, evalSecondsPerToken: 0.001 };
  const seconds = (run: RunSpec, tokens: number) =>
    Math.round(1000 * estimateSeconds(run, cost, tokens)) / 1000;
  // 100 steps, and evaluations of 1,000 tokens at 0, 50 and 100.
  assertEquals(seconds(RUN, 10_000), 2 + 10 + 3);
  assertEquals(seconds(RUN, 500), 2 + 10 + 1.5);
  assertEquals(seconds({ ...RUN, evalTokens: "all", emaDecay: 0.9 }, 2000), 2 + 10 + 12);
});
