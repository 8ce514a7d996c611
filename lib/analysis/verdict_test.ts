import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
} from "@std/assert";
import { recorded, simulatePairs } from "../../tests/support/simulated_pairs.ts";
import type { Pair } from "./stability.ts";
import { comparePairs, type Comparison } from "./compare_pairs.ts";
import { detectable, pairsFor, verdictOf } from "./verdict.ts";

/** How often something happens among simulated comparisons with numbers 1 to `n`. */
function share(n: number, happens: (simulation: number) => boolean): number {
  let found = 0;
  for (let i = 1; i <= n; i++) if (happens(i)) found++;
  return found / n;
}

/** Three standard deviations of a share of n that is p by right. */
const slack = (p: number, n: number) => 3 * Math.sqrt(p * (1 - p) / n);

const alarms = (comparison: Comparison) =>
  ["degraded", "improved", "diverged"].includes(verdictOf(comparison).kind);

Deno.test("verdictOf() raises at most 5 alarms in 100 comparisons without an effect, at the level of 95 %", () => {
  const found = share(100, (simulation) => alarms(comparePairs(simulatePairs({ simulation, pairs: 5 }))));
  assert(found <= 0.05, `${100 * found} alarms`);
});

Deno.test("verdictOf() has the false-alarm rate that it states, over 1,000 comparisons without an effect", () => {
  for (const level of [0.95, 0.8]) {
    const wanted = 1 - level;
    const rate = share(
      1000,
      (simulation) =>
        alarms(comparePairs(simulatePairs({ simulation: 1000 + simulation, pairs: 5, steps: 40 }), {
          tolerance: 0,
          level,
        })),
    );
    assertAlmostEquals(rate, wanted, slack(wanted, 1000));
  }
});

Deno.test("verdictOf() holds its rate for a single pair beside other seeds", () => {
  const rate = share(400, (simulation) => {
    const [pair, ...others] = simulatePairs({ simulation, pairs: 6, chance: 0.0141, steps: 40 });
    return alarms(comparePairs([pair!], { tolerance: 0, seeds: others.map(({ baseline }) => baseline) }));
  });
  assertLess(rate, 0.05 + slack(0.05, 400));
});

Deno.test("comparePairs() finds a step from which on runs are apart in at most 5 % of comparisons without an effect", () => {
  const compare = (simulation: number) => comparePairs(simulatePairs({ simulation, pairs: 5, steps: 100 }));
  const all = Array.from({ length: 400 }, (_, i) => compare(i + 1));
  const apart = all.filter(({ apartFrom }) => apartFrom !== undefined).length / 400;
  const beyond = all.filter(({ beyondFloorFrom }) => beyondFloorFrom !== undefined).length / 400;
  assertLess(apart, 0.05 + slack(0.05, 400));
  assertLess(beyond, 0.05 + slack(0.05, 400));
});

Deno.test("verdictOf() finds an effect of the size that it says it would, 4 times in 5", () => {
  // 5 pairs whose gaps have a standard deviation of 0.01: (2.776 + 0.941) 0.01 / √5
  const size = detectable({ mean: 0, half: 1, sd: 0.01, n: 5 }, 0.95)!;
  assertAlmostEquals(size, 0.01662, 1e-5);
  const found = share(400, (simulation) =>
    verdictOf(comparePairs(
      simulatePairs({ simulation, pairs: 5, steps: 40, effect: () => size }),
      { tolerance: 0 },
    )).kind === "degraded");
  assertAlmostEquals(found, 0.8, 0.08);
});

Deno.test("verdictOf() finds 0.05 nats always, says how much it is, and from which step on", () => {
  let covered = 0;
  for (let simulation = 1; simulation <= 100; simulation++) {
    const pairs = simulatePairs({ simulation, pairs: 5, effect: (step) => step > 100 ? 0.05 : 0 });
    const comparison = comparePairs(pairs);
    const { kind, gap, half, sentence } = verdictOf(comparison);
    assertEquals(kind, "degraded", sentence);
    if (Math.abs(gap - 0.05) <= half!) covered++;
    assert(comparison.apartFrom !== undefined);
    // An interval excludes 0 by chance in a block before it once in 20 times, and then the run of them is longer.
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

Deno.test("verdictOf() calls a gap inside the tolerance stable, and 0.002 nats of it too small to mind", () => {
  const pairs = simulatePairs({ simulation: 1, pairs: 5, chance: 0.0001, effect: () => 0.002 });
  assertEquals(verdictOf(comparePairs(pairs)).kind, "stable");
  assertEquals(verdictOf(comparePairs(pairs, { tolerance: 0 })).kind, "degraded");
});

Deno.test("verdictOf() calls two seeds of one precision within seed noise, always", () => {
  for (let simulation = 1; simulation <= 50; simulation++) {
    const runs = simulatePairs({ simulation, pairs: 7 }).map(({ baseline }) => baseline);
    const pair = { baseline: runs[0]!, other: runs[1]! };
    const alone = verdictOf(comparePairs([pair]));
    assertEquals(alone.kind, "within seed noise");
    assertMatch(alone.sentence, /seeds 1 and 2 of float32 differ by 0\.\d{5} nats/);
    assertEquals(verdictOf(comparePairs([pair], { seeds: runs.slice(2) })).kind, "within seed noise");
  }
});

Deno.test("verdictOf() of a single pair says that no interval is possible, and what would be needed", () => {
  const [pair, ...others] = simulatePairs({ simulation: 3, pairs: 6, effect: () => 0.004 });
  const alone = verdictOf(comparePairs([pair!]));
  assertEquals([alone.kind, alone.half], ["undecided", undefined]);
  assertMatch(alone.sentence, /an interval requires 2 paired seeds/);
  const seeds = others.map(({ baseline }) => baseline);
  assertEquals(verdictOf(comparePairs([pair!], { seeds })).kind, "within seed noise");
  const [large] = simulatePairs({ simulation: 3, pairs: 1, effect: () => 0.4 });
  assertEquals(verdictOf(comparePairs([large!], { seeds })).kind, "degraded");
});

Deno.test("verdictOf() tells a divergence with its step, of the other side alone", () => {
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
  // Where float32 diverges as well, precision is not to blame.
  const both = pairs.map((pair, i) =>
    i < 2 ? { baseline: lost(pair, 50).other, other: lost(pair, 60).other } : pair
  );
  assertEquals(verdictOf(comparePairs(both)).kind, "undecided");
  assertEquals(comparePairs(both).gaps.validation.n, 3);
});

Deno.test("pairsFor() is the least number whose interval is narrow enough", () => {
  // t(4) 0.01 / √5 = 0.01242, t(5) 0.01 / √6 = 0.01049, t(6) 0.01 / √7 = 0.00925
  assertEquals(pairsFor({ sd: 0.01, half: 0.01, level: 0.95 }), 7);
  assertEquals(pairsFor({ sd: 0.01, half: 0.0105, level: 0.95 }), 6);
  assertEquals(pairsFor({ sd: 1, half: 1e-6, level: 0.95 }), undefined);
});
