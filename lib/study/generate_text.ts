/**
 * `generateText()`: continues a prompt with a trained model.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { continueTexts, type GenerateOptions, Gpt, readEndIds, toParameters } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import type { Tokenizer } from "../text/mod.ts";
import { type ModelChoice, openModel, withUserErrors } from "../run/mod.ts";
import { readTextFile } from "./_text_file.ts";

/** Options of {@linkcode generateText}. */
export interface GenerateTextOptions extends ModelChoice, GenerateOptions {
  /** Text to continue. Default: a line break, or the first token if the vocabulary has none. */
  readonly prompt?: string | undefined;
  /**
   * True to continue after the end-of-text token of a Hugging Face folder, `eos_token_id` in `generation_config.json`
   * or `config.json`. Default: false. The text then ends before this token, as in transformers.
   */
  readonly ignoreEos?: boolean | undefined;
  /** Number of threads. Default: number of cores. */
  readonly threads?: number | undefined;
}

/**
 * Continues a prompt with a trained model.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @returns The prompt, followed by the generated text.
 * @throws {UserError} If the folder contains no model, the prompt is empty, or an option is out of range.
 */
export async function generateText(folder: string, options: GenerateTextOptions = {}): Promise<string> {
  const { prompt, ...others } = options;
  return (await generateTexts(folder, prompt === undefined ? [] : [prompt], others))[0]!;
}

/** Options of {@linkcode generateTexts}. */
export interface GenerateTextsOptions extends Omit<GenerateTextOptions, "prompt"> {
  /** UTF-8 text file with one prompt per line, in addition to the given prompts. Default: none. */
  readonly file?: string | undefined;
}

/**
 * Continues several prompts with a trained model, `batchSize` at a time. Loads the model once. Each text equals the result of
 * {@linkcode generateText} with the same options, unless rounding decides between two tokens.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param prompts The prompts. An empty list without a `file` means the default prompt.
 * @returns Each prompt, followed by the generated text.
 * @throws {UserError} If the folder contains no model, a prompt is empty, the file is not text, or an option is out of
 * range.
 */
export async function generateTexts(
  folder: string,
  prompts: readonly string[],
  options: GenerateTextsOptions = {},
): Promise<string[]> {
  return await withUserErrors(async () => {
    const { threads, maxNewTokens = 100, file, ignoreEos, stopIds = [], ...sampling } = options;
    const lines = file === undefined ? [] : linesOf(file);
    using opened = await openModel(folder, { ...options, action: "generate with" });
    const { config, tokenizer } = opened;
    const given: Prompt[] = [...prompts.map((text) => ({ text, name: "" })), ...lines];
    if (given.length === 0) given.push({ text: beginning(tokenizer), name: "" });
    const ids = given.map((prompt) => encode(tokenizer, prompt));
    const ends = opened.source === undefined || ignoreEos ? [] : await readEndIds(opened.source);
    await useTensorFlow(threads === undefined ? {} : { threads });
    using model = new Gpt(config, toParameters(opened.parameters));
    return continueTexts(model, {
      ...{ ...sampling, texts: given.map(({ text }) => text), prompts: ids, tokenizer, maxNewTokens },
      stopIds: [...stopIds, ...ends],
    });
  });
}

/** A prompt, with its place for errors, if it is a line of a file. */
interface Prompt {
  readonly text: string;
  readonly name: string;
}

function linesOf(file: string): Prompt[] {
  const text = readTextFile(file, "read the prompts of");
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  return lines.map((text, i) => ({ text, name: ` after line ${i + 1} of ${file}` }));
}

function encode(tokenizer: Tokenizer, { text, name }: Prompt): Int32Array {
  try {
    const ids = tokenizer.encode(text);
    if (ids.length > 0) return ids;
  } catch (error) {
    if (!(error instanceof RangeError) || name === "") throw error;
    throw new UserError(`Cannot generate${name}: ${reasonOf(error)}.`, { cause: error });
  }
  throw new UserError(`Cannot generate${name}: expected a prompt of at least one token, got an empty text.`);
}

/** Returns the default prompt: a line break, or the first token if the vocabulary has no line break. */
function beginning(tokenizer: Tokenizer): string {
  try {
    tokenizer.encode("\n");
    return "\n";
  } catch (error) {
    if (error instanceof RangeError) return tokenizer.decode([0]);
    throw error;
  }
}
