/**
 * The loss over the validation split. Every token except the first is a target once, in order, up to a limit.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig, Parameters } from "../model/mod.ts";
import type { PrecisionOverride } from "../precision/mod.ts";
import { autocast, compile, type Compiled, type PolicyWord } from "../tensorflow/mod.ts";
import { markResult } from "../tensorflow/precision/watch.ts";
import { type Batch, evalWindows, IGNORE_INDEX, type Tokens } from "../text/mod.ts";
import { tokenLosses } from "./loss.ts";
import { bitsPerByte } from "./metrics.ts";
import type { Execution } from "./trainer_options.ts";

/** Options of an evaluation. */
export interface EvaluateOptions {
  /** Config of the model. */
  readonly model: GptConfig;
  /** The precision policy. `off`: float32. `on`: autocast with bfloat16, with the operation lists of the device. */
  readonly policy: PolicyWord;
  /** Number formats of layers and operation classes that override the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** Validation tokens. If `tokens.documentStarts` is set, no window crosses a document boundary. */
  readonly tokens: Tokens;
  /** Number of UTF-8 bytes of each token id, [V], where V is the vocabulary size. */
  readonly byteLengths: Int32Array;
  /** Windows (sequences) per batch. */
  readonly B: number;
  /** Tokens per window. */
  readonly T: number;
  /**
   * Maximum number of targets, rounded down to whole windows of T targets, but at least one window. `all`: every
   * target, with a shorter last window.
   */
  readonly maxTokens: number | "all";
  /**
   * Number of bytes at the start of the validation text. Only targets that end within these bytes count, but at least
   * one. With the same number for all tokenizers, bits per byte are comparable across tokenizers. Default: all.
   */
  readonly maxBytes?: number | "all" | undefined;
}

/** The result of an evaluation. */
export interface Evaluation {
  /** Mean loss of the targets, in nats per token. */
  readonly loss: number;
  /** Sum of the losses in nats / (ln 2 · number of bytes of the targets). It is comparable across vocabularies. */
  readonly bitsPerByte: number;
  /** Number of targets. */
  readonly tokens: number;
  /**
   * Mean loss at each position of a window, [T], in nats per token. The decrease along positions shows the benefit of
   * context. NaN at positions without targets.
   */
  readonly positionLoss: Float64Array;
}

/** A batch of windows with the losses of its targets. */
export interface BatchLosses {
  /** Inputs and targets, [B, T]. Targets equal to `IGNORE_INDEX` are excluded. */
  readonly batch: Batch;
  /** Loss of each target in nats, [B, T] in row-major order. 0 for excluded targets. */
  readonly losses: Float32Array;
}

/** The model, precision and execution of an evaluation. */
type LossesConfig = Pick<EvaluateOptions, "model" | "policy" | "overrides"> & {
  /** `graph`: a batch of B windows is one native call. `eager`: a call per op. Default: graph. */
  readonly execution?: Execution | undefined;
};

/** int32 [B, T] inputs and targets. */
type Windows = { x: tf.Tensor2D; y: tf.Tensor2D };

/**
 * A compiled function that computes the loss of every target in a precision. `using` or `dispose` frees the function.
 */
export class TargetLosses implements Disposable {
  readonly #config: LossesConfig;
  readonly #compiled = new Map<boolean, Compiled<[Parameters, Windows], tf.Tensor1D>>();

  /** Creates the function. It is traced at the first batch. */
  constructor(config: LossesConfig) {
    this.#config = config;
  }

