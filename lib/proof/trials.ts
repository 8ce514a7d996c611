/**
 * Effects of lower precision in parts of a model (operation classes in layers), measured on a replayed step or on
 * trained runs. The search for culprits uses these measurements, called signals.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { layerNames, type PrecisionOverride } from "../precision/mod.ts";
import {
  effectiveEvents,
  readRun,
  type RecordedRun,
  runFolder,
  runIdOf,
  type RunSpec,
  sourcesHash,
} from "../record/mod.ts";
import { formatsIn, type PolicyName, type Precision } from "../tensorflow/mod.ts";
import type { StepError } from "../train/mod.ts";
import { addToPlan, type Plan } from "../sweep/plan_file.ts";
import { placeInputs } from "../run/inputs.ts";
import { openReplay } from "../run/replay.ts";
import { runSweep } from "../sweep/sweep.ts";
import type { Interruption } from "../error/signals.ts";

/** Function that returns the share of the total effect that remains when overrides set some parts to float32. */
export type ShareOf = (returned: readonly PrecisionOverride[]) => number | Promise<number>;

/** Signal from a replayed step: its gradient error. */
export interface ReplaySignal extends Disposable {
  /**
   * Returns the share of the squared gradient error that remains when overrides set some parts to float32. Squared
   * errors of independent roundings add up.
   */
  readonly shareOf: (returned: readonly PrecisionOverride[]) => number;
  /** Returns the gradient error when overrides set some parts to float32. */
  readonly measure: (returned: readonly PrecisionOverride[]) => StepError;
  /** Returns a key of the effective precision. Overrides whose steps are bit-identical have equal keys. */
  readonly keyOf: (returned: readonly PrecisionOverride[]) => string;
  /** Gradient error of the step with all parts in lower precision. */
  readonly whole: StepError;
  /** Number of the step. */
  readonly step: number;
  /** Number of batches on which the step is replayed. */
  readonly batches: number;
}

/**
 * Prepares the replay of the step that follows a run's checkpoint.
 *
 * @param folder The folder of a run in float32, which supplies the weights.
 * @param low The spec of the paired run in the lower precision.
 * @throws {UserError} If the run, its checkpoint or its text cannot be read.
 */
export async function openReplaySignal(folder: string, low: RunSpec): Promise<ReplaySignal> {
  const open = await openReplay(folder);
  const precision = (more: readonly PrecisionOverride[]): Precision => ({
    policy: low.policy as PolicyName,
    overrides: [...low.overrides, ...more],
  });
  const known = new Map<string, StepError>();
  const measure = (returned: readonly PrecisionOverride[]): StepError => {
    const key = JSON.stringify(returned), found = known.get(key) ?? open.replay.measure(precision(returned));
    known.set(key, found);
    return found;
  };
  const whole = measure([]);
  return {
    ...{ whole, step: open.step, batches: open.batches },
    measure,
    shareOf: (returned) => {
      const { error } = measure(returned);
      return whole.error === Infinity ? Number(error === Infinity) : (error / whole.error) ** 2;
    },
    keyOf: (returned) => {
      const found = measure(returned), layers = layerNames(low.nLayer);
      // The step does not show the formats of weights, and errors that are infinite are not equal.
      const stored = layers.map((layer) =>
        formatsIn(precision(returned), { layer, opClass: "optimizer" }).whole?.name ?? ""
      );
      return JSON.stringify([stored, found.error === Infinity ? returned : found]);
    },
    [Symbol.dispose]: () => open[Symbol.dispose](),
  };
}

/** Signal from trained runs: their gap to float32. */
export interface LossSignal {
  /**
   * Returns the share of the mean gap of the final validation loss that remains when overrides set some parts to
   * float32. Trains one run per seed, unless the run is already recorded.
   */
  readonly shareOf: ShareOf;
  /** Mean gap over seeds with all parts in lower precision, in nats per token. */
  readonly whole: number;
}

/** Options of {@linkcode lossSignal}. */
export interface TrialOptions {
  /** Sweep folder in which trials are trained. Created if it is missing. */
  readonly dir: string;
  /** Sweep folder that contains the pairs and their inputs. */
  readonly from: string;
  /** Number of concurrent runs. */
  readonly workers: number;
  /** Watch for signals that stop the trials. */
  readonly interruption: Interruption;
}

/**
 * Returns the signal from trained runs. Each trial is a run in a sweep folder, so that no trial is trained twice.
 *
 * @param pairs Finished pairs of float32 and the lower precision, one seed each.
 * @throws {UserError} If the code has changed since the pairs were trained, or the folder contains other trials.
 */
export function lossSignal(
  pairs: readonly { readonly baseline: RecordedRun; readonly other: RecordedRun }[],
  options: TrialOptions,
): LossSignal {
  const libSha256 = sourcesHash();
  if (pairs.some(({ other }) => other.manifest.libSha256 !== libSha256)) {
    throw new UserError(
      "Cannot train trials for these runs: expected the code in lib/ that trained them, got another version. " +
        "Train the runs again in another folder (--out).",
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

/** Returns the final validation loss. A diverged run counts as its initial loss. */
function endOf({ events }: RecordedRun): number {
  const { evals } = effectiveEvents(events);
  const [first, last] = [evals[0]?.loss ?? NaN, evals.at(-1)?.loss ?? NaN];
  return Number.isFinite(last) ? Math.min(last, first) : first;
}

async function trainTrials(
  specs: readonly RunSpec[],
  options: TrialOptions & { like: RecordedRun; libSha256: string },
): Promise<RecordedRun[]> {
  const { dir, from, workers, interruption, like: { manifest: { data } }, libSha256 } = options;
  const runs = specs.map((spec) => ({ spec, id: runIdOf({ spec, dataSha256: data.sha256, libSha256 }) }));
  const plan: Plan = {
    format: "losskit-plan/1",
    name: "trials",
    data,
    libSha256,
    threads: specs[0]!.threads,
    runs,
  };
  await placeInputs(dir, specs, from);
  addToPlan(dir, plan, (found) => {
    if (found.libSha256 === libSha256 && found.data.sha256 === data.sha256) return;
    throw new UserError(
      `Cannot train trials in ${dir}: expected trials of the same text and code, got trials of another text or code. ` +
        "Delete the folder.",
    );
  });
  const outcome = await runSweep(plan, { dir, workers, interruption });
  if (outcome.exitCode === EXIT.interrupted) {
    throw new UserError("Cannot continue the trials: interrupted. Repeat the command to resume.", {
      exitCode: EXIT.interrupted,
    });
  }
  const [failed] = outcome.failed;
  if (failed !== undefined) {
    throw new UserError(`Cannot finish the trials in ${dir}: run ${failed.id} failed: ${failed.reason}`, {
      exitCode: EXIT.someFailed,
    });
  }
  return runs.map(({ id }) => readRun(runFolder(dir, id)));
}
