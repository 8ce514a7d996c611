/**
 * Synthetic training losses in memory: a trend, noise and an event.
 *
 * @module
 */
import { createRandom } from "../../lib/text/random.ts";

/** Kind of noise, with a standard deviation of 1: `normal`, AR(1) with a correlation of neighbors, or Student's t with 3 degrees of freedom. */
export type NoiseKind = "normal" | { readonly correlation: number } | "t3";

/** Returns noise. Equal arguments give equal noise. */
export function simulateNoise(
  kind: NoiseKind,
  { steps, seed }: { steps: number; seed: number },
): Float64Array {
  const random = createRandom(seed, `noise/${JSON.stringify(kind)}`);
  if (kind === "t3") {
    return new Float64Array(steps).map(() => {
      const chi = random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2;
      return random.normal() / Math.sqrt(chi); // t3 / √3
    });
  }
  const rho = kind === "normal" ? 0 : kind.correlation;
  let value = random.normal();
  return new Float64Array(steps).map((_, i) =>
    value = i === 0 ? value : rho * value + Math.sqrt(1 - rho ** 2) * random.normal()
  );
}

/** An event in a loss: a linear rise. */
export interface Rise {
  /** Height in standard deviations of the noise. */
  readonly height: number;
  /** Steps of the rise. The loss returns to the trend after the last of them. */
  readonly steps: number;
}

/** Trends in standard deviations of the noise. `falling` is a small model's: 2.3 nats in noise of 0.05. */
export const TRENDS = {
  flat: () => 0,
  falling: (step: number) => 46 * Math.exp(-step / 30) + 20 * (step + 1) ** -0.3,
} as const;

/** Returns a loss with noise around a trend of {@linkcode TRENDS}, with a rise that begins at index `at`. */
export function simulateLoss(
  { kind, steps, seed, trend, rise, at = 0 }: {
    kind: NoiseKind;
    steps: number;
    seed: number;
    trend: keyof typeof TRENDS;
    rise?: Rise;
    at?: number;
  },
): Float64Array {
  return simulateNoise(kind, { steps, seed }).map((value, i) => {
    const since = i - at + 1;
    const event = rise !== undefined && since >= 1 && since <= rise.steps
      ? rise.height * since / rise.steps
      : 0;
    return 2 + 0.05 * (value + TRENDS[trend](i) + event);
  });
}
