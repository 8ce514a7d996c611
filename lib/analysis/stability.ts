/**
 * How stable a loss is: spikes, non-finite values, and the gap between two precisions of one run. Plain numbers.
 *
 * @module
 */
import { canonicalJson, effectiveEvents, type RecordedRun, type StepEvent } from "../record/mod.ts";

/** The policy that others are held against. */
export const BASELINE = "float32";

/** A gap that is worth a look, in nats; stated wherever it is used. */
export const DEFAULT_BOUND = 0.05;

/** Losses before a step that it is held against, and how many of their standard deviations make a spike. */
const WINDOW = 32, SPIKE_Z = 4;

/** How many values are NaN or infinite. Averages skip them, so they are counted on their own. */
export function countNonFinite(values: readonly number[]): number {
  return values.filter((value) => !Number.isFinite(value)).length;
}

/**
 * Steps whose loss stands out above what came before: more than 4 standard deviations over the mean of the 32 losses
 * before it. The first 32 steps cannot be judged.
 *
 * @param losses By step, nats per token.
 * @returns Indices into `losses`.
 */
export function spikes(losses: readonly number[]): number[] {
  const found: number[] = [];
  for (let i = WINDOW; i < losses.length; i++) {
    const before = losses.slice(i - WINDOW, i).filter(Number.isFinite);
    const mean = before.reduce((sum, x) => sum + x, 0) / before.length;
    const deviation = Math.sqrt(before.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (before.length - 1));
    if (losses[i]! - mean > SPIKE_Z * deviation) found.push(i);
  }
  return found;
}

/** Two runs that differ in their policy alone. */
export interface Pair {
  readonly baseline: RecordedRun;
  readonly other: RecordedRun;
}

/** Pairs every run that is not float32 with the float32 run that is otherwise the same. */
export function pairRuns(runs: readonly RecordedRun[]): Pair[] {
  const key = ({ manifest: { spec, data } }: RecordedRun) =>
    canonicalJson({ ...spec, policy: "", data: data.sha256 });
  const baselines = new Map(
    runs.filter((run) => run.manifest.spec.policy === BASELINE).map((run) => [key(run), run]),
  );
  return runs.flatMap((other) => {
    const baseline = other.manifest.spec.policy === BASELINE ? undefined : baselines.get(key(other));
    return baseline === undefined ? [] : [{ baseline, other }];
  });
}

/** The gap of a pair: the other precision's loss minus float32's, nats per token. */
export interface Gap {
  /** By step that both have; NaN where one side is not finite. */
  readonly byStep: readonly { step: number; gap: number }[];
  /** Of the last validation loss. */
  readonly finalValidation: number;
  /** Of the training loss at the last common step. */
  readonly final: number;
  /** Mean over steps where both are finite. */
  readonly mean: number;
  /** The one farthest from 0, with its sign. */
  readonly largest: number;
  /** The first step where it is farther from 0 than the bound, or one side alone is not finite. */
  readonly firstBeyond: number | undefined;
}

/** Compares a pair step by step. */
export function gapOf(pair: Pair, bound: number = DEFAULT_BOUND): Gap {
  const [a, b] = [pair.baseline, pair.other].map((run) => effectiveEvents(run.events)) as [Steps, Steps];
  const losses = new Map(a.steps.map((event) => [event.step, event.loss]));
  const byStep = b.steps.flatMap(({ step, loss }) => {
    const base = losses.get(step);
    return base === undefined
      ? []
      : [{ step, gap: loss - base, oneSided: Number.isFinite(loss) !== Number.isFinite(base) }];
  });
  const finite = byStep.map(({ gap }) => gap).filter(Number.isFinite);
  const largest = finite.reduce((far, gap) => Math.abs(gap) > Math.abs(far) ? gap : far, 0);
  return {
    byStep: byStep.map(({ step, gap }) => ({ step, gap: Number.isFinite(gap) ? gap : NaN })),
    finalValidation: (b.evals.at(-1)?.loss ?? NaN) - (a.evals.at(-1)?.loss ?? NaN),
    final: byStep.at(-1)?.gap ?? NaN,
    mean: finite.length === 0 ? NaN : finite.reduce((sum, gap) => sum + gap, 0) / finite.length,
    largest: finite.length === 0 ? NaN : largest,
    firstBeyond: byStep.find(({ gap, oneSided }) => oneSided || Math.abs(gap) > bound)?.step,
  };
}

interface Steps {
  steps: StepEvent[];
  evals: ReturnType<typeof effectiveEvents>["evals"];
}
