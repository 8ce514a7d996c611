/** Error rates and detection rates of spikes and divergence, by simulation. `deno task soak` measures them with 10,000 cases. */
import { divergedAt } from "../lib/analysis/gap_blocks.ts";
import { spikes } from "../lib/analysis/mod.ts";
import { testRate } from "./support/error_rates.ts";
import { type NoiseKind, simulateLoss, TRENDS } from "./support/simulated_losses.ts";

const NOISES: readonly (readonly [name: string, kind: NoiseKind])[] = [
  ["normal noise", "normal"],
  ["AR(1) noise of 0.9", { correlation: 0.9 }],
  ["Student-t3 noise", "t3"],
];

for (const trend of Object.keys(TRENDS) as (keyof typeof TRENDS)[]) {
  for (const [noise, kind] of NOISES) {
    testRate({
      name: `false spikes in 2,000 steps, ${noise}, ${trend} loss`,
      cases: 100,
      most: 0.5,
      happens: (seed) => spikes(simulateLoss({ kind, steps: 2000, seed, trend })).length,
    });
    for (const rise of [{ height: 10, steps: 20 }, { height: 20, steps: 50 }]) {
      testRate({
        name: `rises to ${rise.height} sd over ${rise.steps} steps found, ${noise}, ${trend} loss`,
        cases: 100,
        least: 0.95,
        happens: (seed) => {
          const steps = seed % 2 === 0 ? 2000 : 400, at = 100 + (seed * 7919) % (steps - 200);
          const found = spikes(simulateLoss({ kind, steps, seed, trend, rise, at }));
          return found.some((step) => step >= at && step < at + rise.steps + 7);
        },
      });
    }
  }
}

testRate({
  name: "jumps of 8 sd in one step found, normal noise, flat loss",
  cases: 200,
  least: 0.99,
  happens: (seed) => {
    const at = 100 + seed % 1800;
    const rise = { height: 8, steps: 1 };
    return spikes(simulateLoss({ kind: "normal", steps: 2000, seed, trend: "flat", rise, at })).includes(at);
  },
});

for (const correlation of [0, 0.5, 0.9, 0.95]) {
  for (const steps of [100, 200, 2000]) {
    testRate({
      name: `false divergences, stationary AR(1) loss of ${correlation}, ${steps} steps`,
      cases: 300,
      most: 0.01,
      happens: (seed) =>
        divergedAt(simulateLoss({ kind: { correlation }, steps, seed, trend: "flat" })) !== undefined,
    });
  }
}

testRate({
  name: "losses of half of the progress found, normal noise, falling loss",
  cases: 100,
  least: 0.99,
  happens: (seed) => {
    const loss = simulateLoss({ kind: "normal", steps: 400, seed, trend: "falling" });
    return divergedAt(loss.map((value, i) => value + Math.min(2, Math.max(0, (i - 200) / 25)))) !== undefined;
  },
});
