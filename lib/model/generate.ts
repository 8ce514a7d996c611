/**
 * Text generation: each new token is sampled from the model's logits.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { createRandom } from "../text/random.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { GptConfig } from "./config.ts";
import { Decoder } from "./decoder.ts";
import type { Parameters } from "./gpt.ts";
import type { Gpt } from "./gpt_model.ts";
import { type SampleOptions, sampleToken, validateSampleOptions } from "./sample.ts";

/** Options of {@linkcode generate}. */
export interface GenerateOptions extends SampleOptions {
  /** Text to continue. Default: a line break. */
  readonly prompt?: string | undefined;
  /** Number of tokens to generate, at least 0. Default: 100. */
  readonly maxNewTokens?: number | undefined;
  /** Seed of the sampling, an integer in [0, 2^53). Default: 1. */
  readonly seed?: number | undefined;
  /**
   * Strings that end the generation, each of at least one character. The result ends before the first of them. Default:
   * none.
   */
  readonly stop?: string | readonly string[] | undefined;
}

/** Names of all options. */
const NAMES = optionNames<GenerateOptions>({
  ...{ prompt: true, maxNewTokens: true, seed: true, stop: true },
  ...{ temperature: true, topK: true, topP: true },
});

/**
 * Generates text. Equal models, options and machines give equal text.
 *
 * @param model The model. To generate in another precision, call this function inside `autocast`.
 * @param tokenizer Tokenizer that encodes the prompt and decodes the result.
 * @param options `prompt`, `maxNewTokens`, `temperature`, `topK`, `topP`, `seed`, `stop`.
 * @returns The prompt, followed by the generated text.
 * @throws {TypeError} If the tokenizer is not a tokenizer, or the prompt is not a string.
 * @throws {RangeError} If an option is unknown or out of range, or the tokenizer cannot encode the prompt.
 */
export function generate(
  model: Gpt,
  tokenizer: Pick<Tokenizer, "encode" | "decode" | "vocabSize">,
  { prompt = "\n", maxNewTokens = 100, stop = [], ...options }: GenerateOptions = {},
): string {
  requireKnownNames(options, NAMES, "generate text");
  if (typeof tokenizer?.encode !== "function") {
    throw new TypeError(
      `Cannot generate text: expected a tokenizer, got ${typeof tokenizer}. Pass the dataset's tokenizer.`,
    );
  }
  if (typeof prompt !== "string") {
    throw new TypeError(`Cannot generate text: expected the prompt as a string, got ${typeof prompt}.`);
  }
  const ids = tokenizer.encode(prompt);
  const { vocabSize } = tokenizer;
  return continueText(model, {
    ...{ ...options, prompt: ids, maxNewTokens, vocabSize, stop },
    textOf: (made) => tokenizer.decode([...ids, ...made]),
  });
}

/** Options of {@linkcode continueText}. */
export interface ContinueOptions extends GenerateTokensOptions, Pick<GenerateOptions, "stop"> {
  /** Returns the text of the prompt, followed by the given new tokens. */
  readonly textOf: (made: Int32Array) => string;
}

/**
 * Generates tokens until the text contains a stop string, or `maxNewTokens` are generated.
 *
 * @returns The text of the prompt and the new tokens, up to the first stop string after the prompt.
 * @throws {RangeError} If an option or the prompt is out of range.
 */
export function continueText(
  { parameters, config }: Pick<Gpt, "parameters" | "config">,
  { stop = [], textOf, ...options }: ContinueOptions,
): string {
  const stops = typeof stop === "string" ? [stop] : stop;
  if (stops.includes("")) {
    throw new RangeError(
      "Cannot generate text: expected stop texts of at least one character, got an empty one.",
    );
  }
  const begin = textOf(new Int32Array(0)).length;
  const endOf = (text: string) =>
    stops.reduce((end, stop) => {
      const at = text.indexOf(stop, begin);
      return at < 0 ? end : Math.min(end, at);
    }, text.length);
  const isOver = (made: Int32Array) => {
    const text = textOf(made);
    return endOf(text) < text.length;
  };
  const text = textOf(
    generateTokens(parameters, config, { ...options, ...(stops.length > 0 && { isOver }) }),
  );
  return text.slice(0, endOf(text));
}

/** Options of {@linkcode generateTokens}. */
export interface GenerateTokensOptions extends SampleOptions {
  /** Token ids to continue, at least one. Of more than `blockSize` ids, the last `blockSize` are used. */
  readonly prompt: ArrayLike<number>;
  /** Number of tokens to generate, at least 0. */
  readonly maxNewTokens: number;
  /**
   * Number of ids from which tokens are sampled: ids 0 to `vocabSize` - 1, in [1, V]. Set it if the model's vocabulary
   * is padded. Default: V.
   */
  readonly vocabSize?: number | undefined;
  /** Seed of the sampling, an integer in [0, 2^53). Default: 1. */
  readonly seed?: number | undefined;
  /** Token ids that end the generation. The result ends before the first of them. Default: none. */
  readonly stopIds?: readonly number[] | undefined;
  /** Returns true to end the generation, given the new tokens so far. Default: never. */
  readonly isOver?: ((made: Int32Array) => boolean) | undefined;
}

/**
 * Generates token ids. Equal parameters, options and machines give equal tokens.
 *
 * Keys and values are cached, as described in {@linkcode Decoder}. Each new token costs one pass over a cache of
 * `blockSize` tokens. When the context is full, its last blockSize / 2 tokens are read again and earlier tokens are
 * dropped. To set the precision policy, call this function inside `autocast`.
 *
 * @param parameters Parameters as tensors.
 * @param config Sizes and options of the model.
 * @param options The prompt, the number of tokens, and sampling options.
 * @returns The new tokens without the prompt, int32. At most `maxNewTokens`.
 * @throws {RangeError} If an option or the prompt is out of range.
 */
export function generateTokens(
  parameters: Parameters,
  config: GptConfig,
  options: GenerateTokensOptions,
): Int32Array {
  const { prompt, maxNewTokens, vocabSize = config.vocabSize, seed = 1 } = options;
  validateSampleOptions(options);
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new RangeError(
      `Cannot generate: expected an integer >= 0 for maxNewTokens, got ${maxNewTokens}`,
    );
  }
  if (!Number.isInteger(vocabSize) || vocabSize < 1 || vocabSize > config.vocabSize) {
    throw new RangeError(
      `Cannot generate: expected an integer from 1 to ${config.vocabSize} for vocabSize, got ${vocabSize}`,
    );
  }
  const random = createRandom(seed, "generate");
  const made = new Int32Array(maxNewTokens);
  using decoder = new Decoder(parameters, config);
  let unread = prompt;
  for (let i = 0; i < maxNewTokens; i++) {
    const id = sampleToken(decoder.read(unread).subarray(0, vocabSize), random, options);
    if (options.stopIds?.includes(id)) return made.slice(0, i);
    made[i] = id;
    if (options.isOver?.(made.subarray(0, i + 1))) return made.slice(0, i + 1);
    unread = made.subarray(i, i + 1);
  }
  return made;
}
