import { assertEquals, assertExists } from "@std/assert";
import { recordRuns as record, type SyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { countNonFinite, gapOf, pairRuns } from "./stability.ts";

type Losses = Pick<SyntheticRun, "losses" | "evals" | "end">;

function pairOf(float32: Losses, bf16: Losses) {
  const steps = Math.max(float32.losses.length, bf16.losses.length);
  const [pair] = pairRuns(record([
    { ...float32, spec: { steps } },
    { ...bf16, spec: { steps, policy: "bf16-autocast" } },
  ]));
  assertExists(pair);
  return pair;
}

Deno.test("countNonFinite() counts NaN and both infinities", () => {
  assertEquals(countNonFinite([1, NaN, Infinity, -Infinity, 0, Number.MAX_VALUE]), 3);
  assertEquals(countNonFinite([]), 0);
});

Deno.test("pairRuns() pairs runs that differ only in policy", () => {
  const losses = [3, 2];
  const runs = record([
    { losses, spec: { seed: 1 } },
    { losses, spec: { seed: 2 } },
    { losses, spec: { seed: 1, policy: "bf16-autocast" } },
    { losses, spec: { seed: 2, policy: "bf16-autocast" } },
    { losses, spec: { seed: 3, policy: "bf16-autocast" } },
    { losses, spec: { seed: 4 } },
    { losses, spec: { seed: 4, policy: "bf16-autocast", threads: 2 } },
    { losses, spec: { seed: 5 } },
    { losses, spec: { seed: 5, policy: "bf16-autocast" }, libSha256: "1".repeat(64) },
  ]);
  const pairs = pairRuns(runs);
  assertEquals(pairs.map(({ other }) => other.manifest.spec.seed), [1, 2]);
  for (const { baseline, other } of pairs) {
    assertEquals(baseline.manifest.spec, { ...other.manifest.spec, policy: "float32" });
  }
  assertEquals(pairRuns([...runs].reverse()).length, 2);
});

Deno.test("gapOf() subtracts float32's loss from the lower precision's loss", () => {
  const gap = gapOf(
    pairOf(
      { losses: [4, 3, 2, 1], evals: [{ step: 0, loss: 5 }, { step: 4, loss: 1.5 }] },
      { losses: [4, 3.25, 1.5, 1.125], evals: [{ step: 0, loss: 5 }, { step: 4, loss: 1.75 }] },
    ),
    0.25,
  );
  assertEquals([...gap.byStep], [0, 0.25, -0.5, 0.125]);
  assertEquals(gap.finalValidation, 0.25);
  assertEquals(gap.final, 0.125);
  assertEquals(gap.mean, -0.125 / 4);
  assertEquals(gap.meanAbsolute, 0.875 / 4);
  assertEquals([gap.largest, gap.largestAt], [-0.5, 3]);
  assertEquals(gap.firstBeyond, 3); // step 2 is at the tolerance, not beyond it
  assertEquals(gap.nonFinite, { baseline: 0, other: 0 });
});

Deno.test("gapOf() counts a step with one non-finite side, and treats its gap as outside any tolerance", () => {
  const gap = gapOf(pairOf({ losses: [4, 3, 2, NaN] }, { losses: [4, 3, Infinity, NaN] }), 100);
  assertEquals(gap.firstBeyond, 3);
  assertEquals(gap.nonFinite, { baseline: 1, other: 2 });
  assertEquals([gap.mean, gap.largest, gap.largestAt], [0, 0, 1]);
  assertEquals(gap.final, NaN);
  assertEquals([...gap.byStep], [0, 0, Infinity, NaN]);
  assertEquals(gapOf(pairOf({ losses: [NaN, 3] }, { losses: [4, 3] }), 100).firstBeyond, 1);
});

Deno.test("gapOf() treats a step with two non-finite sides as no gap", () => {
  const gap = gapOf(pairOf({ losses: [4, NaN, Infinity] }, { losses: [4, NaN, -Infinity] }), 0.05);
  assertEquals(gap.firstBeyond, undefined);
  assertEquals(gap.nonFinite, { baseline: 2, other: 2 });
});

Deno.test("gapOf() compares an unfinished run at the steps of both runs", () => {
  const evals = [{ step: 0, loss: 5 }, { step: 2, loss: 3 }, { step: 4, loss: 1 }];
  const gap = gapOf(
    pairOf({ losses: [4, 3, 2, 1], evals }, {
      losses: [4, 3, 2.5],
      evals: [{ step: 0, loss: 5 }, { step: 2, loss: 3.5 }],
      end: "none",
    }),
  );
  assertEquals(gap.byStep.length, 3);
  assertEquals([gap.final, gap.finalValidation], [0.5, 0.5]);
});

Deno.test("gapOf() returns NaN for runs without steps", () => {
  const gap = gapOf(pairOf({ losses: [1], end: "none" }, { losses: [], end: "none" }));
  assertEquals([gap.final, gap.mean, gap.largest, gap.finalValidation], [NaN, NaN, NaN, NaN]);
  assertEquals([gap.largestAt, gap.firstBeyond], [undefined, undefined]);
});
