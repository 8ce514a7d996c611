/**
 * What lowering some parts of a model does, asked of a replayed step or of trained runs: the signals that a search for
 * culprits goes by.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import type { PrecisionOverride } from "../precision/mod.ts";
import {
  effectiveEvents,
  readRun,
  type RecordedRun,
  runFolder,
  runIdOf,
  type RunSpec,
} from "../record/mod.ts";
import type { PolicyName, Precision } from "../tensorflow/mod.ts";
import type { StepError } from "../train/mod.ts";
import { addToPlan, libHash, type Plan } from "../sweep/plan.ts";
import { openReplay } from "../run/replay.ts";
import { runSweep } from "../sweep/sweep.ts";
import type { Interruption } from "../error/signals.ts";

/** The share of the whole effect that is there when all is in the lower precision but what overrides return. */
export type ShareOf = (returned: readonly PrecisionOverride[]) => number | Promise<number>;

/** A replayed step as a signal. */
export interface ReplaySignal extends Disposable {
  /** The share of the squared error of the step's gradient: errors of independent roundings add up so. */
  readonly shareOf: ShareOf;
  /** What the lower precision does to the step. */
  readonly whole: StepError;
  /** The step. */
  readonly step: number;
}

/**
 * Opens the step after a run's checkpoint as a signal.
 *
 * @param folder The folder of a run in float32, whose weights are taken.
 * @param low The spec of the paired run in the lower precision.
 * @throws {UserError} when the run, its checkpoint or its text cannot be read.
 */
export async function openReplaySignal(folder: string, low: RunSpec): Promise<ReplaySignal> {
  const open = await openReplay(folder);
  const precision = (more: readonly PrecisionOverride[]): Precision => ({
    policy: low.policy as PolicyName,
    overrides: [...low.overrides, ...more],
  });
  const whole = open.replay.measure(precision([]));
  return {
    whole,
    step: open.step,
    shareOf: (returned) => {
      const { error } = open.replay.measure(precision(returned));
      return whole.error === Infinity ? Number(error === Infinity) : (error / whole.error) ** 2;
    },
    [Symbol.dispose]: () => open[Symbol.dispose](),
  };
}

/** Trained runs as a signal. */
export interface LossSignal {
  /** The share of the mean gap of the final validation loss; trains a run a seed, unless it is there already. */
  readonly shareOf: ShareOf;
  /** The whole gap, mean over the seeds, nats per token. */
  readonly whole: number;
}

/** What trials are trained with. */
export interface TrialOptions {
  /** The folder of the trials, which is a sweep's folder; it is made. */
  readonly dir: string;
  /** Runs at once. */
  readonly workers: number;
  /** Signals that stop it. */
  readonly interruption: Interruption;
}

/**
 * Trains trials as runs of a sweep's folder, so that none is trained twice.
 *
 * @param pairs Finished pairs, float32 and the lower precision, one seed each.
 * @throws {UserError} when the code has changed since they were trained, or the folder is another's.
 */
export function lossSignal(
  pairs: readonly { readonly baseline: RecordedRun; readonly other: RecordedRun }[],
  options: TrialOptions,
): LossSignal {
  const libSha256 = libHash();
  if (pairs.some(({ other }) => other.manifest.libSha256 !== libSha256)) {
    throw new UserError(
      "Cannot train trials beside these runs: wanted the code in lib/ that they were made with: it has changed. " +
        "Train them again in another folder (--out).",
    );
  }
  const meanGap = (runs: readonly RecordedRun[]) =>
    runs.reduce((sum, run, i) => sum + endOf(run) - endOf(pairs[i]!.baseline), 0) / runs.length;
  const whole = meanGap(pairs.map(({ other }) => other));
  return {
    whole,
    shareOf: async (returned) => {
      const specs = pairs.map(({ other: { manifest: { spec } } }) => ({
        ...spec,
        overrides: [...spec.overrides, ...returned],
      }));
      const runs = await trainTrials(specs, { ...options, like: pairs[0]!.other, libSha256 });
      return meanGap(runs) / whole;
    },
  };
}

/** The final validation loss; of a run that was lost, what it began with: it knows as little. */
function endOf({ events }: RecordedRun): number {
  const { evals } = effectiveEvents(events);
  const [first, last] = [evals[0]?.loss ?? NaN, evals.at(-1)?.loss ?? NaN];
  return Number.isFinite(last) ? Math.min(last, first) : first;
}

async function trainTrials(
  specs: readonly RunSpec[],
  options: TrialOptions & { like: RecordedRun; libSha256: string },
): Promise<RecordedRun[]> {
  const { dir, workers, interruption, like: { manifest: { data } }, libSha256 } = options;
  const runs = specs.map((spec) => ({ spec, id: runIdOf({ spec, dataSha256: data.sha256, libSha256 }) }));
  const plan: Plan = {
    format: "losskit-plan/1",
    name: "trials",
    data,
    libSha256,
    threads: specs[0]!.threads,
    runs,
  };
  addToPlan(dir, plan, (found) => {
    if (found.libSha256 === libSha256 && found.data.sha256 === data.sha256) return;
    throw new UserError(
      `Cannot train trials into ${dir}: it holds those of another text, or of another version of the code in lib/. ` +
        "Delete it.",
    );
  });
  const outcome = await runSweep(plan, { dir, workers, interruption });
  if (outcome.exitCode === EXIT.interrupted) {
    throw new UserError("interrupted: run the same command to go on", { exitCode: EXIT.interrupted });
  }
  const [failed] = outcome.failed;
  if (failed !== undefined) {
    throw new UserError(`Cannot go on with trials in ${dir}: run ${failed.id} failed: ${failed.reason}`, {
      exitCode: EXIT.someFailed,
    });
  }
  return runs.map(({ id }) => readRun(runFolder(dir, id)));
}
