import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "node:path";
import { SPEC, writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { renderReport } from "../figure/mod.ts";
import { readRuns, runPaths, takeClaim } from "../record/mod.ts";
import { writePlan } from "../sweep/plan_file.ts";
import { sweepProgress } from "./sweep_progress.ts";

Deno.test("sweepProgress() counts planned, finished, running, failed and waiting runs, and estimates the time left", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    const tokens = SPEC.B * SPEC.T, steps = 10;
    const losses = (length: number) => Array.from({ length }, () => 3);
    const step = () => ({ tokensPerSecond: 2 * tokens }); // half a second per step
    const folders = [
      writeSyntheticRun(dir, { losses: losses(steps), step, spec: { seed: 1, steps } }),
      writeSyntheticRun(dir, { losses: losses(4), step, spec: { seed: 2, steps }, end: "none" }),
      writeSyntheticRun(dir, {
        losses: losses(2),
        step,
        spec: { seed: 3, steps },
        end: { fail: "no memory" },
      }),
    ];
    const planned = (id: string, seed: number) => ({ id, spec: { ...SPEC, seed, steps, lr: seed / 1000 } });
    assertEquals(sweepProgress(dir, readRuns(dir)), undefined);
    writePlan(dir, {
      ...{ format: "losskit-plan/1", name: "plan", libSha256: "0".repeat(64), threads: 1 },
      data: { name: SPEC.data, sha256: "0".repeat(64) },
      runs: [...folders.map((folder, i) => planned(basename(folder), i + 1)), planned("f".repeat(12), 4)],
    });
    using _claim = await takeClaim(runPaths(folders[1]!).claim);
    const progress = sweepProgress(dir, readRuns(dir))!;
    assertEquals([progress.planned, progress.finished, progress.failed, progress.running.length], [
      4,
      1,
      1,
      1,
    ]);
    assertEquals(progress.running[0], {
      id: basename(folders[1]!),
      name: "character, T = 64, float32, seed 2, lr 0.002",
      ...{ step: 4, steps: 10, secondsLeft: 3 },
    });
    assertAlmostEquals(progress.secondsLeft!, (6 + 10) / 2, 1e-9); // one run at a time; the failed run is not repeated
    const html = await renderReport({ title: "a", runs: readRuns(dir), reproduce: [], progress });
    assertStringIncludes(
      html,
      "1 of 4 planned runs finished, 1 running, 1 waiting, 1 failed, about 8 s left.",
    );
    assertStringIncludes(html, "step 4 of 10, about 3 s left");
    Deno.writeTextFileSync(join(dir, "plan.json"), "{");
    const reasons: string[] = [];
    assertEquals(sweepProgress(dir, [], (reason) => reasons.push(reason)), undefined);
    assertStringIncludes(reasons[0]!, "plan.json");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
