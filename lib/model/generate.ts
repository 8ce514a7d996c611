/**
 * Text generation: each new token is sampled from the model's logits.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { createRandom, type Random } from "../text/random.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { GptConfig } from "./config.ts";
import { Decoder } from "./decoder.ts";
import { requireTokens } from "./token_ids.ts";
import type { Parameters } from "./gpt.ts";
import type { Gpt } from "./gpt_model.ts";
import { type SampleOptions, sampleToken, validateSampleOptions } from "./sample.ts";

/** Options of {@linkcode generate}. */
export interface GenerateOptions extends SampleOptions {
  /** Text to continue, or a list of texts to continue separately. Default: a line break. */
  readonly prompt?: string | readonly string[] | undefined;
  /** Number of tokens to generate for each prompt, at least 0. Default: 100. */
  readonly maxNewTokens?: number | undefined;
  /** Seed of the sampling, an integer in [0, 2^53). Every prompt starts a random stream with this seed. Default: 1. */
  readonly seed?: number | undefined;
  /**
   * Strings that end the generation, each of at least one character. The result ends before the first of them. Default:
   * none.
   */
  readonly stop?: string | readonly string[] | undefined;
  /** Token ids that end the generation. The result ends before the first of them. Default: none. */
  readonly stopIds?: readonly number[] | undefined;
  /**
   * Number of prompts that the model continues at the same time, at least 1. Another number changes results only
   * through rounding. Default: 8.
   */
  readonly batchSize?: number | undefined;
}

/** Names of all options. */
const NAMES = optionNames<GenerateOptions>({
  ...{ prompt: true, maxNewTokens: true, seed: true, stop: true, stopIds: true, batchSize: true },
  ...{ temperature: true, topK: true, topP: true },
});

/** Default of {@linkcode GenerateOptions.batchSize}. */
const BATCH_SIZE = 8;

/**
 * Generates text after a prompt. Equal models, options and machines give equal text.
 *
 * @param model The model. To generate in another precision, call this function inside `autocast`.
 * @param tokenizer Tokenizer that encodes the prompt and decodes the result.
 * @param options `prompt`, `maxNewTokens`, `temperature`, `topK`, `topP`, `seed`, `stop`, `stopIds`.
 * @returns The prompt, followed by the generated text.
 * @throws {TypeError} If the tokenizer is not a tokenizer, or the prompt is not a string.
 * @throws {RangeError} If an option is unknown or out of range, or the tokenizer cannot encode the prompt.
 */
export function generate(
  model: Gpt,
  tokenizer: Pick<Tokenizer, "encode" | "decode" | "vocabSize">,
  options?: GenerateOptions & { readonly prompt?: string | undefined },
): string;
/**
 * Generates text after several prompts, `batchSize` prompts at a time. Each text equals that of its prompt alone,
 * unless two tokens are so close that rounding decides between them.
 *
 * @param model The model. To generate in another precision, call this function inside `autocast`.
 * @param tokenizer Tokenizer that encodes the prompts and decodes the results.
 * @param options `prompt`: a list of texts. `batchSize`: the number of prompts at a time. The other options are as for
 * a single prompt.
 * @returns For each prompt, the prompt followed by its generated text.
 */
export function generate(
  model: Gpt,
  tokenizer: Pick<Tokenizer, "encode" | "decode" | "vocabSize">,
  options: GenerateOptions & { readonly prompt: readonly string[] },
): string[];
export function generate(
  model: Gpt,
  tokenizer: Pick<Tokenizer, "encode" | "decode" | "vocabSize">,
  { prompt = "\n", maxNewTokens = 100, stop = [], ...options }: GenerateOptions = {},
): string | string[] {
  requireKnownNames(options, NAMES, "generate text");
  if (typeof tokenizer?.encode !== "function") {
    throw new TypeError(
      `Cannot generate text: expected a tokenizer, got ${typeof tokenizer}. Pass the dataset's tokenizer.`,
    );
  }
  const texts = Array.isArray(prompt) ? prompt : [prompt];
  for (const text of texts) {
    if (typeof text !== "string") {
      throw new TypeError(`Cannot generate text: expected the prompt as a string, got ${typeof text}.`);
    }
  }
  const prompts = texts.map((text) => tokenizer.encode(text));
  const made = continueTexts(model, { ...options, texts, prompts, tokenizer, maxNewTokens, stop });
  return Array.isArray(prompt) ? made : made[0]!;
}

