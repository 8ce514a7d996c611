import { assertAlmostEquals, assertEquals, assertExists } from "@std/assert";
import { pairsOfGaps, recorded } from "../../tests/support/simulated_pairs.ts";
import { recordRuns as record, type SyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { comparePairs } from "./compare_pairs.ts";
import { perturbationOf } from "../record/mod.ts";
import { perturbedPairs } from "./groups.ts";
import { noiseFloor, pooledSeedSpread, spreadOfSeeds } from "./noise_floor.ts";

Deno.test("noiseFloor() returns 1.96 times the root mean square of perturbed gaps, at the end and by block", () => {
  const floor = noiseFloor(pairsOfGaps([0.03, -0.04], { perturbed: true }), [{ first: 1, last: 2 }]);
  assertExists(floor);
  assertAlmostEquals(floor.rms, Math.sqrt((0.03 ** 2 + 0.04 ** 2) / 2), 1e-12);
  assertAlmostEquals(floor.limit, 1.96 * floor.rms, 1e-5);
  assertEquals([floor.pairs, floor.byBlock], [2, [0]]);
  const moved = {
    baseline: recorded({ seed: 1, losses: [3, 2], validation: 2 }),
    other: recorded({ seed: 1, perturb: 1, losses: [3.1, 2.3], validation: 2 }),
  };
  assertAlmostEquals(noiseFloor([moved], [{ first: 1, last: 2 }])!.byBlock[0]!, 1.96 * 0.2, 1e-5);
  assertEquals(noiseFloor([], []), undefined);
  // Each kind of perturbation has a figure of its own; the floor is that of all pairs.
  const reordered = {
    ...moved,
    other: recorded({ seed: 1, reorder: 1, losses: [3, 2], validation: 2.04 }),
  };
  const noisy = { ...moved, other: recorded({ seed: 1, perturb: 1, losses: [3, 2], validation: 1.97 }) };
  const both = noiseFloor([noisy, reordered], [])!;
  assertEquals(both.sources.map(({ kind, pairs }) => [kind, pairs]), [["noise", 1], ["order", 1]]);
  assertAlmostEquals(both.sources[0]!.rms, 0.03, 1e-12);
  assertAlmostEquals(both.sources[1]!.rms, 0.04, 1e-12);
  assertAlmostEquals(both.rms, Math.sqrt((0.03 ** 2 + 0.04 ** 2) / 2), 1e-12);
  const lost = pairsOfGaps([NaN], { perturbed: true });
  assertEquals(noiseFloor(lost, []), undefined);
});

Deno.test("perturbedPairs() pairs perturbed runs of a setting with the run of the same seed", () => {
  const losses = [3, 2];
  const runs = record([
    { losses, spec: { seed: 1 } },
    { losses, spec: { seed: 2 } },
    { losses, spec: { seed: 1, perturb: 1 } },
    { losses, spec: { seed: 1, perturb: 2 } },
    { losses, spec: { seed: 1, reorder: 1 } },
    { losses, spec: { seed: 2, perturb: 1 }, end: "none" },
    { losses, spec: { seed: 3, perturb: 1 } },
    { losses, spec: { seed: 1, perturb: 1, T: 32 } },
    { losses, spec: { seed: 1, policy: "bf16-autocast" } },
  ]);
  const like = runs.find(({ manifest: { spec } }) => spec.seed === 2)!;
  const found = perturbedPairs(runs, like).map(({ baseline, other }) =>
    [baseline, other].map(({ manifest: { spec } }) => `${spec.seed} ${perturbationOf(spec)}`)
  );
  assertEquals(found.sort(), [["1 none", "1 noise 1"], ["1 none", "1 noise 2"], ["1 none", "1 order 1"]]);
});

Deno.test("spreadOfSeeds() returns the root mean square difference between two seeds", () => {
  const runs = [2, 2.2, 2.4].map((validation, i) => recorded({ seed: i, losses: [3, 2], validation }));
  const spread = spreadOfSeeds(runs, 0.95);
  assertExists(spread);
  assertAlmostEquals(spread.rms, Math.SQRT2 * 0.2, 1e-12);
  assertAlmostEquals(spread.limit, 4.3027 * spread.rms, 1e-4); // t of 2 degrees of freedom
  assertEquals([spread.seeds, spreadOfSeeds(runs.slice(1, 2), 0.95)], [3, undefined]);
  assertEquals(comparePairs(pairsOfGaps([0.1, 0.2])).seedSpread?.seeds, 2);
});

Deno.test("pooledSeedSpread() returns the root mean square difference between seeds, pooled over settings", () => {
  const run = (seed: number, T: number, loss: number, more: Partial<SyntheticRun> = {}): SyntheticRun => ({
    losses: [1],
    evals: [{ step: 1, loss }],
    ...more,
    spec: { seed, T, ...more.spec },
  });
  const runs = [run(1, 64, 2), run(2, 64, 2.3), run(1, 128, 3), run(2, 128, 3.4), run(1, 256, 9)];
  const others = [
    run(3, 64, 50, { spec: { policy: "bf16-autocast" } }),
    run(4, 64, 50, { end: "none" }),
    run(5, 128, NaN),
    run(1, 64, 50, { spec: { perturb: 1 } }),
  ];
  const spread = pooledSeedSpread(record([...runs, ...others]));
  assertExists(spread);
  assertAlmostEquals(spread.nats, Math.sqrt((0.3 ** 2 + 0.4 ** 2) / 2), 1e-12);
  assertEquals(spread.pairs, 2);
  assertEquals(pooledSeedSpread(record([run(1, 64, 2), run(1, 128, 3)])), undefined);
});
