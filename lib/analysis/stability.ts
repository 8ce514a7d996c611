/**
 * How stable a loss is: spikes, non-finite values, and the gap between two precisions of one run. Plain numbers, no
 * tables.
 *
 * @module
 */
import { canonicalJson, type EvalEvent, type RecordedRun, seriesOf } from "../record/mod.ts";
import { isBaseline } from "./precision_name.ts";
import { meanOf } from "./student.ts";

/**
 * The default tolerance: the smallest gap of a loss that matters, in nats per token. Perplexity is exp(loss), so it is 1 %
 * of perplexity.
 */
export const DEFAULT_TOLERANCE = 0.01;

/** How many values are NaN or infinite. Averages skip them, so they are counted on their own. */
export function countNonFinite(values: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) count++;
  return count;
}

/**
 * Steps whose loss stands out above the steps before it, by a rolling z-score (the idea of llm.c's outlier detector;
 * here the judged loss is no part of the window). Non-finite losses are no spikes: {@linkcode countNonFinite} is for
 * them.
 *
 * Five deviations over a window of 32 are beyond Student's t at 1.3e-5: of 2,000 steps of plain noise, 0.03 are taken
 * for spikes.
 *
 * @param losses By step, nats per token.
 * @param options `window`, losses that one is held against (default 32; the first ones cannot be judged), and `z`,
 * standard deviations above their mean that make a spike (default 5).
 * @returns Indices into `losses`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spikes } from "@losskit/losskit/analysis";
 *
 * const losses = Array.from({ length: 100 }, (_, i) => 2 + 0.01 * Math.sin(i));
 * losses[70] = 3;
 * assertEquals(spikes(losses), [70]);
 * ```
 */
export function spikes(
  losses: ArrayLike<number>,
  { window = 32, z = 5 }: { window?: number; z?: number } = {},
): number[] {
  const found: number[] = [];
  // No slices: a thousand runs of a thousand steps are judged at once.
  for (let i = window; i < losses.length; i++) {
    const loss = losses[i]!;
    if (!Number.isFinite(loss)) continue;
    let n = 0, sum = 0, squares = 0;
    for (let k = i - window; k < i; k++) if (Number.isFinite(losses[k]!)) n++, sum += losses[k]!;
    if (n < 2) continue;
    const mean = sum / n;
    for (let k = i - window; k < i; k++) if (Number.isFinite(losses[k]!)) squares += (losses[k]! - mean) ** 2;
    if (loss - mean > z * Math.sqrt(squares / (n - 1))) found.push(i);
  }
  return found;
}

/** Fields of a spec that say what a run is computed in. */
export const PRECISION = ["policy", "overrides"] as const;

/** Two runs that differ in their precision alone. */
export interface Pair {
  /** In float32. */
  readonly baseline: RecordedRun;
  /** In the lower precision. */
  readonly other: RecordedRun;
}

/** Pairs every run that is not float32 with the float32 run of the same spec, data and code, on the same device. */
export function pairRuns(runs: readonly RecordedRun[]): Pair[] {
  const baselines = new Map(
    runs.filter((run) => isBaseline(run.manifest.spec)).map((run) => [keyOf(run, PRECISION), run]),
  );
  return runs.flatMap((other) => {
    const baseline = isBaseline(other.manifest.spec) ? undefined : baselines.get(keyOf(other, PRECISION));
    return baseline === undefined ? [] : [{ baseline, other }];
  });
}

/** What is equal in runs that differ in some fields of their specs: the rest, data, code and device. */
export function keyOf(
  { manifest: { spec, data, libSha256, environment: { device } } }: RecordedRun,
  free: readonly (typeof PRECISION[number] | "seed")[],
): string {
  const blank = Object.fromEntries(free.map((field) => [field, ""]));
  return canonicalJson({ spec: { ...spec, ...blank }, data: data.sha256, libSha256, device: device ?? null });
}