/**
 * Returns a function from new tokens to the text of a prompt, followed by their text.
 *
 * New tokens are decoded after those of the prompt, because some tokenizers drop the space at the start of a text. The
 * text of the prompt itself is unchanged, also if the tokenizer adds special tokens or changes letters.
 *
 * @param tokenizer Tokenizer of the model.
 * @param prompt The prompt, and its tokens.
 */
function continuationsOf(
  tokenizer: Pick<Tokenizer, "decode">,
  { text, ids }: { text: string; ids: ArrayLike<number> },
): (made: Int32Array) => string {
  const prompt = Array.from(ids), begin = tokenizer.decode(prompt);
  return (made) => {
    const whole = tokenizer.decode([...prompt, ...made]);
    return text + (whole.startsWith(begin) ? whole.slice(begin.length) : tokenizer.decode(made));
  };
}

/** Options of {@linkcode continueTexts}. */
export interface ContinueOptions
  extends Omit<GenerateTokensOptions, "vocabSize">, Pick<GenerateOptions, "stop"> {
  /** Text of each prompt. */
  readonly texts: readonly string[];
  /** Tokenizer of the model. */
  readonly tokenizer: Pick<Tokenizer, "decode" | "vocabSize">;
}

/**
 * Generates tokens after each prompt, until its text contains a stop string or `maxNewTokens` are generated.
 *
 * @returns For each prompt, its text with the new tokens. The text ends before the first stop string after the prompt.
 * @throws {RangeError} If an option or a prompt is out of range.
 */
export function continueTexts(
  { parameters, config }: Pick<Gpt, "parameters" | "config">,
  { stop = [], texts, tokenizer, ...options }: ContinueOptions,
): string[] {
  const stops = typeof stop === "string" ? [stop] : stop;
  if (stops.includes("")) {
    throw new RangeError(
      "Cannot generate text: expected stop texts of at least one character, got an empty one.",
    );
  }
  const { prompts } = options, { vocabSize } = tokenizer;
  const continuations = texts.map((text, i) => continuationsOf(tokenizer, { text, ids: prompts[i]! }));
  const endOf = (text: string, i: number) =>
    stops.reduce((end, stop) => {
      const at = text.indexOf(stop, texts[i]!.length);
      return at < 0 ? end : Math.min(end, at);
    }, text.length);
  const isOver = (made: Int32Array, i: number) => {
    const text = continuations[i]!(made);
    return endOf(text, i) < text.length;
  };
  const tokens = generateTokens(parameters, config, {
    ...{ ...options, vocabSize },
    ...(stops.length > 0 && { isOver }),
  });
  return tokens.map((made, i) => {
    const text = continuations[i]!(made);
    return text.slice(0, endOf(text, i));
  });
}

/** Options of {@linkcode generateTokens}. */
export interface GenerateTokensOptions
  extends SampleOptions, Pick<GenerateOptions, "seed" | "batchSize" | "stopIds"> {
  /** Token ids of each prompt, at least one per prompt. Of more than `blockSize` ids, the last `blockSize` are used. */
  readonly prompts: readonly ArrayLike<number>[];
  /** Number of tokens to generate for each prompt, at least 0. */
  readonly maxNewTokens: number;
  /**
   * Number of ids from which tokens are sampled: ids 0 to `vocabSize` - 1, in [1, V]. Set it if the model's vocabulary
   * is padded. Default: V.
   */
  readonly vocabSize?: number | undefined;
  /** Returns true to end the generation after prompt `i`, given its new tokens so far. Default: never. */
  readonly isOver?: ((made: Int32Array, i: number) => boolean) | undefined;
}

/** A prompt that is being continued. */
interface Continuation {
  /** Index of the prompt. */
  readonly i: number;
  /** Room for the new tokens, of which the first `count` are set. */
  readonly made: Int32Array;
  count: number;
  readonly random: Random;
  /** Tokens that the model has not read. */
  unread: ArrayLike<number>;
}

