/** The noise floor of trained perturbed runs: `--floor` adds the runs, and verdicts and reports state the floor. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { perturbationOf, readRuns, seriesOf } from "../lib/record/mod.ts";
import { embedded } from "./support/embedded.ts";
import { runTask } from "./support/commands.ts";
import { root, specOf } from "./support/tiny_sweep.ts";

Deno.test("compare trains perturbed runs, which differ from float32 by rounding noise, and states the noise floor", async () => {
  const dir = join(root, "floor");
  const spec = await specOf("floor", {
    policy: ["float32", "bf16-autocast"],
    seeds: [1, 2],
    steps: 80,
    lr: 0.03,
  });
  const { code, stdout, stderr } = await runTask("compare", [
    spec,
    "--floor",
    "2",
    "--out",
    dir,
    "--culprit",
    "none",
  ]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "6 runs in");
  const runs = readRuns(dir);
  const lossesOf = (seed: number, perturbation: string) => {
    const run = runs.find(({ manifest: { spec } }) =>
      spec.policy === "float32" && spec.seed === seed && perturbationOf(spec) === perturbation
    )!;
    return seriesOf(run).steps.loss;
  };
  for (const [seed, perturbation] of [[1, "noise 1"], [2, "order 1"]] as const) {
    const [plain, perturbed] = [lossesOf(seed, "none"), lossesOf(seed, perturbation)];
    assert(plain.some((loss, i) => loss !== perturbed[i]), plain.join());
    const largest = Math.max(...plain.map((loss, i) => Math.abs(loss - perturbed[i]!)));
    assert(largest < 1e-2, String(largest));
  }
  assertMatch(
    stdout,
    /Noise floor: .* \(root mean square; [\d.e-]+ for 1 run with initial weights .*, [\d.e-]+ for 1 run with another order of sums\); 95 % of such gaps are within ±[\d.e-]+\./,
  );
  const { comparisons } = JSON.parse(await Deno.readTextFile(join(dir, "compare.json")));
  assertEquals([comparisons.length, comparisons[0].pairs.length, comparisons[0].floor.pairs], [1, 2, 2]);
  const html = await Deno.readTextFile(join(dir, "report.html"));
  assertStringIncludes(embedded(html, "data"), '"name":"noise floor"');
  // The floor is part of the plan: the same command finds finished runs.
  const again = await runTask("compare", [spec, "--floor", "2", "--out", dir, "--culprit", "none"]);
  assertEquals([again.code, again.stdout], [0, stdout], again.stderr);
});
