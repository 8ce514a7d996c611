import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { pairsOfGaps, recorded, simulatePairs } from "../../tests/support/simulated_pairs.ts";
import type { Pair } from "./stability.ts";
import { comparePairs, type Comparison } from "./compare_pairs.ts";
import { verdictOf, verdictsOf } from "./verdict.ts";

/** Returns the share of simulated comparisons 1 to `n` with a property. */
function share(n: number, happens: (simulation: number) => boolean): number {
  let found = 0;
  for (let i = 1; i <= n; i++) if (happens(i)) found++;
  return found / n;
}

/** Returns three standard deviations of a share of n cases with probability p. */
const slack = (p: number, n: number) => 3 * Math.sqrt(p * (1 - p) / n);

const alarms = (comparison: Comparison) =>
  ["degraded", "improved", "diverged"].includes(verdictOf(comparison).kind);

Deno.test("verdictOf() reports an effect in at most 5 % of comparisons without an effect, at a level of 95 %", () => {
  const found = share(100, (simulation) => alarms(comparePairs(simulatePairs({ simulation, pairs: 5 }))));
  assert(found <= 0.05, `${100 * found} alarms`);
});

Deno.test("comparePairs() finds a first significant step in at most 5 % of comparisons without an effect", () => {
  const compare = (simulation: number) => comparePairs(simulatePairs({ simulation, pairs: 5, steps: 100 }));
  const all = Array.from({ length: 400 }, (_, i) => compare(i + 1));
  const apart = all.filter(({ apartFrom }) => apartFrom !== undefined).length / 400;
  assertLess(apart, 0.05 + slack(0.05, 400));
});

Deno.test("verdictOf() always finds an effect of 0.05 nats, with its size and first step", () => {
  let covered = 0;
  for (let simulation = 1; simulation <= 100; simulation++) {
    const pairs = simulatePairs({ simulation, pairs: 5, effect: (step) => step > 100 ? 0.05 : 0 });
    const comparison = comparePairs(pairs);
    const { kind, gap, half, sentence } = verdictOf(comparison);
    assertEquals(kind, "degraded", sentence);
    if (Math.abs(gap - 0.05) <= half!) covered++;
    assert(comparison.apartFrom !== undefined);
    // One in 20 intervals excludes 0 by chance. If it precedes the effect, the range is longer.
    assertGreater(comparison.apartFrom, 60);
    assertLess(comparison.apartFrom, 182);
  }
  assertGreater(covered, 88); // 95 % of 100, less three standard deviations
  const negative = verdictOf(comparePairs(simulatePairs({ simulation: 1, pairs: 5, effect: () => -0.05 })));
  assertEquals(negative.kind, "improved");
  assertMatch(negative.sentence, /^improved by 0\.0\d+ ± 0\.0\d+ nats \(95 %, 5 paired seeds\)/);
});

Deno.test("verdictOf() calls identical runs stable, with a gap of exactly 0", () => {
  const same: Pair[] = simulatePairs({ simulation: 1, pairs: 1 }).map(({ baseline }) => ({
    baseline,
    other: baseline,
  }));
  const { kind, gap, half, sentence } = verdictOf(comparePairs(same));
  assertEquals([kind, gap, half], ["stable", 0, 0]);
  assertMatch(
    sentence,
    /^stable: float32's losses are bit-identical in 1 pair of runs; the gap is exactly 0\.$/,
  );
});

Deno.test("verdictOf() is stable for a significant gap within the tolerance", () => {
  const pairs = simulatePairs({ simulation: 1, pairs: 5, chance: 0.0001, effect: () => 0.002 });
  assertEquals(verdictOf(comparePairs(pairs)).kind, "stable");
  assertEquals(verdictOf(comparePairs(pairs, { tolerance: 0 })).kind, "degraded");
});

