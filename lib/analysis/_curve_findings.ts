/**
 * Spikes and divergence of a run's training losses, computed once per run: tables, verdicts and figures share them.
 *
 * @module
 */
import { type RecordedRun, type RunSeries, seriesOf } from "../record/mod.ts";
import { divergedAt } from "./gap_blocks.ts";
import { spikes } from "./spikes.ts";

/** Findings by events of a run. Further events of a live run have a new series. */
const known = new WeakMap<RunSeries, CurveFindings>();

/** Findings in the training losses of a run. */
class CurveFindings {
  readonly #losses: Float64Array;
  #spikes: readonly number[] | undefined;
  #divergence: { readonly step: number | undefined } | undefined;

  /** Creates findings of losses by step, from step 1. */
  constructor(losses: Float64Array) {
    this.#losses = losses;
  }

  /** Steps at which spikes begin, from 1. */
  get spikes(): readonly number[] {
    return this.#spikes ??= spikes(this.#losses).map((i) => i + 1);
  }

  /** Step at which the run diverged. Undefined: it did not. */
  get divergedAt(): number | undefined {
    return (this.#divergence ??= { step: divergedAt(this.#losses) }).step;
  }
}

/** Returns the findings in the training losses of a run. */
export function curveFindings(run: RecordedRun): CurveFindings {
  const series = seriesOf(run);
  let findings = known.get(series);
  if (findings === undefined) known.set(series, findings = new CurveFindings(series.steps.loss));
  return findings;
}
