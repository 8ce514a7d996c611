/**
 * Means of the shown runs with Student's intervals.
 *
 * @module
 */
import type { Member, Trace } from "./types.ts";

/** A mean with half the width of its 95 % confidence interval. `half` is undefined for fewer than two values. */
export interface Mean {
  readonly mean: number;
  readonly half: number | undefined;
  readonly n: number;
}

/**
 * Returns the mean of finite values, with half the width of its 95 % interval.
 *
 * @param quantiles Quantiles of Student's t distribution, indexed by the number of values. With more values than the
 * list covers, the last quantile is used.
 */
export function meanOf(values: readonly number[], quantiles: readonly number[]): Mean {
  const n = values.length, mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, half: undefined, n };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const t = quantiles[Math.min(n, quantiles.length - 1)] ?? NaN;
  return { mean, half: t * Math.sqrt(variance / n), n };
}

/** Returns the mean of each block over members. Blocks without finite values are undefined. */
export function blockMeans(
  members: readonly { readonly y: readonly (number | null)[] }[],
  quantiles: readonly number[],
): (Mean | undefined)[] {
  const length = members.reduce((most, { y }) => Math.max(most, y.length), 0);
  return Array.from({ length }, (_, i) => {
    const values = members.map(({ y }) => y[i]).filter((value) => typeof value === "number");
    return values.length === 0 ? undefined : meanOf(values, quantiles);
  });
}

/**
 * Returns a trace with the means of the shown runs for each category of an axis. Returns undefined if no run is shown.
 */
export function categoryTrace(
  trace: Trace,
  members: readonly Member[],
  quantiles: readonly number[],
): Trace | undefined {
  const means = [...Map.groupBy(members, ({ x }) => x ?? "")].map(([x, own]) => ({
    x,
    ...meanOf(own.map(({ y }) => Number(y)), quantiles),
  }));
  if (means.length === 0) return undefined;
  return {
    ...trace,
    x: means.map(({ x }) => x),
    y: means.map(({ mean }) => mean),
    text: means.map(({ half, n }) =>
      half === undefined ? "mean of 1" : `mean of ${n}, ± ${half.toPrecision(3)}`
    ),
    error_y: { ...trace.error_y, array: means.map(({ half }) => half ?? 0) },
  };
}
