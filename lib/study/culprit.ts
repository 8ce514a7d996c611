/**
 * Searches for the culprit of a gap, by replaying a step or by training.
 *
 * @module
 */
import { join } from "node:path";
import {
  type ComparedGroup,
  count,
  culpritBound,
  type CulpritFinding,
  culpritSentence,
  findCulprit as searchParts,
  formatTable,
  type Pair,
  type Part,
  partsOf,
  precisionName,
  replayTable,
} from "../analysis/mod.ts";
import { type Interruption, interruptionOf } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { runFolder } from "../record/mod.ts";
import { workersOf } from "../run/mod.ts";
import { lossSignal, openReplaySignal } from "../proof/mod.ts";

/** Options of {@linkcode findCulprit}. */
export interface FindCulpritOptions {
  /** Folder of the sweep. */
  readonly dir: string;
  /** `replay`: replay one step from float32's weights; `loss`: train trials. Default: replay. */
  readonly by?: "replay" | "loss" | undefined;
  /** Number of concurrent runs of `loss`. Default: 2, or 1 on one core. */
  readonly workers?: number | undefined;
  /** Stops `loss` after the current steps. */
  readonly signal?: AbortSignal | undefined;
  /** Receives progress, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * Finds the smallest set of layers and operation classes whose precision explains a gap.
 *
 * @param group Pairs of one setting and lower precision, such as one of `compare(runs).groups`.
 * @returns The culprit, with a `sentence`.
 * @throws {UserError} If there is no effect to explain, or the runs cannot be read.
 */
export async function findCulprit(
  { setting, pairs }: Pick<ComparedGroup, "setting" | "pairs">,
  options: FindCulpritOptions,
): Promise<CulpritFinding> {
  const { dir, by = "replay", print = (line) => console.error(line) } = options;
  const [pair] = pairs;
  if (pair === undefined) throw new RangeError("Cannot search for a culprit: expected a pair, got none.");
  if (by === "replay") {
    return await culpritByReplay(pair, {
      ...{ setting, print, folder: runFolder(dir, pair.baseline.manifest.runId) },
    });
  }
  const interruption = interruptionOf(options);
  const workers = workersOf(options.workers);
  return await culpritByLoss(pairs, { dir, setting, print, workers, interruption, hint: undefined });
}

/** Maximum number of seeds per trial. */
const SEEDS = 3;

/**
 * Searches for the parts whose precision causes the gradient error of one step, replayed from float32's last weights.
 *
 * @param pair Paired runs.
 * @param options `folder` of the float32 run, `setting`, and `print`, which receives progress.
 */
export async function culpritByReplay(
  pair: Pair,
  options: { folder: string; setting: string; print: (line: string) => void },
): Promise<CulpritFinding> {
  const { spec } = pair.other.manifest;
  const parts = partsOf(spec.nLayer);
  using signal = await openReplaySignal(options.folder, spec);
  const precision = precisionName(spec);
  options.print(
    `\nsearching for the culprit: replaying step ${signal.step} from float32's weights, at most ${
      culpritBound(parts, { alone: true })
    } times`,
  );
  const { whole } = signal;
  if (whole.error === 0) {
    throw new UserError(
      `Cannot find a culprit: ${precision} has the same gradients as float32 at step ${signal.step}.` +
        (spec.overrides.some(({ opClasses }) => opClasses?.includes("optimizer"))
          ? " A replayed step does not show the effect of the format of weights. Use --culprit loss."
          : ""),
    );
  }
  const { step } = signal;
  const { lossError, error: size, cosine, layers } = whole;
  const replayed = { step, lossError, error: size, cosine, layers };
  options.print(`\n${formatTable(replayTable(replayed))}\n`);
  const search = await searchParts(parts, signal.shareOf, { alone: true });
  const effect = `the squared error of a step's gradient`;
  const error = Number.isFinite(whole.error) ? `${(100 * whole.error).toPrecision(3)} %` : "not finite";
  const sentence =
    `Step ${signal.step} replayed from float32's weights (seed ${spec.seed}): in ${precision} the loss changes by ` +
    `${whole.lossError.toPrecision(3)} nats, and the gradient error is ${error}. ${
      culpritSentence(search, effect)
    }`;
  return { setting: options.setting, precision, signal: "replay", effect, replayed, search, sentence };
}

/**
 * Searches for the parts whose precision causes the gap of the final validation loss, by training.
 *
 * @param pairs Paired runs; the first three are used.
 * @param options Folder of the sweep, `setting`, number of concurrent runs, signals, `hint`: parts found by a replay, and
 * `print`, which receives progress.
 */
export async function culpritByLoss(
  pairs: readonly Pair[],
  options: {
    dir: string;
    setting: string;
    workers: number;
    interruption: Interruption;
    hint: readonly Part[] | undefined;
    print: (line: string) => void;
  },
): Promise<CulpritFinding> {
  const { dir, print, hint } = options;
  const used = pairs.slice(0, SEEDS);
  const { spec } = used[0]!.other.manifest;
  const parts = partsOf(spec.nLayer, { optimizer: true });
  const signal = lossSignal(used, { ...options, dir: join(dir, "culprit") });
  if (!(signal.whole > 0)) {
    throw new UserError(
      `Cannot search for a culprit by training: expected a higher loss in ${
        precisionName(spec)
      }, got a gap of ${signal.whole.toFixed(5)} nats over ${
        count(used.length, "seed")
      }. Use --culprit replay.`,
    );
  }
  print(
    `\nsearching for the culprit of a gap of ${signal.whole.toFixed(5)} nats: at most ${
      culpritBound(parts, { hint })
    } trials of ${count(used.length, "run")} each, in ${join(dir, "culprit")}`,
  );
  const search = await searchParts(parts, signal.shareOf, { hint });
  const effect = `the final gap of ${signal.whole.toFixed(5)} nats (mean of ${
    count(used.length, "seed")
  }, trained)`;
  return {
    setting: options.setting,
    precision: precisionName(spec),
    signal: "loss",
    effect,
    replayed: undefined,
    search,
    sentence: culpritSentence(search, effect),
  };
}