Deno.test("verdictOf() does not decide between two seeds of one precision", () => {
  for (let simulation = 1; simulation <= 50; simulation++) {
    const runs = simulatePairs({ simulation, pairs: 7 }).map(({ baseline }) => baseline);
    const pair = { baseline: runs[0]!, other: runs[1]! };
    const alone = verdictOf(comparePairs([pair]));
    assertEquals(alone.kind, "undecided");
    assertMatch(
      alone.sentence,
      /differ in seed, not in precision: .* seeds 1 and 2 of float32 differ by 0\.\d{5} nats\.$/,
    );
    const { kind, sentence } = verdictOf(comparePairs([pair], { seeds: runs.slice(2) }));
    assertEquals(kind, "undecided");
    assertMatch(sentence, /nats, (within|beyond) the 0\.\d{5} nats \(95 %\) that 5 other seeds predict\.$/);
  }
});

Deno.test("verdictOf() decides on a single pair only beyond the difference between seeds", () => {
  const [pair, ...others] = simulatePairs({ simulation: 3, pairs: 6, effect: () => 0.004 });
  const alone = verdictOf(comparePairs([pair!]));
  assertEquals([alone.kind, alone.half, alone.p], ["undecided", undefined, undefined]);
  assertMatch(alone.sentence, /an interval requires at least 2 paired seeds \(recommended: 5\)\.$/);
  const seeds = others.map(({ baseline }) => baseline);
  assertEquals(verdictOf(comparePairs([pair!], { seeds })).kind, "undecided");
  const [large] = simulatePairs({ simulation: 3, pairs: 1, effect: () => 0.4 });
  assertEquals(verdictOf(comparePairs([large!], { seeds })).kind, "degraded");
  // The noise floor alone does not decide, because the sign of a single gap is random.
  const perturbed = pairsOfGaps([1e-4, -1e-4], { perturbed: true });
  const beyond = verdictOf(comparePairs([large!], { perturbed }));
  assertEquals(beyond.kind, "undecided");
  assertMatch(
    beyond.sentence,
    /the gap is beyond the noise floor of ±0\.00020 nats \(2 perturbed pairs of float32\)/,
  );
});

Deno.test("verdictOf() is stable by two one-sided tests: the 90 % interval lies within the tolerance", () => {
  const gaps = [-0.004, 0.002, 0.008, 0.004, 0.01]; // mean 0.004, sd 0.0054772; t(4): 2.1318 at 95 %, 2.7764 at 97.5 %
  const margin = 0.004 + 2.1318 * Math.sqrt(3e-5 / 5);
  const kind = (tolerance: number) => verdictOf(comparePairs(pairsOfGaps(gaps), { tolerance })).kind;
  assertEquals([kind(margin + 1e-5), kind(margin - 1e-5)], ["stable", "undecided"]);
  const { sentence } = verdictOf(comparePairs(pairsOfGaps(gaps), { tolerance: 0.01 }));
  assertMatch(
    sentence,
    /^stable: .* by \+0\.00400 ± 0\.00680 nats \(95 %, 5 paired seeds\), and the gap's 90 % interval lies within the tolerance of ±0\.01; detectable gap: 0\.00921 nats/,
  );
});

Deno.test("verdictOf() is within noise only if the interval lies within the noise floor", () => {
  const gaps = [-0.01, 0.02, 0.01, -0.02, 0.005]; // mean 0.001, 95 % ± 0.0201
  const kind = (limit: number) => {
    const perturbed = pairsOfGaps([limit / 1.959964, -limit / 1.959964], { perturbed: true });
    return verdictOf(comparePairs(pairsOfGaps(gaps), { perturbed })).kind;
  };
  const half = comparePairs(pairsOfGaps(gaps)).gaps.validation.half!;
  assertEquals([kind(0.001 + half + 1e-5), kind(0.001 + half - 1e-5)], ["within noise", "undecided"]);
  // A significant effect is reported, even within the floor.
  const perturbed = pairsOfGaps([0.5, -0.5], { perturbed: true });
  const { kind: found, sentence } = verdictOf(
    comparePairs(pairsOfGaps([0.1, 0.11, 0.12, 0.1, 0.09]), { perturbed }),
  );
  assertEquals(found, "degraded");
  assertMatch(sentence, /; within the noise floor of ±0\.97998 nats \(2 perturbed pairs of float32\)/);
});

