/**
 * The culprit of a gap, as `compare` looks for it: by replaying a step, or by training.
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

/** How a culprit is looked for. */
export interface FindCulpritOptions {
  /** The sweep's folder. */
  readonly dir: string;
  /** `replay`: one step from float32's weights; `loss`: trains trials. Default: replay. */
  readonly by?: "replay" | "loss" | undefined;
  /** Runs at once of `loss`. Default: 2, or 1 on one core. */
  readonly workers?: number | undefined;
  /** Asks `loss` to stop after the current steps. */
  readonly signal?: AbortSignal | undefined;
  /** Takes progress line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * Finds the smallest set of layers and operation classes whose precision explains a gap.
 *
 * @param group Pairs of one setting and lower precision, such as one of `compare(runs).groups`.
 * @param options The sweep's folder, and whether to replay a step or to train.
 * @returns The finding, with a `sentence`.
 * @throws {UserError} if there is no effect to explain, or the runs cannot be read.
 */
export async function findCulprit(
  { setting, pairs }: Pick<ComparedGroup, "setting" | "pairs">,
  options: FindCulpritOptions,
): Promise<CulpritFinding> {
  const { dir, by = "replay", print = (line) => console.error(line) } = options;
  const [pair] = pairs;
  if (pair === undefined) throw new RangeError("Cannot look for a culprit: expected a pair, got none.");
  if (by === "replay") {
    return await culpritByReplay(pair, {
      ...{ setting, print, folder: runFolder(dir, pair.baseline.manifest.runId) },
    });
  }
  const interruption = interruptionOf(options);
  const workers = workersOf(options.workers);
  return await culpritByLoss(pairs, { dir, setting, print, workers, interruption, hint: undefined });
}

/** Seeds that trials are trained with, at most. */
const SEEDS = 3;

/**
 * Looks for the parts whose precision makes the gradient of one step wrong, replayed from float32's last weights.
 *
 * @param pair Paired runs.
 * @param options The folder of the one in float32, the `setting`, and where to `print`.
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
    `\nlooking for the culprit: step ${signal.step} is replayed from float32's weights, at most ${
      culpritBound(parts, { alone: true })
    } times`,
  );
  const { whole } = signal;
  if (whole.error === 0) {
    throw new UserError(
      `Cannot look for a culprit: ${precision} has the same gradients as float32 at step ${signal.step}` +
        (spec.overrides.some(({ opClasses }) => opClasses?.includes("optimizer"))
          ? ": what weights are kept in is not seen by a replayed step (--culprit loss trains instead)"
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
    `Step ${signal.step} replayed from float32's weights (seed ${spec.seed}): in ${precision} the loss moves by ` +
    `${whole.lossError.toPrecision(3)} nats, and the gradient's error is ${error}. ${
      culpritSentence(search, effect)
    }`;
  return { setting: options.setting, precision, signal: "replay", effect, replayed, search, sentence };
}

/**
 * Looks for the parts whose precision makes the gap of the final validation loss, by training.
 *
 * @param pairs Paired runs; the first three are used.
 * @param options The sweep's folder, the `setting`, runs at once, signals, what was found otherwise, and where to `print`.
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
      `Cannot look for a culprit by training: wanted a loss that is higher in ${
        precisionName(spec)
      }: the gap of ${count(used.length, "seed")} is ${signal.whole.toFixed(5)} nats. Use --culprit replay.`,
    );
  }
  print(
    `\nlooking for the culprit of ${signal.whole.toFixed(5)} nats: at most ${
      culpritBound(parts, { hint })
    } trials of ${count(used.length, "run")} each, kept in ${join(dir, "culprit")}`,
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
