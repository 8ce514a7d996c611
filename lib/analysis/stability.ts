/**
 * Stability of a loss: non-finite values, and the gap between the precisions of a pair.
 *
 * @module
 */
import { canonicalJson, distinctRuns, type EvalEvent, type RecordedRun, seriesOf } from "../record/mod.ts";
import { isBaseline } from "./precision_name.ts";

/**
 * Default tolerance: smallest gap of a loss that matters, in nats per token. Perplexity is exp(loss), so the default is
 * a change of perplexity by 1 %.
 */
export const DEFAULT_TOLERANCE = 0.01;

/** Counts NaN and infinite values. Averages in this module skip these values. */
export function countNonFinite(values: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) count++;
  return count;
}

/** Spec fields that determine the precision of a run. */
export const PRECISION = ["policy", "overrides"] as const;

/** Two runs that differ only in precision. */
export interface Pair {
  /** Run in float32. */
  readonly baseline: RecordedRun;
  /** Run in lower precision. */
  readonly other: RecordedRun;
}

/**
 * Pairs every run in lower precision with the float32 run that has the same data, code, device and other spec fields.
 * Counts a run that is given twice once.
 */
export function pairRuns(all: readonly RecordedRun[]): Pair[] {
  const runs = distinctRuns(all);
  const baselines = new Map(
    runs.filter((run) => isBaseline(run.manifest.spec)).map((run) => [keyOf(run, PRECISION), run]),
  );
  return runs.flatMap((other) => {
    const baseline = isBaseline(other.manifest.spec) ? undefined : baselines.get(keyOf(other, PRECISION));
    return baseline === undefined ? [] : [{ baseline, other }];
  });
}

/** Keys by manifest and free fields: grouping compares every run with every group. */
const keysOf = new WeakMap<RecordedRun["manifest"], Map<string, string>>();

/**
 * Returns a key of a run's data, code, device and spec, without the given spec fields. Runs with equal keys differ at
 * most in those fields.
 */
export function keyOf(
  { manifest }: RecordedRun,
  free: readonly (typeof PRECISION[number] | "seed" | "perturb" | "reorder")[],
): string {
  let keys = keysOf.get(manifest);
  if (keys === undefined) keysOf.set(manifest, keys = new Map());
  const name = String(free), known = keys.get(name);
  if (known !== undefined) return known;
  const { spec, data, libSha256, environment: { device } } = manifest;
  const blank = Object.fromEntries(free.map((field) => [field, ""]));
  const fields = { spec: { ...spec, ...blank }, data: data.sha256, libSha256, device: device ?? null };
  const key = canonicalJson(fields);
  keys.set(name, key);
  return key;
}

/** Gap of a pair: loss in the other precision minus loss in float32, in nats per token. */
export interface Gap {
  /** Gap at each common step, from step 1. NaN or infinite for non-finite losses. */
  readonly byStep: Float64Array;
  /** Gap of the validation loss at the last common evaluation. NaN without a common evaluation. */
  readonly finalValidation: number;
  /** Gap of the validation loss at the last common evaluation, in bits per byte. */
  readonly finalBitsPerByte: number;
  /** Gap of the training loss at the last common step. */
  readonly final: number;
  /** Mean gap of the training loss, over the steps at which both losses are finite. */
  readonly mean: number;
  /** Mean absolute gap of the training loss, over the steps at which both losses are finite. */
  readonly meanAbsolute: number;
  /**
   * Gap of the training loss with the largest absolute value, with its sign, over the steps at which both losses are
   * finite.
   */
  readonly largest: number;
  /** First step with the gap `largest`. Undefined if no step has two finite losses. */
  readonly largestAt: number | undefined;
  /**
   * First step with an absolute gap above the tolerance, or with a non-finite loss in only one of the runs. Undefined
   * if there is no such step.
   */
  readonly firstBeyond: number | undefined;
  /** Number of NaN or infinite training losses in each run. */
  readonly nonFinite: { readonly baseline: number; readonly other: number };
}

/** Computes the gap of a pair at every step and evaluation. `tolerance` is in nats per token. */
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

/** Compares validation losses of the same step only, because unfinished runs may end at different steps. */
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
