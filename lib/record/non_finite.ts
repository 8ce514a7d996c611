/**
 * The first NaN or infinite number in a run's record, and its description.
 *
 * @module
 */
import { printable } from "../error/printable.ts";
import type { Extremes } from "../precision/mod.ts";
import type { NonFiniteEvent, RunEvent } from "./event.ts";
import { seriesOf } from "./run_series.ts";

/**
 * Location and inputs of the first NaN or infinite number of a run: a {@linkcode NonFiniteEvent} without `event`,
 * `time` and `generation`.
 */
export type NonFiniteRecord = Omit<NonFiniteEvent, "event" | "time" | "generation">;

/** Step or evaluation at which a loss or gradient is NaN or infinite. */
export interface NonFiniteStep {
  /** Step, from 1. For an evaluation, the number of steps before it. */
  readonly step: number;
  /** True for an evaluation. */
  readonly evaluation: boolean;
  /** True if a gradient scaler skipped the step, although its loss is finite. */
  readonly skipped: boolean;
}

/**
 * Returns the recorded event of a run's first non-finite number. Ignores events that a later `resume` event supersedes.
 * Returns undefined if none is recorded.
 */
export function recordedNonFinite(run: { readonly events: readonly RunEvent[] }): NonFiniteEvent | undefined {
  let found: NonFiniteEvent | undefined;
  for (const event of seriesOf(run).others) {
    if (event.event === "nonFinite") found ??= event;
    if (event.event === "resume" && found !== undefined && found.step > event.step) found = undefined;
  }
  return found;
}

/**
 * Returns the first step or evaluation whose loss or gradient is not finite. Steps that a gradient scaler skipped are
 * only considered if nothing else is non-finite. Returns undefined if all values are finite.
 */
export function firstNonFinite(run: { readonly events: readonly RunEvent[] }): NonFiniteStep | undefined {
  const { steps: { loss, gradNorm, lossScale }, evals } = seriesOf(run);
  const isSkip = (i: number) => Number.isFinite(loss[i]) && Number.isFinite(lossScale?.[i]);
  const isBad = (i: number) => !(Number.isFinite(loss[i]) && Number.isFinite(gradNorm[i]));
  const step = loss.findIndex((_, i) => isBad(i) && !isSkip(i)) + 1; // 0: none
  const evaluation = evals.find((event) => !Number.isFinite(event.loss));
  if (step > 0 && !(evaluation !== undefined && evaluation.step < step)) {
    return { step, evaluation: false, skipped: false };
  }
  if (evaluation !== undefined) return { step: evaluation.step, evaluation: true, skipped: false };
  const skipped = loss.findIndex((_, i) => isBad(i)) + 1;
  return skipped === 0 ? undefined : { step: skipped, evaluation: false, skipped: true };
}

/** Describes the first non-finite number of a run in a sentence: its location, and the inputs of the operation. */
export function describeNonFinite(found: NonFiniteRecord): string {
  const { step, evaluation, pass, layer, opClass, op, parameter, inputs, output } = found;
  const place = evaluation ? `the evaluation after step ${step}` : `step ${step}`;
  const count = output.shape.reduce((a, b) => a * b, 1), bad = Math.round(output.nonFinite * count);
  if (pass === "weights") {
    const weights = `${bad} of ${count} weights are NaN or infinite.`;
    return printable(`First non-finite number: ${parameter ?? layer}, before step ${step + 1}: ${weights}`);
  }
  const where = [place, `${pass} pass`, layer, opClass, parameter].filter((part) => part).join(", ");
  return printable(
    `First non-finite number: ${where}: ${op} of finite inputs gives NaN or infinity in ${bad} of ${count} values. ` +
      `Inputs: ${inputs.map(describeInput).join("; ")}; the largest ${output.format} is ${
        short(output.largest)
      }.`,
  );
}

function describeInput({ format, shape, min, max, nonFinite }: Extremes): string {
  const size = `${format} [${shape}]`;
  const range = Number.isNaN(min)
    ? `${size}, no finite value`
    : `${size} from ${short(min)} to ${short(max)}`;
  return nonFinite === 0 ? range : `${range}, ${short(100 * nonFinite)} % of it infinite by design`;
}

function short(value: number): string {
  const isFar = value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4);
  return isFar ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}