/** The gap of a pair: the other precision's loss minus float32's, in nats per token. */
export interface Gap {
  /** The gap at each step that both have, from step 1; NaN or infinite where a loss is. */
  readonly byStep: Float64Array;
  /** Of the validation loss, at the last step where both were evaluated; NaN: there is none. */
  readonly finalValidation: number;
  /** Of the same in bits per byte. */
  readonly finalBitsPerByte: number;
  /** Of the training loss, at the last step that both have. */
  readonly final: number;
  /** Mean over the steps where both are finite. */
  readonly mean: number;
  /** Mean distance from 0 over the same steps. */
  readonly meanAbsolute: number;
  /** The one farthest from 0, with its sign, of the same steps. */
  readonly largest: number;
  /** Its step, the first of equals; undefined: both are finite nowhere. */
  readonly largestAt: number | undefined;
  /** The first step where it is farther from 0 than the tolerance, or where one side alone is not finite. */
  readonly firstBeyond: number | undefined;
  /** Training losses that are NaN or infinite, on each side. */
  readonly nonFinite: { readonly baseline: number; readonly other: number };
}

/** Compares a pair step by step; `tolerance` is in nats per token. */
export function gapOf(pair: Pair, tolerance: number = DEFAULT_TOLERANCE): Gap {
  const [a, b] = [seriesOf(pair.baseline), seriesOf(pair.other)];
  const base = a.steps.loss, other = b.steps.loss;
  const byStep = new Float64Array(Math.min(base.length, other.length));
  let sum = 0, absolute = 0, count = 0, largestAt = -1, firstBeyond: number | undefined;
  for (let i = 0; i < byStep.length; i++) {
    const gap = byStep[i] = other[i]! - base[i]!;
    const finite = Number.isFinite(gap);
    if (finite) {
      count++, sum += gap, absolute += Math.abs(gap);
      if (largestAt < 0 || Math.abs(gap) > Math.abs(byStep[largestAt]!)) largestAt = i;
    }
    const beyond = finite
      ? Math.abs(gap) > tolerance
      : Number.isFinite(base[i]!) !== Number.isFinite(other[i]!);
    if (beyond) firstBeyond ??= i + 1;
  }
  return {
    byStep,
    ...validationGap(a.evals, b.evals),
    final: byStep.at(-1) ?? NaN,
    mean: sum / count,
    meanAbsolute: absolute / count,
    largest: byStep[largestAt] ?? NaN,
    largestAt: largestAt < 0 ? undefined : largestAt + 1,
    firstBeyond,
    nonFinite: { baseline: countNonFinite(base), other: countNonFinite(other) },
  };
}

/** Unfinished runs may end at different steps: only losses of the same step are compared. */
function validationGap(
  a: readonly EvalEvent[],
  b: readonly EvalEvent[],
): Pick<Gap, "finalValidation" | "finalBitsPerByte"> {
  const found = new Map(a.map((event) => [event.step, event]));
  const last = b.findLast(({ step }) => found.has(step));
  const base = last && found.get(last.step);
  if (last === undefined || base === undefined) return { finalValidation: NaN, finalBitsPerByte: NaN };
  return {
    finalValidation: last.loss - base.loss,
    finalBitsPerByte: last.bitsPerByte - base.bitsPerByte,
  };
}

/**
 * How far another seed moves the last validation loss in float32: the root mean square of the differences between
 * finished runs that differ in their seed alone, pooled over settings. What precision does is small beside this, or it
 * is not.
 *
 * @returns Nats per token, and how many pairs of seeds it is from; undefined: there are none with finite losses.
 */
export function seedSpread(runs: readonly RecordedRun[]): { nats: number; pairs: number } | undefined {
  const groups = new Map<string, number[]>();
  for (const run of runs) {
    const loss = seriesOf(run).evals.at(-1)?.loss;
    if (!isBaseline(run.manifest.spec) || run.status !== "finished" || loss === undefined) continue;
    const key = keyOf(run, ["seed"]);
    groups.set(key, [...groups.get(key) ?? [], loss]);
  }
  const squares = [...groups.values()]
    .flatMap((losses) => losses.flatMap((a, i) => losses.slice(i + 1).map((b) => (a - b) ** 2)))
    .filter(Number.isFinite);
  return squares.length === 0 ? undefined : { nats: Math.sqrt(meanOf(squares)), pairs: squares.length };
}
