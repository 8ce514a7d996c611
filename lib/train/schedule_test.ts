import { assertAlmostEquals, assertEquals } from "@std/assert";
import { learningRate, type ScheduleName } from "./schedule.ts";

const schedule = { lr: 1, minLr: 0.1, warmupSteps: 9, steps: 110 };

Deno.test("learningRate() warms up linearly, peaks, and ends at the floor", () => {
  assertAlmostEquals(learningRate(1, schedule), 0.1);
  assertAlmostEquals(learningRate(9, schedule), 0.9);
  assertAlmostEquals(learningRate(10, schedule), 1);
  assertAlmostEquals(learningRate(60, schedule), 0.55);
  assertAlmostEquals(learningRate(110, schedule), 0.1);
});

Deno.test("learningRate() never increases after the warm-up, and supports runs of one step", () => {
  for (let step = 11; step <= 110; step++) {
    if (learningRate(step, schedule) > learningRate(step - 1, schedule)) {
      throw new Error(`it rises at ${step}`);
    }
  }
  assertEquals(learningRate(1, { ...schedule, warmupSteps: 0, steps: 1 }), 1);
});

Deno.test("learningRate() is linear, constant or stable with a final decay, after the same warm-up", () => {
  const rates = (name: ScheduleName) =>
    [5, 10, 60, 90, 100, 110].map((step) =>
      learningRate(step, { ...schedule, schedule: name, decaySteps: 20 })
    );
  for (
    const [name, want] of [
      ["linear", [0.5, 1, 0.55, 0.28, 0.19, 0.1]],
      ["constant", [0.5, 1, 1, 1, 1, 1]],
      ["wsd", [0.5, 1, 1, 1, 0.55, 0.1]],
    ] as const
  ) {
    rates(name).forEach((rate, i) => assertAlmostEquals(rate, want[i]!, 1e-12, `${name}, ${i}`));
  }
});
