/** Error rates and powers of verdicts, by simulation. `deno task soak` measures them with 10,000 cases. */
import { comparePairs, type ComparisonOptions, type VerdictKind, verdictsOf } from "../lib/analysis/mod.ts";
import { detectable, pairsToDecide } from "../lib/analysis/power.ts";
import { createRandom } from "../lib/text/random.ts";
import { testRate } from "./support/error_rates.ts";
import { pairsOfGaps, simulatePairs } from "./support/simulated_pairs.ts";

/** Standard deviation of gaps in nats, as between the pairs of a chaotic run. */
const SD = 0.01;

/** Returns draws with a mean of 0 and a standard deviation of 1: normal, or exponential and skewed to the right. */
function draws(simulation: number, n: number, kind: "normal" | "exponential" = "normal"): number[] {
  const random = createRandom(simulation, `gaps/${kind}`);
  return Array.from(
    { length: n },
    () => kind === "normal" ? random.normal() : -Math.log(1 - random.uniform()) - 1,
  );
}

/** Returns the kind of the verdict on normal gaps with a mean in nats. */
function kindOf(
  simulation: number,
  { n, mean = 0, sd = SD, floor = 0, reordered = 0, ...options }: {
    n: number;
    mean?: number;
    sd?: number;
    /** Number of perturbed pairs, whose gaps have a standard deviation of {@linkcode SD}. */
    floor?: number;
    /** Number of these pairs with another order of sums, whose gaps have a third of that standard deviation. */
    reordered?: number;
  } & ComparisonOptions,
): VerdictKind {
  const values = draws(simulation, n + floor);
  const pairs = pairsOfGaps(values.slice(0, n).map((value) => mean + sd * value));
  const floorGaps = values.slice(n).map((value, i) => (i < reordered ? SD / 3 : SD) * value);
  const perturbed = pairsOfGaps(floorGaps, { perturbed: true });
  return verdictsOf([comparePairs(pairs, { ...options, perturbed })])[0]!.kind;
}

const isSigned = (kind: VerdictKind) => kind === "degraded" || kind === "improved";

for (const n of [2, 3, 5]) {
  testRate({
    name: `false degraded or improved, ${n} pairs, no effect`,
    cases: 600,
    most: 0.05,
    happens: (i) => isSigned(kindOf(i, { n, tolerance: 0 })),
  });
  testRate({
    name: `false stable, ${n} pairs, true gap at the tolerance`,
    cases: 600,
    most: 0.05,
    happens: (i) => kindOf(i, { n, mean: 0.01, sd: 0.005 }) === "stable",
  });
  testRate({
    name: `degraded found, ${n} pairs, true gap of the detectable size`,
    cases: 600,
    least: 0.8,
    happens: (i) => {
      const mean = detectable({ mean: 0, half: undefined, sd: SD, n }, 0.05)!;
      return kindOf(i, { n, mean, tolerance: 0 }) === "degraded";
    },
  });
  testRate({
    name: `false within noise, ${n} pairs and 5 perturbed pairs, true gap at the floor of 1.96 sd`,
    cases: 600,
    most: 0.05,
    happens: (i) => kindOf(i, { n, mean: 1.96 * SD, floor: 5 }) === "within noise",
  });
}

testRate({
  name: "false within noise, 5 pairs, 3 perturbed and 2 reordered pairs, true gap at the floor of 1.96 sd",
  cases: 600,
  most: 0.05,
  happens: (i) => kindOf(i, { n: 5, mean: 1.96 * SD, floor: 5, reordered: 2 }) === "within noise",
});
testRate({
  name: "any false degraded or improved, reports of 6 comparisons, 5 pairs each, no effect",
  cases: 200,
  most: 0.05,
  happens: (i) => {
    const comparisons = Array.from(
      { length: 6 },
      (_, k) =>
        comparePairs(pairsOfGaps(draws(10_000 * k + i, 5).map((value) => SD * value)), { tolerance: 0 }),
    );
    return verdictsOf(comparisons).some(({ kind }) => isSigned(kind));
  },
});

testRate({
  name: "stable found, 3 pairs, no gap, sd of half the tolerance",
  cases: 600,
  least: 0.5,
  happens: (i) => kindOf(i, { n: 3, sd: 0.005 }) === "stable",
});
testRate({
  name: "stable found, 5 pairs, no gap, sd of half the tolerance",
  cases: 600,
  least: 0.93,
  happens: (i) => kindOf(i, { n: 5, sd: 0.005 }) === "stable",
});
testRate({
  name: "within noise found, 5 pairs and 5 perturbed pairs, no gap beyond chaos",
  cases: 600,
  least: 0.6,
  happens: (i) => kindOf(i, { n: 5, floor: 5, tolerance: 0 }) === "within noise",
});
testRate({
  name: "within noise found, 5 pairs, 3 perturbed and 2 reordered pairs, no gap beyond chaos",
  cases: 600,
  least: 0.3,
  happens: (i) => kindOf(i, { n: 5, floor: 5, reordered: 2, tolerance: 0 }) === "within noise",
});
testRate({
  name: "decided by the number of pairs that a verdict asks for, gap 0.004, sd 0.01, tolerance 0.01",
  cases: 600,
  least: 0.8,
  happens: (i) => {
    const n = pairsToDecide({ mean: 0.004, sd: SD }, { alpha: 0.05, tolerance: 0.01 }, 2)!;
    return kindOf(i, { n, mean: 0.004 }) !== "undecided";
  },
});

for (const n of [3, 5, 10]) {
  const kind = (i: number) =>
    verdictsOf([
      comparePairs(pairsOfGaps(draws(i, n, "exponential").map((value) => SD * value)), { tolerance: 0 }),
    ])[0]!.kind;
  testRate({
    name: `false degraded, ${n} pairs, exponential gaps with a mean of 0`,
    cases: 600,
    most: 0.01,
    happens: (i) => kind(i) === "degraded",
  });
  testRate({
    name: `false improved, ${n} pairs, exponential gaps with a mean of 0`,
    cases: 600,
    most: 0.12,
    happens: (i) => kind(i) === "improved",
  });
}

testRate({
  name: "false degraded or improved, a single pair beside 5 seeds, no effect",
  cases: 400,
  most: 0.05,
  happens: (i) => {
    const [pair, ...others] = simulatePairs({ simulation: i, pairs: 6, chance: 0.0141, steps: 8 });
    const seeds = others.map(({ baseline }) => baseline);
    return isSigned(verdictsOf([comparePairs([pair!], { tolerance: 0, seeds })])[0]!.kind);
  },
});

testRate({
  name: "false first step of a gap of training losses, 5 pairs, no effect",
  cases: 200,
  most: 0.05,
  happens: (i) => comparePairs(simulatePairs({ simulation: i, pairs: 5, steps: 40 })).apartFrom !== undefined,
});
