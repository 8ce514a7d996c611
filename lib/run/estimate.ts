/**
 * Estimates the memory and time of a run before it starts. Memory follows from the sizes; time is scaled from
 * measurements.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { parameterCount } from "../model/mod.ts";
import { formatBytes } from "../progress/progress.ts";
import { canonicalJson, type RunSpec } from "../record/mod.ts";
import { machineMemory } from "./machine.ts";
import { modelOf } from "./model_of.ts";

/** Memory of Deno and TensorFlow before the first tensor, in bytes (measured: 480 MB on Linux). */
const BASE_BYTES = 480e6;

/**
 * Activations that a block saves for the backward pass: per token and unit of width, and per attention score of a head.
 */
const KEPT_PER_WIDTH = 24, KEPT_PER_SCORE = 5;

/** Values per logit that the loss keeps: the logit, its softmax and its gradient. */
const KEPT_PER_LOGIT = 4;

/**
 * Estimates the peak memory of a run in bytes. Counts 4 bytes per value for weights, gradients, optimizer moments and
 * the moving average, a second copy of these during a checkpoint, and the saved activations of a micro-batch. The
 * constant base covers the allocator and XLA.
 *
 * @param run The run.
 * @param vocabSize V.
 */
export function estimateBytes(run: RunSpec, vocabSize: number): number {
  const P = parameterCount(modelOf(run, vocabSize));
  const slots = run.optimizer !== "sgd" ? 2 : run.momentum > 0 ? 1 : 0;
  const saved = 1 + slots + (run.emaDecay > 0 ? 1 : 0);
  const tokens = run.B / run.accumulate * run.T;
  const inBlocks = run.nLayer * (KEPT_PER_WIDTH * run.nEmbd + KEPT_PER_SCORE * run.nHead * run.T);
  return BASE_BYTES + 4 * (P * (2 * saved + 1) + tokens * (inBlocks + KEPT_PER_LOGIT * vocabSize));
}

/**
 * Requires that a run fits the memory of this machine.
 *
 * @throws {UserError} If it does not, with the expected and available memory.
 */
export function requireMemory(
  run: RunSpec,
  { bytes, total = machineMemory().total }: { bytes: number; total?: number },
): void {
  if (bytes <= total) return;
  const { nLayer, nEmbd, B, T, accumulate } = run;
  throw new UserError(
    `Cannot fit the run into memory: expected a run of at most ${formatBytes(total)}, got one of about ${
      formatBytes(bytes)
    } (nLayer ${nLayer}, nEmbd ${nEmbd}, B ${B}, T ${T}, accumulate ${accumulate}, tokenizer ${run.tokenizer}). ` +
      "Choose a smaller model or batch, or a larger accumulate.",
  );
}

/** Fields that do not affect the cost of a step. */
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
    "evalBytes",
    "evalTokens",
    "checkpointEvery",
    "patience",
    "minDelta",
    "initStd",
  ],
  ...["labelSmoothing", "zLoss", "saveBest", "sampling", "allowDivergence"],
]);

/** Returns a key that is equal for runs with the same cost per step. */
export function costKey(run: RunSpec): string {
  return canonicalJson(Object.fromEntries(Object.entries(run).filter(([field]) => !WITHOUT_COST.has(field))));
}

/** Measured cost of a run. */
export interface Cost {
  /** Seconds from the start of the process to the end of the first step. */
  readonly startSeconds: number;
  /** Seconds of a training step. */
  readonly stepSeconds: number;
  /** Seconds per evaluated token. */
  readonly evalSecondsPerToken: number;
  /** Peak memory in bytes. Undefined: not measured. */
  readonly bytes?: number | undefined;
}

/** Estimates the duration of a run in seconds. */
export function estimateSeconds(run: RunSpec, cost: Cost, validationTokens: number): number {
  const evaluations = 1 + Math.ceil(run.steps / run.evalEvery);
  const limit = (most: number | "all") => most === "all" ? Infinity : most;
  const tokens = Math.min(validationTokens, limit(run.evalTokens), limit(run.evalBytes)); // a token has at least a byte
  const twice = run.emaDecay > 0 ? 2 : 1;
  return cost.startSeconds + run.steps * cost.stepSeconds +
    evaluations * twice * tokens * cost.evalSecondsPerToken;
}
