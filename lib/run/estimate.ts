/**
 * Estimates of the memory and the time of a run before it starts. Memory is computed from sizes. Time is computed from
 * the measured cost of a step.
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
 * Numbers that a block saves for the backward pass: per token and unit of the width C, and per attention score.
 */
const KEPT_PER_WIDTH = 24, KEPT_PER_SCORE = 5;

/** Values per logit that the loss keeps: the logit, its softmax and its gradient. */
const KEPT_PER_LOGIT = 4;

/**
 * Estimates the peak memory of a run in bytes. The estimate is the sum of these parts, with 4 bytes per number:
 *
 * - weights, gradients, optimizer state and moving average
 * - copies of the weights, the optimizer state and the moving average, for a checkpoint
 * - activations of a micro-batch that are saved for the backward pass
 * - a constant for Deno and TensorFlow
 *
 * @param run The run.
 * @param vocabSize Number of tokens in the vocabulary.
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
 * Requires that a run fits into the memory of this machine.
 *
 * @param run The run.
 * @param memory `bytes`: peak memory of the run in bytes. `total`: memory of the machine in bytes (default: this
 * machine's).
 * @throws {UserError} If `bytes` exceeds `total`. The message has both.
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

/** Fields of a spec that do not change the cost of a step. */
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

/** Returns a text that identifies the cost of a step. It is equal for runs whose steps have the same cost. */
export function costKey(run: RunSpec): string {
  return canonicalJson(Object.fromEntries(Object.entries(run).filter(([field]) => !WITHOUT_COST.has(field))));
}

/** Measured cost of a run. */
export interface Cost {
  /** Seconds from the start of the process to the end of the first step. */
  readonly startSeconds: number;
  /** Duration of a training step in seconds. */
  readonly stepSeconds: number;
  /** Duration of an evaluation in seconds, divided by its number of tokens. */
  readonly evalSecondsPerToken: number;
  /** Peak memory in bytes. Undefined if it was not measured. */
  readonly bytes?: number | undefined;
}

/**
 * Estimates the duration of a run in seconds.
 *
 * @param run The run.
 * @param cost Measured cost of the run's steps.
 * @param validationTokens Number of tokens in the validation split.
 */
export function estimateSeconds(run: RunSpec, cost: Cost, validationTokens: number): number {
  const evaluations = 1 + Math.ceil(run.steps / run.evalEvery);
  const limit = (most: number | "all") => most === "all" ? Infinity : most;
  const tokens = Math.min(validationTokens, limit(run.evalTokens), limit(run.evalBytes)); // a token has at least a byte
  const twice = run.emaDecay > 0 ? 2 : 1;
  return cost.startSeconds + run.steps * cost.stepSeconds +
    evaluations * twice * tokens * cost.evalSecondsPerToken;
}