  /** Yields the loss of every target, batch by batch, in the order of the tokens. */
  *of(
    parameters: Parameters,
    options: Pick<EvaluateOptions, "tokens" | "B" | "T" | "maxTokens">,
  ): Generator<BatchLosses, void, undefined> {
    const padded = options.tokens.documentStarts !== undefined;
    for (const batch of batches(options)) {
      // The shape of the last batch occurs once.
      const compiles = this.#config.execution !== "eager" && batch.B === options.B && batch.T === options.T;
      const losses = tf.tidy(() => {
        const shape: [number, number] = [batch.B, batch.T];
        const tensors = { x: tf.tensor2d(batch.x, shape, "int32"), y: tf.tensor2d(batch.y, shape, "int32") };
        const losses = compiles
          ? this.#compile(padded)(parameters, tensors)
          : this.#losses(parameters, tensors, { padded });
        markResult(losses);
        return losses.dataSync();
      });
      yield { batch, losses: losses as Float32Array };
    }
  }

  /** Frees the compiled function. */
  dispose(): void {
    for (const one of this.#compiled.values()) one.dispose();
    this.#compiled.clear();
  }

  /** Frees the compiled function, as {@linkcode TargetLosses.dispose} does. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #losses(parameters: Parameters, batch: Windows, { padded }: { padded: boolean }): tf.Tensor1D {
    const { model, policy, overrides } = this.#config;
    const padding = padded ? { ignoreIndex: IGNORE_INDEX } : {};
    return autocast({ policy, overrides }, () => tokenLosses(parameters, batch, model, padding));
  }

  #compile(padded: boolean): Compiled<[Parameters, Windows], tf.Tensor1D> {
    const known = this.#compiled.get(padded);
    if (known !== undefined) return known;
    const made = compile(
      (parameters: Parameters, batch: Windows) => this.#losses(parameters, batch, { padded }),
      { name: "the evaluation" },
    );
    this.#compiled.set(padded, made);
    return made;
  }
}

/**
 * Computes the loss of a model over validation tokens. The losses of targets are summed in float64.
 *
 * @param parameters Weights of the model.
 * @param options Model, precision, tokens and sizes.
 * @param losses A compiled function for the same model and precision, so that repeated evaluations are traced once.
 * Default: a new function, which is freed at the end.
 */
export function evaluate(
  parameters: Parameters,
  options: EvaluateOptions,
  losses?: TargetLosses,
): Evaluation {
  if (losses === undefined) {
    using own = new TargetLosses(options);
    return evaluate(parameters, options, own);
  }
  const { byteLengths, maxBytes = "all" } = options;
  const most = maxBytes === "all" ? Infinity : maxBytes;
  let nats = 0, tokens = 0, bytes = 0, end = 0; // `end`: bytes of text up to the last target
  const sums = new Float64Array(options.T), counts = new Float64Array(options.T);
  text:
  for (const { batch, losses: nll } of losses.of(parameters, options)) {
    if (tokens === 0) end = byteLengths[batch.x[0]!]!;
    for (const [i, target] of batch.y.entries()) {
      if (target === IGNORE_INDEX) continue; // its loss is 0
      end += byteLengths[target]!;
      if (end > most && tokens > 0) break text;
      nats += nll[i]!;
      bytes += byteLengths[target]!;
      sums[i % batch.T]! += nll[i]!;
      counts[i % batch.T]! += 1;
      tokens++;
    }
  }
  const positionLoss = sums.map((sum, t) => sum / counts[t]!);
  return { loss: nats / tokens, bitsPerByte: bitsPerByte(nats, bytes), tokens, positionLoss };
}

/** Yields whole windows, then a shorter last window if all targets are requested. */
function* batches(
  { tokens, B, T, maxTokens }: Pick<EvaluateOptions, "tokens" | "B" | "T" | "maxTokens">,
): Generator<Batch> {
  if (maxTokens !== "all") return yield* evalWindows(tokens, { B, T, maxTokens: Math.max(T, maxTokens) });
  if (tokens.length > T) yield* evalWindows(tokens, { B, T });
  if (tokens.documentStarts !== undefined) return; // short windows were padded
  const rest = (tokens.length - 1) % T;
  if (rest > 0) {
    yield* evalWindows(tokens.subarray(tokens.length - 1 - rest, tokens.length), { B: 1, T: rest });
  }
}
