/**
 * Horizontal axis and smoothing of curves over steps.
 *
 * @module
 */
import type { PageRun, Trace } from "./types.ts";
import type { View } from "./state.ts";

/** Titles of the horizontal axis. */
export const X_TITLES: Readonly<Record<View["x"], string>> = {
  step: "step",
  tokens: "training tokens",
  FLOPs: "training FLOPs",
  time: "training time (s)",
};

/** Converts a step to the unit of the horizontal axis. */
export function xOf(step: number, run: PageRun | undefined, unit: View["x"]): number {
  if (run === undefined || unit === "step") return step;
  if (unit === "tokens") return step * run.tokens;
  if (unit === "FLOPs") return step * (run.flops ?? NaN);
  const { step: steps, seconds } = run.clock;
  const after = steps.findIndex((one) => one >= step);
  if (after <= 0) return after === 0 ? seconds[0]! : seconds.at(-1) ?? NaN;
  const share = (step - steps[after - 1]!) / (steps[after]! - steps[after - 1]!);
  return seconds[after - 1]! + share * (seconds[after]! - seconds[after - 1]!);
}

/** Resolution of the smoothing: the weight applies to this part of the curve's width. */
const PARTS = 200;

/**
 * Smooths a curve by an exponential moving average. The weight of a point depends on the distance to its neighbor. The
 * first points are corrected for bias, as in Adam. Non-finite values break the curve.
 *
 * @param weight Weight of the past per 1/200 of the curve's width, 0 to 0.99.
 */
export function smoothed({ x, y }: Pick<Trace, "x" | "y">, weight: number): (number | null)[] {
  const width = Number(x.at(-1)) - Number(x[0]) || 1;
  let sum = 0, total = 0, before = Number(x[0]);
  return y.map((value, i) => {
    if (value === null) return null;
    const kept = weight ** (Math.abs(Number(x[i]) - before) / width * PARTS);
    before = Number(x[i]);
    sum = sum * kept + value;
    total = total * kept + 1;
    return sum / total;
  });
}
