/**
 * Predicts the time and memory of a plan's runs, from journals of similar runs or from measured steps.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { type RecordedRun, type RunSpec, seriesOf } from "../record/mod.ts";
import { type Cost, costKey, estimateBytes, estimateSeconds } from "../run/estimate.ts";
import { stepFlops } from "../run/model_of.ts";
import { measureCost } from "../run/measure_step.ts";
import type { Plan, PlannedRun } from "./plan_file.ts";

/** Predicted time and memory of a run. */
export interface Prediction {
  /** The run. */
  readonly run: PlannedRun;
  /** Duration in seconds. */
  readonly seconds: number;
  /** Peak memory in bytes. */
  readonly bytes: number;
  /**
   * Source of the prediction. `journal`: a recorded run with steps of the same cost. `measured`: a few steps of such a
   * run. `scaled`: the measured or recorded run of the nearest size, scaled by floating-point operations.
   */
  readonly from: "journal" | "measured" | "scaled";
}

/** Maximum number of measured costs. Other costs are scaled from them. */
const MEASURED = 6;

/** A planned run with its sizes. */
interface Sized {
  readonly run: PlannedRun;
  readonly key: string;
  readonly flops: number;
  readonly bytes: number;
}

/**
 * Predicts the time and memory of every run of a plan. Measures a few steps, in separate processes, of up to 6 kinds of
 * runs that the records do not cover.
 *
 * @param plan The plan.
 * @param facts `sizesOf`: returns the vocabulary size and the number of validation tokens of a run. `recorded`:
 * recorded runs of the same folder. `print`: receives progress.
 */
export async function predictRuns(
  plan: Plan,
  facts: {
    sizesOf: (run: RunSpec) => { vocabSize: number; validationTokens: number };
    recorded: readonly RecordedRun[];
    print: (line: string) => void;
  },
): Promise<Prediction[]> {
  const sized = plan.runs.map((run): Sized => {
    const { vocabSize } = facts.sizesOf(run.spec);
    return {
      run,
      key: costKey(run.spec),
      flops: stepFlops(run.spec, vocabSize),
      bytes: estimateBytes(run.spec, vocabSize),
    };
  });
  const known = new Map<string, Cost & { from: "journal" | "measured" }>();
  for (const record of facts.recorded) {
    const cost = costOfJournal(record);
    if (cost !== undefined) known.set(costKey(record.manifest.spec), { ...cost, from: "journal" });
  }
  const unknown = [
    ...new Map(sized.filter(({ key }) => !known.has(key)).map((one) => [one.key, one])).values(),
  ];
  const chosen = spread(unknown.sort((a, b) => a.flops - b.flops), MEASURED);
  if (chosen.length > 0) {
    facts.print(
      `measuring ${chosen.length} of ${unknown.length} step shapes, each in a separate process`,
    );
  }
  for (const { run, key } of chosen) {
    known.set(key, { ...await measureCost(run.spec, facts.sizesOf(run.spec).vocabSize), from: "measured" });
  }
  const measured = sized.filter(({ key }) => known.has(key));
  return sized.map((one): Prediction => {
    const { run, bytes } = one;
    const own = known.get(one.key);
    const { validationTokens } = facts.sizesOf(run.spec);
    if (own !== undefined) {
      const seconds = estimateSeconds(run.spec, own, validationTokens);
      return { run, seconds, bytes: own.bytes ?? bytes, from: own.from };
    }
    const near = nearest(one, measured), cost = known.get(near.key)!;
    const factor = one.flops / near.flops;
    const scaled = {
      ...cost,
      stepSeconds: cost.stepSeconds * factor,
      evalSecondsPerToken: cost.evalSecondsPerToken * factor * near.run.spec.T * near.run.spec.B /
        (run.spec.T * run.spec.B),
    };
    // The measured run shows the actual base memory.
    const more = Math.max(0, (cost.bytes ?? near.bytes) - near.bytes);
    return {
      run,
      seconds: estimateSeconds(run.spec, scaled, validationTokens),
      bytes: bytes + more,
      from: "scaled",
    };
  });
}

/** Returns at most `most` entries of a sorted list, evenly spaced, including both ends. */
function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]!);
}

/** Returns the measured run with the nearest number of operations, preferably of the same policy. */
function nearest(one: Sized, measured: readonly Sized[]): Sized {
  const same = measured.filter(({ run }) => run.spec.policy === one.run.spec.policy);
  const distance = ({ flops }: Sized) => Math.abs(Math.log(flops / one.flops));
  const [found] = [...(same.length > 0 ? same : measured)].sort((a, b) => distance(a) - distance(b));
  if (found === undefined) throw new UserError("Cannot predict the runs: expected a measured step, got none");
  return found;
}

/** Returns the cost that a journal records, without memory. Returns undefined if the journal has too few steps. */
function costOfJournal(run: RecordedRun): Cost | undefined {
  const { spec } = run.manifest, { steps, evals, others } = seriesOf(run);
  const speeds = steps.tokensPerSecond.subarray(1).filter((speed) => speed > 0);
  if (speeds.length < 2) return undefined;
  const stepSeconds = spec.B * spec.T / median(speeds);
  const passes = spec.emaDecay > 0 ? 2 : 1;
  const evalSecondsPerToken = median(evals.map(({ seconds, tokens }) => seconds / tokens / passes));
  const finish = others.findLast((event) => event.event === "finish");
  const whole = finish?.event === "finish" && !others.some(({ event }) => event === "resume");
  const rest = steps.length * stepSeconds + evals.reduce((sum, { seconds }) => sum + seconds, 0);
  const startSeconds = whole ? Math.max(0, finish.seconds - rest) : 0;
  return { stepSeconds, startSeconds, evalSecondsPerToken: evalSecondsPerToken || 0 };
}

function median(values: ArrayLike<number>): number {
  const sorted = new Float64Array(values).sort();
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
