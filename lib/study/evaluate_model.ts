/**
 * `evaluateModel()`: evaluates the loss of a trained model as a mean, by position, and by token.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { Gpt, type Parameters, toParameters } from "../model/mod.ts";
import { parseQuantizer, type PolicyName, type PolicyWord } from "../precision/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import type { Tokenizer, Tokens } from "../text/mod.ts";
import {
  evaluate,
  type EvaluateOptions,
  evaluateQuantized,
  type Evaluation,
  perplexity,
  type Quantization,
  TargetLosses,
} from "../train/mod.ts";
import { type ModelChoice, type OpenedModel, openModel, withUserErrors } from "../run/mod.ts";
import { readTextFile } from "./_text_file.ts";

/** Options of {@linkcode evaluateModel}. */
export interface EvaluateModelOptions extends ModelChoice {
  /** Text to evaluate. Default: the run's validation split. */
  readonly text?: string | undefined;
  /** UTF-8 text file to evaluate, instead of `text`. */
  readonly file?: string | undefined;
  /**
   * Maximum number of tokens whose loss is evaluated, or `all`. Only whole windows of `blockSize` tokens are evaluated,
   * at least one. Default: the run's `evalTokens` for its validation split, otherwise `all`.
   */
  readonly maxTokens?: number | "all" | undefined;
  /**
   * Number of bytes at the start of the text whose tokens are evaluated, or `all`. Default: the run's `evalBytes` for its
   * validation split, otherwise `all`. With `maxTokens`, the default is `all`.
   */
  readonly maxBytes?: number | "all" | undefined;
  /** Length (T) of an evaluated window in tokens. Default: the model's context length. */
  readonly blockSize?: number | undefined;
  /** Number of windows per batch (B). Default: the run's batch size, or 16 for a Hugging Face folder. */
  readonly batchSize?: number | undefined;
  /**
   * Precision policy. `off` means float32, `on` means the device's autocast policy with bfloat16. Default: the run's
   * policy, or float32 for a Hugging Face folder.
   */
  readonly policy?: PolicyWord | undefined;
  /** Number format in which the linear layers are quantized for a second evaluation. Default: no second evaluation. */
  readonly quantize?: Quantization | undefined;
  /** Number of threads. Default: number of cores. */
  readonly threads?: number | undefined;
}

/** Loss of a model whose linear layers are quantized. */
export interface QuantizedLoss {
  /** Number format with its scaling, such as `e2m1fn/mx`. */
  readonly format: string;
  /** True if the inputs of the linear layers are quantized too. */
  readonly activations: boolean;
  /** Mean loss, in nats per token. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** Bits per byte of text. */
  readonly bitsPerByte: number;
}

/** A predicted token of an evaluation, with its loss. */
export interface TokenLoss {
  /** Text of the token. */
  readonly token: string;
  /** Loss in nats. */
  readonly loss: number;
}

/** Result of {@linkcode evaluateModel}. */
export interface ModelEvaluation extends Evaluation {
  /** Description of the evaluated text. */
  readonly what: string;
  /** exp(loss). */
  readonly perplexity: number;
  /** Tokens with their losses, in the order of the text. Undefined unless `text` was given. */
  readonly tokenLoss: readonly TokenLoss[] | undefined;
  /** Loss after quantization. Undefined unless `quantize` was given. */
  readonly quantized: QuantizedLoss | undefined;
}

/**
 * Evaluates the loss of a trained model on a text, a text file, or the validation split of its run.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @returns Mean `loss` in nats per token, `perplexity`, `bitsPerByte`, number of `tokens`, loss by position
 * (`positionLoss`), loss by token (`tokenLoss`), and the loss after quantization (`quantized`).
 * @throws {UserError} If the folder contains no model, the text has fewer than two tokens, or an option is out of range.
 */
