/**
 * Text that a model makes: tokens after a prompt, each chosen from the logits of the one before.
 *
 * @module
 */
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
  /** Tokens to generate, at least 0. Default: 100. */
  readonly maxNewTokens?: number | undefined;
  /** Seed of sampling, a whole number in [0, 2^53). Default: 1. */
  readonly seed?: number | undefined;
}

/**
 * Generates text. The same model, options and machine give the same text.
 *
 * @param model The model; its policy is that of the surrounding `autocast`.
 * @param tokenizer Encodes the prompt and decodes the result.
 * @param options `prompt`, `maxNewTokens`, `temperature`, `topK`, `topP`, `seed`.
 * @returns The prompt, followed by the generated text.
 * @throws {RangeError} if an option is out of range, or the tokenizer cannot write the prompt.
 */
export function generate(
  model: Gpt,
  tokenizer: Pick<Tokenizer, "encode" | "decode" | "vocabSize">,
  { prompt = "\n", maxNewTokens = 100, ...options }: GenerateOptions = {},
): string {
  const ids = tokenizer.encode(prompt);
  const { vocabSize } = tokenizer;
  const made = generateTokens(model.parameters, model.config, {
    ...{ ...options, prompt: ids, maxNewTokens, vocabSize },
  });
  return tokenizer.decode([...ids, ...made]);
}

/** Options of {@linkcode generateTokens}. */
export interface GenerateTokensOptions extends SampleOptions {
  /** Token ids to continue, at least one. Of more than `blockSize` the last count. */
  readonly prompt: ArrayLike<number>;
  /** How many tokens to make, at least 0. */
  readonly maxNewTokens: number;
  /** Ids that are made: those below it, in [1, V]. Default: V. Smaller if the model's vocabulary is padded. */
  readonly vocabSize?: number | undefined;
  /** Seed of the choices, a whole number in [0, 2^53); default 1. */
  readonly seed?: number | undefined;
}

/**
 * Generates token ids. The same parameters, options and machine give the same tokens.
 *
 * Keys and values are remembered, so that a token costs O(T). When the context is full, at `blockSize` tokens, its last
 * blockSize / 2 are read anew and what was before them is forgotten, as {@linkcode Decoder} says. The policy of the
 * `autocast` region that it is called in applies.
 *
 * @param parameters As `toParameters` makes them.
 * @param config The model.
 * @param options The prompt, how many tokens, how to choose.
 * @returns The new tokens, int32 [maxNewTokens], without the prompt.
 * @throws {RangeError} for an option or a prompt that does not fit.
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
      `Cannot generate: maxNewTokens must be a whole number of at least 0: it is ${maxNewTokens}`,
    );
  }
  if (!Number.isInteger(vocabSize) || vocabSize < 1 || vocabSize > config.vocabSize) {
    throw new RangeError(
      `Cannot generate: expected vocabSize to be a whole number from 1 to ${config.vocabSize}, got ${vocabSize}`,
    );
  }
  const random = createRandom(seed, "generate");
  const made = new Int32Array(maxNewTokens);
  using decoder = new Decoder(parameters, config);
  let unread = prompt;
  for (let i = 0; i < maxNewTokens; i++) {
    made[i] = sampleToken(decoder.read(unread).subarray(0, vocabSize), random, options);
    unread = made.subarray(i, i + 1);
  }
  return made;
}
