/**
 * What a run is expected to need, before anything of it runs. Memory is counted from its sizes; time is scaled from what
 * was measured.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { flopsPerToken, parameterCount } from "../model/mod.ts";
import { formatBytes } from "../progress/progress.ts";
import { canonicalJson, type RunSpec } from "../record/mod.ts";
import { machineMemory } from "./machine.ts";
import { modelOf } from "./run_problem.ts";

/** What Deno and TensorFlow take before the first tensor, in bytes (measured: 480 MB on Linux). */
const BASE_BYTES = 480e6;

/** Numbers that a block keeps for the backward pass, per token and unit of width, and per query and key of a head. */
const KEPT_PER_WIDTH = 24, KEPT_PER_SCORE = 5;

/** Numbers per token and word of the vocabulary that the loss keeps: logits, their softmax, their gradient. */
const KEPT_PER_LOGIT = 4;

/**
 * Bytes of memory that a run is expected to need at its peak: 4 bytes for each weight, its gradient, what the optimizer
 * and the moving average keep of it, all of these once more while a checkpoint is written, and what a micro-batch's
 * forward pass keeps. A count of sizes: the allocator's and XLA's own needs are a part of the base.
 *
 * @param run The run.
 * @param vocabSize V.
 */
export function estimateBytes(run: RunSpec, vocabSize: number): number {
  const P = parameterCount(modelOf(run, vocabSize));
  const slots = run.optimizer === "adamw" ? 2 : run.momentum > 0 ? 1 : 0;
  const saved = 1 + slots + (run.emaDecay > 0 ? 1 : 0);
  const tokens = run.B / run.accumulate * run.T;
  const inBlocks = run.nLayer * (KEPT_PER_WIDTH * run.nEmbd + KEPT_PER_SCORE * run.nHead * run.T);
  return BASE_BYTES + 4 * (P * (2 * saved + 1) + tokens * (inBlocks + KEPT_PER_LOGIT * vocabSize));
}

/** Floating-point operations of a run's training step. */
export function stepFlops(run: RunSpec, vocabSize: number): number {
  return flopsPerToken(modelOf(run, vocabSize), run.T) * run.B * run.T;
}

/**
 * Refuses a run that this machine has no memory for.
 *
 * @throws {UserError} naming what it needs and what there is.
 */
export function requireMemory(
  run: RunSpec,
  { bytes, total = machineMemory().total }: { bytes: number; total?: number },
): void {
  if (bytes <= total) return;
  const { nLayer, nEmbd, B, T, accumulate } = run;
  throw new UserError(
    `Cannot fit a run into memory: it is expected to need ${formatBytes(bytes)}, and there are ${
      formatBytes(total)
    }: nLayer ${nLayer}, nEmbd ${nEmbd}, B ${B}, T ${T}, accumulate ${accumulate}, tokenizer ${run.tokenizer}. ` +
      "Choose a smaller model or batch, or a larger accumulate.",
  );
}

/** Fields that a step's cost does not depend on, with what names its text and its end. */
const WITHOUT_COST: ReadonlySet<string> = new Set([
  ...[
    "data",
    "seed",
    "steps",
    "lr",
    "schedule",
    "minLr",
    "warmupSteps",
    "decaySteps",
    "momentum",
    "beta1",
    "beta2",
  ],
  ...[
    "eps",
    "weightDecay",
    "clip",
    "evalEvery",
    "evalTokens",
    "checkpointEvery",
    "patience",
    "minDelta",
    "initStd",
  ],
  ...["labelSmoothing", "zLoss", "saveBest", "sampling", "allowDivergence"],
]);

/** Equal for runs whose steps cost the same. */
export function costKey(run: RunSpec): string {
  return canonicalJson(Object.fromEntries(Object.entries(run).filter(([field]) => !WITHOUT_COST.has(field))));
}

/** What was measured of runs with one cost. */
export interface Cost {
  /** From the start of the process to the first step's end, in seconds. */
  readonly startSeconds: number;
  /** A training step, in seconds. */
  readonly stepSeconds: number;
  /** An evaluation's token, in seconds. */
  readonly evalSecondsPerToken: number;
  /** The most memory; undefined: not measured. */
  readonly bytes?: number | undefined;
}

/** Seconds that a run is expected to take. */
export function estimateSeconds(run: RunSpec, cost: Cost, validationTokens: number): number {
  const evaluations = 1 + Math.ceil(run.steps / run.evalEvery);
  const tokens = run.evalTokens === "all" ? validationTokens : Math.min(validationTokens, run.evalTokens);
  const twice = run.emaDecay > 0 ? 2 : 1;
  return cost.startSeconds + run.steps * cost.stepSeconds +
    evaluations * twice * tokens * cost.evalSecondsPerToken;
}