/**
 * Generates token ids after each prompt. Equal parameters, options and machines give equal tokens.
 *
 * The model continues `batchSize` prompts at the same time. When a prompt ends, the next one takes its place. Each
 * prompt has a random stream of its own. Other prompts therefore change its tokens only through rounding, as described
 * in {@linkcode Decoder}.
 *
 * Keys and values are cached. Each new token costs one pass over a cache of `blockSize` tokens, or of as many as the
 * longest prompt and its continuation have, if they are fewer. When the context is full, its last blockSize / 2 tokens are
 * read again and earlier tokens are dropped. To set the precision policy, call this function inside `autocast`.
 *
 * @param parameters Parameters as tensors.
 * @param config Sizes and options of the model.
 * @param options The prompts, the number of tokens, and sampling options.
 * @returns The new tokens of each prompt, without the prompt itself. int32, at most `maxNewTokens` per prompt.
 * @throws {RangeError} If an option or a prompt is out of range.
 */
export function generateTokens(
  parameters: Parameters,
  config: GptConfig,
  options: GenerateTokensOptions,
): Int32Array[] {
  validate(config, options);
  const { prompts, maxNewTokens, seed = 1, batchSize = BATCH_SIZE } = options;
  if (maxNewTokens === 0 || prompts.length === 0) return prompts.map(() => new Int32Array(0));
  const results: Int32Array[] = [];
  let begun = 0;
  const next = (): Continuation | undefined => {
    if (begun === prompts.length) return undefined;
    const i = begun++, random = createRandom(seed, "generate");
    return { i, random, unread: prompts[i]!, made: new Int32Array(maxNewTokens), count: 0 };
  };
  const rows = Array.from({ length: Math.min(batchSize, prompts.length) }, next);
  using decoder = new Decoder(parameters, withContext(config, options), { rows: rows.length });
  while (rows.some((row) => row !== undefined)) {
    const logits = decoder.read(rows.map((row) => row?.unread ?? []));
    for (const [place, row] of rows.entries()) {
      if (row === undefined || !isOver(row, logits[place]!, { config, options })) continue;
      results[row.i] = row.made.slice(0, row.count);
      decoder.reset(place);
      rows[place] = next();
    }
  }
  return results;
}

/** Shortens the context length to the tokens of the longest prompt and its continuation, so that the cache is small. */
function withContext(config: GptConfig, { prompts, maxNewTokens }: GenerateTokensOptions): GptConfig {
  if (config.architecture !== undefined) return config; // a user's code may depend on the length
  const most = prompts.reduce((most, { length }) => Math.max(most, length), 0) + maxNewTokens;
  return { ...config, blockSize: Math.min(config.blockSize, most) };
}

/** Samples the next token of a continuation. Returns true if it is over. */
function isOver(
  row: Continuation,
  logits: Float32Array,
  { config, options }: { config: GptConfig; options: GenerateTokensOptions },
): boolean {
  const { vocabSize = config.vocabSize, stopIds = [], maxNewTokens } = options;
  const id = sampleToken(logits.subarray(0, vocabSize), row.random, options);
  if (stopIds.includes(id)) return true;
  row.made[row.count++] = id;
  row.unread = [id];
  return row.count === maxNewTokens || (options.isOver?.(row.made.subarray(0, row.count), row.i) ?? false);
}

function validate(config: GptConfig, options: GenerateTokensOptions): void {
  const { prompts, maxNewTokens, vocabSize = config.vocabSize, batchSize = BATCH_SIZE } = options;
  validateSampleOptions(options);
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new RangeError(
      `Cannot generate: expected an integer >= 0 for maxNewTokens, got ${maxNewTokens}`,
    );
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`Cannot generate: expected an integer >= 1 for batchSize, got ${batchSize}`);
  }
  if (!Number.isInteger(vocabSize) || vocabSize < 1 || vocabSize > config.vocabSize) {
    throw new RangeError(
      `Cannot generate: expected an integer from 1 to ${config.vocabSize} for vocabSize, got ${vocabSize}`,
    );
  }
  for (const prompt of prompts) {
    if (prompt.length === 0) {
      throw new RangeError("Cannot generate: expected at least one token in each prompt, got none");
    }
    requireTokens(prompt, config);
  }
}
