/**
 * `generateText()`: continues a prompt with a trained model.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { type GenerateOptions, generateTokens, Gpt, toParameters } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import type { Tokenizer } from "../text/mod.ts";
import { type ModelChoice, openModel, withUserErrors } from "../run/mod.ts";

/** Options of {@linkcode generateText}. The prompt is a line break by default. */
export interface GenerateTextOptions extends ModelChoice, GenerateOptions {
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
  return await withUserErrors(async () => {
    using opened = await openModel(folder, { ...options, action: "generate with" });
    const { config, tokenizer } = opened;
    const { threads, maxNewTokens = 100, prompt = beginning(tokenizer), ...sampling } = options;
    const ids = tokenizer.encode(prompt);
    if (ids.length === 0) {
      throw new UserError("Cannot generate: expected a prompt of at least one token, got an empty text.");
    }
    await useTensorFlow(threads === undefined ? {} : { threads });
    using model = new Gpt(config, toParameters(opened.parameters));
    const { vocabSize } = tokenizer;
    const made = generateTokens(model.parameters, config, {
      ...{ ...sampling, prompt: ids, maxNewTokens, vocabSize },
    });
    return prompt + tokenizer.decode(made);
  });
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