Deno.test("verdictOf() states how many more pairs decide, and the detectable gap", () => {
  const { kind, morePairs, detectable: size, sentence } = verdictOf(
    comparePairs(pairsOfGaps([-0.01, 0.02, 0.01, -0.02, 0.005])),
  );
  assertEquals(kind, "undecided");
  assert(morePairs! > 10 && morePairs! < 40, String(morePairs));
  assertMatch(
    sentence,
    new RegExp(
      `detectable gap: ${
        size!.toFixed(5)
      } nats \\(power 0.8\\); about ${morePairs} more paired seeds would decide`,
    ),
  );
  assertMatch(
    verdictOf(comparePairs(pairsOfGaps([-1, 1, 1.1, -1.1]))).sentence,
    /1,000 paired seeds would not decide/,
  );
});

Deno.test("verdictsOf() corrects for the number of comparisons by Holm's method", () => {
  const moderate = [0.02, 0.05, 0.03, 0.06, 0.01]; // p = 0.02
  const strong = [0.5, 0.51, 0.52, 0.5, 0.49], none = [0.02, -0.03, 0.05, -0.04, 0.01];
  const alone = verdictOf(comparePairs(pairsOfGaps(moderate)));
  assertEquals(alone.kind, "degraded");
  assertAlmostEquals(alone.p!, 0.0210, 1e-3);
  const report = verdictsOf([moderate, strong, none, none].map((gaps) => comparePairs(pairsOfGaps(gaps))));
  assertEquals(report.map(({ kind }) => kind), ["undecided", "degraded", "undecided", "undecided"]);
  assertAlmostEquals(report[0]!.adjustedP!, 3 * alone.p!, 1e-12);
  assertEquals(report[0]!.comparisons, 4);
  assertGreater(report[0]!.detectable!, alone.detectable!);
  assertMatch(
    report[0]!.sentence,
    /significant alone \(p = 0\.02\d*\), but not with p = 0\.0\d+ after Holm's correction over 4 comparisons/,
  );
  assertMatch(report[1]!.sentence, /p < 0\.0001 after Holm's correction over 4 comparisons/);
  // Comparisons without a test do not count.
  const identical = pairsOfGaps([0, 0]).map(({ baseline }) => ({ baseline, other: baseline }));
  const two = verdictsOf([comparePairs(pairsOfGaps(moderate)), comparePairs(identical)]);
  assertEquals([two[0]!.comparisons, two[0]!.kind, two[1]!.kind], [1, "degraded", "stable"]);
});

Deno.test("verdictOf() reports a divergence of the other side only, with its step", () => {
  const pairs = simulatePairs({ simulation: 5, pairs: 5 });
  const lost = (pair: Pair, from: number): Pair => ({
    ...pair,
    other: recorded({
      seed: pair.other.manifest.spec.seed,
      policy: "bf16-autocast",
      losses: pair.baseline.events.flatMap((event) =>
        event.event === "step" ? [event.step >= from ? NaN : event.loss] : []
      ),
      validation: NaN,
    }),
  });
  const verdict = verdictOf(comparePairs(pairs.map((pair, i) => i < 2 ? lost(pair, 120 + i) : pair)));
  assertEquals([verdict.kind, verdict.step], ["diverged", 120]);
  assertMatch(verdict.sentence, /diverged in 2 of 5 pairs \(first with seed 1\), float32 in none/);
  // If float32 diverges too, precision is not the cause.
  const both = pairs.map((pair, i) =>
    i < 2 ? { baseline: lost(pair, 50).other, other: lost(pair, 60).other } : pair
  );
  assertEquals(verdictOf(comparePairs(both)).kind, "undecided");
  assertEquals(comparePairs(both).gaps.validation.n, 3);
});

Deno.test("comparePairs() refuses copies of a pair, which would narrow the interval", () => {
  const pairs = pairsOfGaps([0.1, 0.2]);
  assertThrows(() => comparePairs([...pairs, pairs[0]!]), RangeError, "expected each pair once, got copies");
});
