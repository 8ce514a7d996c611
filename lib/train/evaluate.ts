/**
 * The loss over the validation part: every target once, in order, as far as it is asked for.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import type { PrecisionOverride } from "../precision/mod.ts";
import { autocast, type PolicyName } from "../tensorflow/mod.ts";
import { type Batch, evalWindows, IGNORE_INDEX, type Tokens } from "../text/mod.ts";
import { tokenLosses } from "./loss.ts";
import { bitsPerByte } from "./metrics.ts";

/** What is evaluated, and how much of it. */
export interface EvaluateOptions {
  /** The model's sizes. */
  readonly model: GptConfig;
  /** The precision policy. */
  readonly policy: PolicyName;
  /** Formats of layers and classes of operations, which count before the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** Validation tokens; where they know their documents, no window reaches across two. */
  readonly tokens: Tokens;
  /** Bytes of UTF-8 by token id, [V]. */
  readonly byteLengths: Int32Array;
  /** Sequences in a batch. */
  readonly B: number;
  /** Tokens in a sequence. */
  readonly T: number;
  /** At most this many targets, in whole windows; `all`: every target, the last window as short as it comes. */
  readonly maxTokens: number | "all";
}

/** The result of an evaluation. */
export interface Evaluation {
  /** Mean over targets, nats per token. */
  readonly loss: number;
  /** Sum of nats / (ln 2 · sum of the targets' bytes): comparable across vocabularies. */
  readonly bitsPerByte: number;
  /** Targets counted. */
  readonly tokens: number;
  /** Mean loss of each position in its window, [T], nats per token: what more context is worth. NaN where none counts. */
  readonly positionLoss: Float64Array;
}

/** A batch of windows and the losses of its targets. */
export interface BatchLosses {
  /** Inputs and targets, [B, T]; a target of `IGNORE_INDEX` does not count. */
  readonly batch: Batch;
  /** Nats by target, [B, T] in row-major order; 0 where it does not count. */
  readonly losses: Float32Array;
}

/** The loss of every single target, batch after batch, in the order of the tokens. */
export function* targetLosses(
  parameters: Parameters,
  options: Omit<EvaluateOptions, "byteLengths">,
): Generator<BatchLosses, void, undefined> {
  const { model, policy, overrides } = options;
  const padding = options.tokens.documentStarts === undefined ? {} : { ignoreIndex: IGNORE_INDEX };
  for (const batch of batches(options)) {
    const losses = tf.tidy(() =>
      autocast({ policy, overrides }, () => {
        const shape: [number, number] = [batch.B, batch.T];
        const tensors = { x: tf.tensor2d(batch.x, shape, "int32"), y: tf.tensor2d(batch.y, shape, "int32") };
        return tokenLosses(parameters, tensors, model, padding).dataSync();
      })
    );
    yield { batch, losses: losses as Float32Array };
  }
}

/** Evaluates parameters. Losses of windows are added up in float64. */
export function evaluate(parameters: Parameters, options: EvaluateOptions): Evaluation {
  let nats = 0, tokens = 0, bytes = 0;
  const sums = new Float64Array(options.T), counts = new Float64Array(options.T);
  for (const { batch, losses } of targetLosses(parameters, options)) {
    for (const loss of losses) nats += loss;
    for (const [i, target] of batch.y.entries()) {
      if (target === IGNORE_INDEX) continue; // its loss is 0
      bytes += options.byteLengths[target]!;
      sums[i % batch.T]! += losses[i]!;
      counts[i % batch.T]! += 1;
      tokens++;
    }
  }
  const positionLoss = sums.map((sum, t) => sum / counts[t]!);
  return { loss: nats / tokens, bitsPerByte: bitsPerByte(nats, bytes), tokens, positionLoss };
}

/** Whole windows, and where all targets are asked for a shorter last one. */
function* batches(
  { tokens, B, T, maxTokens }: Pick<EvaluateOptions, "tokens" | "B" | "T" | "maxTokens">,
): Generator<Batch> {
  if (maxTokens !== "all") return yield* evalWindows(tokens, { B, T, maxTokens: Math.max(T, maxTokens) });
  if (tokens.length > T) yield* evalWindows(tokens, { B, T });
  if (tokens.documentStarts !== undefined) return; // short windows were filled up
  const rest = (tokens.length - 1) % T;
  if (rest > 0) {
    yield* evalWindows(tokens.subarray(tokens.length - 1 - rest, tokens.length), { B: 1, T: rest });
  }
}
