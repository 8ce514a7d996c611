/**
 * Searches for the culprit of a gap: the parts of a model whose precision causes the gap. A part is an operation class
 * in some layers. The search replays a training step, or trains runs.
 *
 * @module
 */
import { join } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import {
  biasSentence,
  type ComparedGroup,
  count,
  culpritBound,
  type CulpritFinding,
  culpritSentence,
  DEFAULT_TOLERANCE,
  formatTable,
  gradientErrorText,
  type Pair,
  type Part,
  type PartBias,
  partName,
  partsOf,
  precisionName,
  replayTable,
  returned,
  searchCulprit,
  squaredBias,
} from "../analysis/mod.ts";
import { type Interruption, interruptionOf } from "../error/signals.ts";
import { UserError } from "../error/user_error.ts";
import { formatsIn, type PolicyName } from "../tensorflow/mod.ts";
import { runFolder, type RunSpec } from "../record/mod.ts";
import { workersOf } from "../run/mod.ts";
import { lossSignal, openReplaySignal, type ReplaySignal } from "../proof/mod.ts";

/** Options of {@linkcode findCulprit}. */
export interface FindCulpritOptions {
  /** Folder of the sweep. */
  readonly dir: string;
  /**
   * Method. `replay`: compares gradients of 8 batches at the last checkpoint of the float32 run. `loss`: also trains
   * runs with sets of parts in float32. Default: `replay`.
   */
  readonly by?: "replay" | "loss" | undefined;
  /** Number of concurrent runs, for the method `loss`. Default: 2, or 1 on one core. */
  readonly workers?: number | undefined;
  /** Signal that stops the method `loss` after the current steps. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Receives progress, line by line. Default: standard error. */
  readonly print?: ((line: string) => void) | undefined;
}

/** Names of the options. */
const NAMES = optionNames<FindCulpritOptions>({
  dir: true,
  by: true,
  workers: true,
  signal: true,
  print: true,
});

/**
 * Finds the culprit of a gap: the smallest set of parts (operation classes in layers) whose precision explains the gap.
 *
 * @param group Paired runs of one setting in float32 and in one lower precision, such as an entry of
 * `compare(runs).groups`.
 * @returns The finding of the method that `options.by` selects. `sentence` describes the culprit.
 * @throws {RangeError} For an unknown option, or without a pair.
 * @throws {UserError} If lower precision has no effect to explain, or the runs cannot be read.
 */
export async function findCulprit(
  { setting, pairs }: Pick<ComparedGroup, "setting" | "pairs">,
  options: FindCulpritOptions,
): Promise<CulpritFinding> {
  requireKnownNames(options, NAMES, "search for a culprit");
  const { dir, by = "replay", print = (line) => console.error(line) } = options;
  const [pair] = pairs;
  if (pair === undefined) throw new RangeError("Cannot search for a culprit: expected a pair, got none.");
  const how = { setting, print, folder: runFolder(dir, pair.baseline.manifest.runId) };
  if (by === "replay") return await culpritByReplay(pair, how);
  const interruption = interruptionOf(options);
  const workers = workersOf(options.workers);
  const found = await culpritByLoss(pairs, {
    ...how,
    dir,
    workers,
    interruption,
    tolerance: DEFAULT_TOLERANCE,
  });
  return found.at(-1)!;
}

/** Maximum number of seeds per trial. */
const SEEDS = 3;

/** Classes that a policy's lists of ops lower, or that follow the type of their inputs. */
const BY_LISTS: readonly string[] = ["linear", "attention", "softmax", "gelu"];

/** Returns the parts whose precision is not float32 already: those with a format, and those that the policy's lists lower. */
function loweredParts(parts: readonly Part[], spec: RunSpec): Part[] {
  const precision = { policy: spec.policy as PolicyName, overrides: spec.overrides };
  return parts.filter(({ layers, opClass }) =>
    layers.some((layer) => {
      const { whole, slots } = formatsIn(precision, { layer, opClass });
      if (whole !== undefined) return whole.name !== "float32";
      return slots !== undefined || spec.policy !== "float32" && BY_LISTS.includes(opClass);
    })
  );
}

/** Folder and options of a search. */
interface SearchOptions {
  /** Folder of the float32 run whose step is replayed. */
  readonly folder: string;
  /** Name of the setting. */
  readonly setting: string;
  /** Receives progress. */
  readonly print: (line: string) => void;
}

/**
 * Searches for the parts whose precision causes the gradient error of a step. The step is replayed on several batches,
 * with the last weights of the float32 run. Parts are ranked by the squared error, and by the bias of the error over
 * the batches.
 *
 * @param pair A float32 run and the paired run in a lower precision.
 */
export async function culpritByReplay(pair: Pair, options: SearchOptions): Promise<CulpritFinding> {
  const { spec } = pair.other.manifest;
  using signal = await openReplaySignal(options.folder, spec);
  return await searchReplay(signal, spec, options);
}

