/**
 * Precisions of experiments by name: their training runs, their gaps to float32, and their gradients at trained weights.
 *
 * @module
 */
import { join } from "node:path";
import { type Estimate, estimate } from "../lib/analysis/mod.ts";
import { type GptConfig, type Parameters, toParameters } from "../lib/model/mod.ts";
import {
  formatOverride,
  parseOverride,
  type PolicyName,
  type PrecisionOverride,
} from "../lib/precision/mod.ts";
import type { RecordedRun, RunSpec } from "../lib/record/mod.ts";
import { loadDataset } from "../lib/run/mod.ts";
import { openModel } from "../lib/run/open_model.ts";
import type { Conclusion, ExperimentFindings, ExperimentSize, ExperimentSweep } from "../lib/sweep/mod.ts";
import { useTensorFlow } from "../lib/tensorflow/mod.ts";
import { Replay, type StepError, type TrainingBatch } from "../lib/train/mod.ts";
import {
  concludeParts,
  fields,
  hasPolicy,
  inWords,
  pairedGap,
  SMALL_MODEL,
  validationLoss,
} from "./_runs.ts";

/** A policy with overrides. */
export interface Precision {
  /** Name of the policy. */
  readonly policy: PolicyName;
  /** Overrides of the policy's formats. */
  readonly overrides: readonly PrecisionOverride[];
}

/** Precisions by name. */
export type Precisions = Readonly<Record<string, Precision>>;

/** Returns a precision, with overrides as on the command line: `linear.dgrad=bfloat16`. */
export function precision(policy: PolicyName, ...overrides: readonly string[]): Precision {
  return { policy, overrides: overrides.map(parseOverride) };
}

/** Returns zipped axes of a spec that train every precision, and float32. */
export function precisionAxes(precisions: Precisions): Record<string, readonly unknown[]>[] {
  const all = [precision("float32"), ...Object.values(precisions)];
  return [{ policy: all.map(({ policy }) => policy), overrides: all.map(({ overrides }) => overrides) }];
}

/**
 * Returns the sweep that trains precisions for 200 steps. The quick form trains float32 for 20 steps, for measurements of
 * gradients.
 *
 * @param size Size of the experiment.
 * @param full Precisions, number of seeds, and bytes of an evaluation (default: 16,384) of the full form.
 */
export function trainingSweep(
  size: ExperimentSize,
  full: { precisions: Precisions; seeds: number; evalBytes?: number },
): { training: ExperimentSweep } {
  const isFull = size === "full", { precisions, seeds, evalBytes = 16384 } = full;
  return {
    training: {
      spec: {
        ...SMALL_MODEL,
        zip: precisionAxes(isFull ? precisions : {}),
        seeds: Array.from({ length: isFull ? seeds : 1 }, (_, i) => i + 1),
        steps: isFull ? 200 : 20,
        lr: 2e-3,
        warmupSteps: 10,
        evalEvery: 1_000_000,
        evalBytes: isFull ? evalBytes : 4096,
      },
    },
  };
}

/** Returns a predicate for runs of a precision. */
function hasPrecision({ policy, overrides }: Precision): (run: RecordedRun) => boolean {
  const key = (list: readonly PrecisionOverride[]) => list.map(formatOverride).join();
  return ({ manifest: { spec } }) => spec.policy === policy && key(spec.overrides) === key(overrides);
}

/** Returns the gap of each precision: the final validation loss minus float32's, paired by seed, nats per token. */
export function gapsOf(runs: readonly RecordedRun[], precisions: Precisions): Record<string, Estimate> {
  return mapOf(
    precisions,
    (one) => pairedGap(runs, { base: hasPolicy("float32"), other: hasPrecision(one) }),
  );
}

/** Returns the difference between the gaps of two precisions, paired by seed: `other` minus `base`. */
export function gapDifference(
  runs: readonly RecordedRun[],
  { base, other }: { base: Precision; other: Precision },
): Estimate {
  return pairedGap(runs, { base: hasPrecision(base), other: hasPrecision(other) });
}

/** Returns a table of gaps, and one of the runs' losses. */
export function gapTables(
  runs: readonly RecordedRun[],
  precisions: Precisions,
): { training: Record<string, string | number | null>[]; runs: Record<string, string | number | null>[] } {
  const all: Precisions = { float32: precision("float32"), ...precisions };
  return {
    training: Object.entries(gapsOf(runs, precisions)).map(([name, gap]) => ({
      precision: name,
      ...fields(gap),
    })),
    runs: Object.entries(all).flatMap(([name, one]) =>
      runs.filter(hasPrecision(one)).map((run) => ({
        precision: name,
        seed: run.manifest.spec.seed,
        loss: validationLoss(run),
      }))
    ),
  };
}

/** Formats estimates by name as text. */
export function listed(estimates: Readonly<Record<string, Estimate>>): string {
  return Object.entries(estimates).map(([name, one]) => `${name} ${inWords(one)}`).join(", ");
}