export async function evaluateModel(
  folder: string,
  options: EvaluateModelOptions = {},
): Promise<ModelEvaluation> {
  return await withUserErrors(async () => {
    using opened = await openModel(folder, { ...options, action: "evaluate" });
    const { what: text, ids, limits } = await targetsOf(opened, { ...options, folder });
    if (ids.length < 2) {
      throw new UserError(`Cannot evaluate ${text}: expected at least two tokens, got ${ids.length}.`);
    }
    const given: EvaluateOptions = {
      model: opened.config,
      byteLengths: opened.tokenizer.byteLengths,
      tokens: ids,
      ...limits,
      ...sizesOf(opened, { ...options, targets: ids.length - 1 }),
      ...precisionOf(opened, options),
    };
    await useTensorFlow(options.threads === undefined ? {} : { threads: options.threads });
    using model = new Gpt(opened.config, toParameters(opened.parameters));
    const { quantize } = options;
    const { before, after } = quantize === undefined
      ? { before: evaluate(model.parameters, given), after: undefined }
      : evaluateQuantized(model.parameters, { ...given, quantize });
    const quantized = quantize && after && lossOf(after, quantize);
    const tokenLoss = options.text === undefined
      ? undefined
      : lossesOf(model.parameters, { tokenizer: opened.tokenizer, given });
    const what = before.tokens < ids.length - 1 ? `the start of ${text}` : text;
    return { what, ...before, perplexity: perplexity(before.loss), tokenLoss, quantized };
  });
}

function lossOf(
  { loss, bitsPerByte }: Evaluation,
  { format, activations = false }: Quantization,
): QuantizedLoss {
  return {
    format: parseQuantizer(format).name,
    activations,
    loss,
    perplexity: perplexity(loss),
    bitsPerByte,
  };
}

/**
 * Returns the tokens to evaluate, their description and their limits: a text, a file, or the run's validation split. The
 * run's own limits apply to its validation split.
 */
async function targetsOf(
  { tokenizer, run }: OpenedModel,
  { folder, text, file, note, maxTokens, maxBytes = maxTokens === undefined ? undefined : "all" }:
    & EvaluateModelOptions
    & { folder: string },
): Promise<{ what: string; ids: Tokens; limits: Pick<EvaluateOptions, "maxTokens" | "maxBytes"> }> {
  if (text !== undefined && file !== undefined) {
    throw new UserError("Cannot evaluate: expected a text or a file, got both.");
  }
  const limits = { maxTokens: maxTokens ?? "all", maxBytes: maxBytes ?? "all" };
  if (text !== undefined) return { what: "the text", ids: encode(tokenizer, text, note), limits };
  if (file !== undefined) {
    return { what: file, ids: encode(tokenizer, readTextFile(file, "evaluate"), note), limits };
  }
  if (run === undefined) {
    throw new UserError(
      `Cannot evaluate ${folder}: expected a text or a file, got neither. A Hugging Face folder has no validation split.`,
    );
  }
  const { evalTokens, evalBytes } = run.spec;
  const own = {
    maxTokens: maxTokens ?? (maxBytes === undefined ? evalTokens : "all"),
    maxBytes: maxBytes ?? evalBytes,
  };
  return { what: `the validation split of ${run.data}`, ids: await run.validation(), limits: own };
}

/** Encodes a text. Notes if the tokenizer is lossy for it (normalizer, unknown tokens). */
function encode(
  tokenizer: Tokenizer,
  text: string,
  note: (line: string) => void = console.error,
): Int32Array {
  const ids = tokenizer.encode(text);
  if (tokenizer.decode(ids) !== text) {
    note(
      "warning: decoding the tokens does not return the text; bits per byte counts the bytes of the tokens",
    );
  }
  return ids;
}

function sizesOf(
  { config, run }: OpenedModel,
  { blockSize = config.blockSize, batchSize = run?.spec.B ?? 16, targets }:
    & EvaluateModelOptions
    & { targets: number },
): Pick<EvaluateOptions, "T" | "B"> {
  if (blockSize > config.blockSize) {
    throw new UserError(
      `Cannot evaluate: expected a sequence length from 1 to the model's context length ${config.blockSize}, got ${blockSize}.`,
    );
  }
  return { T: Math.min(blockSize, targets), B: batchSize }; // memory grows with T
}

/** Returns the given precision, else the run's, else float32. */
function precisionOf(
  { run }: OpenedModel,
  { policy }: EvaluateModelOptions,
): Pick<EvaluateOptions, "policy" | "overrides"> {
  if (policy !== undefined) return { policy };
  if (run === undefined) return { policy: "float32" };
  return { policy: run.spec.policy as PolicyName, overrides: run.spec.overrides };
}

/** Returns the text and the loss of each target. */
function lossesOf(
  parameters: Parameters,
  { tokenizer, given }: { tokenizer: Tokenizer; given: EvaluateOptions },
): TokenLoss[] {
  using losses = new TargetLosses(given);
  return [...losses.of(parameters, given)].flatMap(({ batch, losses }) =>
    Array.from(losses, (loss, i) => ({ token: tokenizer.decode([batch.y[i]!]), loss }))
  );
}