async function searchReplay(
  signal: ReplaySignal,
  spec: RunSpec,
  options: SearchOptions,
): Promise<CulpritFinding> {
  const { step, batches, whole } = signal;
  const parts = loweredParts(partsOf(spec.nLayer), spec), precision = precisionName(spec);
  options.print(
    `\nsearching for the culprit: replaying step ${step} on ${batches} batches from float32's weights, at most ${
      culpritBound(parts, { alone: true })
    } times`,
  );
  if (whole.error === 0) {
    throw new UserError(
      `Cannot find a culprit: ${precision} has the same gradients as float32 at step ${step}.` +
        (spec.overrides.some(({ opClasses }) => opClasses?.includes("optimizer"))
          ? " A replayed step does not show the effect of the format of weights. Use --culprit loss."
          : ""),
    );
  }
  const { lossError, error: size, cosine, bias, coherence, layers } = whole;
  const replayed = { step, batches, lossError, error: size, cosine, bias, coherence, layers };
  options.print(`\n${formatTable(replayTable(replayed))}\n`);
  const search = await searchCulprit(parts, signal.shareOf, { alone: true, keyOf: signal.keyOf });
  const biases = Number.isFinite(size) ? biasesOf(parts, signal) : [];
  const effect = "the squared error of a step's gradient";
  const sentence = [
    `Step ${step} replayed on ${batches} batches from float32's weights (seed ${spec.seed}): in ${precision} the loss ` +
    `changes by ${lossError.toPrecision(3)} nats, and ${gradientErrorText(whole)}.`,
    culpritSentence(search, effect),
    ...(biases.length === 0 ? [] : [biasSentence(biases)]),
  ].join(" ");
  return {
    ...{ setting: options.setting, precision, signal: "replay", effect, replayed, search, biases, sentence },
  };
}

/** Measures the bias of each part alone in lower precision. */
function biasesOf(parts: readonly Part[], signal: ReplaySignal): PartBias[] {
  return parts.map((part) => {
    const { bias, coherence } = signal.measure(returned(parts.filter((other) => other !== part)));
    return { part, bias, coherence };
  });
}

/**
 * Searches for the parts whose precision causes the gap of the final validation loss. Trains runs with sets of parts in
 * float32. A replayed step ranks the parts, and shows which sets have the same effect, so that only one of them is
 * trained.
 *
 * @param pairs Paired runs of one setting. Only the first three are used.
 * @param options Folder of the sweep, number of concurrent runs, and signals. `tolerance`: the smallest gap that
 * matters, in nats per token.
 * @returns The finding of the replay if the step shows an error, then the finding of the training.
 */
export async function culpritByLoss(
  pairs: readonly Pair[],
  options: SearchOptions & {
    dir: string;
    workers: number;
    interruption: Interruption;
    tolerance: number;
  },
): Promise<CulpritFinding[]> {
  const { dir, print } = options;
  const used = pairs.slice(0, SEEDS);
  const { spec } = used[0]!.other.manifest;
  const parts = loweredParts(partsOf(spec.nLayer, { optimizer: true }), spec);
  const signal = lossSignal(used, { ...options, from: dir, dir: join(dir, "culprit") });
  if (!(signal.whole > 0)) {
    throw new UserError(
      `Cannot search for a culprit by training: expected a higher loss in ${
        precisionName(spec)
      }, got a gap of ${signal.whole.toFixed(5)} nats over ${
        count(used.length, "seed")
      }. Use --culprit replay.`,
    );
  }
  using replay = await openReplaySignal(options.folder, spec);
  const replayed = replay.whole.error === 0 ? [] : [await searchReplay(replay, spec, options)];
  const ranking = rankingOf(parts, replayed);
  print(
    `\nsearching for the culprit of a gap of ${signal.whole.toFixed(5)} nats: at most ${
      culpritBound(parts, { ranking })
    } trials of ${count(used.length, "run")} each, in ${join(dir, "culprit")}`,
  );
  const search = await searchCulprit(parts, signal.shareOf, {
    ...{ ranking, keyOf: replay.keyOf, least: options.tolerance / signal.whole },
  });
  const effect = `the final gap of ${signal.whole.toFixed(5)} nats (mean of ${
    count(used.length, "seed")
  }, trained)`;
  return [...replayed, {
    ...{ setting: options.setting, precision: precisionName(spec), signal: "loss", effect, search },
    ...{ replayed: undefined, sentence: culpritSentence(search, effect) },
  }];
}

/** Orders parts by their larger share of the squared error or bias. Weights, which no replay shows, come first. */
function rankingOf(parts: readonly Part[], [replayed]: readonly CulpritFinding[]): Part[] {
  const { search, biases = [] } = replayed ?? {};
  const bias = biases.reduce((sum, one) => sum + squaredBias(one), 0) || 1;
  const shareOf = (part: Part) => {
    const isSame = (one: { part: Part }) => partName(one.part) === partName(part);
    if (part.opClass === "optimizer") return Infinity;
    const own = biases.find(isSame);
    return Math.max(search?.alone.find(isSame)?.share ?? 0, own === undefined ? 0 : squaredBias(own) / bias);
  };
  const shares = new Map(parts.map((part) => [part, shareOf(part)]));
  return parts.toSorted((a, b) => shares.get(b)! - shares.get(a)!);
}