/** Errors of gradients by precision, each in the order of the runs. */
export type GradientErrors = Readonly<Record<string, readonly StepError[]>>;

/** The weights of a trained run, and batches to measure their gradients on. */
interface TrainedModel {
  /** Spec of the run. */
  readonly spec: RunSpec;
  /** Options of the model. */
  readonly config: GptConfig;
  /** Weights, which the caller disposes of. */
  readonly weights: Parameters;
  /** Returns a batch, which the caller disposes of. Equal arguments give equal batches in all experiments. */
  readonly batchOf: (batchSize: number, index: number) => TrainingBatch;
}

/** Yields the models of the runs in float32 of a {@linkcode trainingSweep}. */
export async function* trainedModels(
  { runs: { training = [] }, folders }: ExperimentFindings,
): AsyncGenerator<TrainedModel, void, undefined> {
  await useTensorFlow();
  using data = await loadDataset(SMALL_MODEL.data, { tokenizer: SMALL_MODEL.vocab[0] });
  for (const { manifest: { runId, spec } } of training.filter(hasPolicy("float32"))) {
    const folder = join(folders["training"]!, "runs", runId);
    using model = await openModel(folder, { action: "measure gradients of" });
    yield {
      spec,
      config: model.config,
      weights: toParameters(model.parameters),
      batchOf: (batchSize, index) =>
        data.getBatch({ batchSize, blockSize: spec.T, seed: 1000 * spec.seed + index }),
    };
  }
}

/**
 * Measures the gradients of precisions at trained weights.
 *
 * @param findings Runs and folders of a {@linkcode trainingSweep}.
 * @param options `precisions`: those to compare with float32. `K`: number of batches of a measurement.
 */
export async function gradientErrors(
  findings: ExperimentFindings,
  { precisions, K }: { precisions: Precisions; K: number },
): Promise<GradientErrors> {
  const found: Record<string, StepError[]> = mapOf(precisions, () => []);
  for await (const { spec, config, weights, batchOf } of trainedModels(findings)) {
    const batches = Array.from({ length: K }, (_, i) => batchOf(spec.B, i));
    using replay = new Replay(weights, batches, { model: config });
    for (const [name, one] of Object.entries(precisions)) found[name]!.push(replay.measure(one));
  }
  return found;
}

/**
 * Concludes from measurements of gradients and, in the full form, from the gaps in training.
 *
 * @param findings Runs of a {@linkcode trainingSweep}.
 * @param precisions Precisions whose gaps are part of the conclusion.
 * @param measured Conclusion of the quick form. Its reason and tables come first in the full form.
 * @param predict Returns the parts of the prediction, and more text on the gaps (default: none).
 */
export function concludeTraining(
  { size, runs: { training = [] } }: ExperimentFindings,
  precisions: Precisions,
  measured: Omit<Conclusion, "verdict">,
  predict: (
    gaps: Record<string, Estimate>,
    runs: readonly RecordedRun[],
  ) => { parts: Readonly<Record<string, boolean>>; text?: string },
): Conclusion {
  if (size === "quick") return { ...measured, verdict: "not decidable at this scale" };
  const gaps = gapsOf(training, precisions);
  const { parts, text } = predict(gaps, training), { verdict, sentence } = concludeParts(parts);
  return {
    verdict,
    reason: `${measured.reason}; gap in nats: ${listed(gaps)}${
      text === undefined ? "" : `; ${text}`
    }. ${sentence}`,
    directionHolds: measured.directionHolds,
    tables: { ...measured.tables, ...gapTables(training, precisions) },
  };
}

/** Returns the mean of a gradient metric over runs, by precision. */
export function meansOf(
  errors: GradientErrors,
  metric: (error: StepError) => number,
): Record<string, Estimate> {
  return mapOf(errors, (all) => estimate(all.map(metric)));
}

/** Returns the difference of a gradient metric between two precisions, paired by run: `other` minus `base`. */
export function gradientDifference(
  errors: GradientErrors,
  { base, other }: { base: string; other: string },
  metric: (error: StepError) => number,
): Estimate {
  return estimate(errors[other]!.map((one, i) => metric(one) - metric(errors[base]![i]!)));
}

/** Returns a table of gradient metrics: relative error, cosine, bias and coherence, as means over runs. */
export function gradientTable(errors: GradientErrors): Record<string, string | number | null>[] {
  const metrics = ["error", "cosine", "bias", "coherence"] as const;
  return Object.entries(errors).map(([name, all]) => ({
    precision: name,
    ...Object.fromEntries(metrics.map((metric) => [metric, estimate(all.map((one) => one[metric])).mean])),
    n: all.length,
  }));
}

function mapOf<T, U>(record: Readonly<Record<string, T>>, fn: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(value)]));
}
