/**
 * Reports on pairs with more steps than a call accepts arguments, in bounded memory per step.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { fileURLToPath } from "node:url";
import { formatEvent, readSweep, runPaths, seriesOf } from "../lib/record/mod.ts";
import { capture } from "./support/python.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const SCRIPT = fileURLToPath(new URL("./support/report_memory.ts", import.meta.url));

/** Steps of each run. `Math.min(...losses)` throws a RangeError above about 125,000 values. */
const STEPS = 250_000;

/**
 * Maximum number of bytes per step of both runs. Measured: 0.4 kB (Deno 2.9.6), and 1.2 kB with one object per step. The
 * remaining bytes allow for uncollected garbage.
 */
const BYTES_A_STEP = 650;

/** Writes a pair of runs of equal length, with numbers of realistic precision. */
function writePair(dir: string, steps: number): string {
  for (const policy of ["float32", "bf16-autocast"]) {
    const { journal } = runPaths(
      writeSyntheticRun(dir, { losses: [], spec: { policy, steps }, end: "none" }),
    );
    const time = "2026-01-01T00:00:00.000Z";
    let lines: string[] = [];
    for (let step = 1; step <= steps; step++) {
      const loss = 2 + Math.sin(step) / 3 + (policy === "float32" ? 0 : 1 / (7 + step));
      const figures = { lr: 1e-3 / 3, loss, gradNorm: 1 / (step + 2), tokensPerSecond: 1e4 / 3 };
      lines.push(formatEvent({ event: "step", step, ...figures, time }));
      if (lines.length < 10_000 && step < steps) continue;
      Deno.writeTextFileSync(journal, `${lines.join("\n")}\n`, { append: true });
      lines = [];
    }
  }
  return dir;
}

Deno.test("a report on a pair of 250,000 steps each needs a bounded number of bytes per step", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const peaks: number[] = [];
    for (const steps of [10, STEPS]) {
      const dir = writePair(`${root}/${steps}`, steps);
      const config = fileURLToPath(new URL("../deno.json", import.meta.url));
      peaks.push(Number(await capture(Deno.execPath(), ["run", "-A", "--config", config, SCRIPT, dir])));
    }
    const [small, large] = peaks as [number, number];
    assert(small > 0);
    assertLess(
      (large - small) / (2 * STEPS),
      BYTES_A_STEP,
      `${small} bytes of 20 steps, ${large} of ${2 * STEPS}`,
    );
    const { runs, leftOut } = readSweep(`${root}/${STEPS}`);
    assertEquals([runs.length, leftOut], [2, []]);
    for (const run of runs) assertEquals(seriesOf(run).steps.step.at(-1), STEPS);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
