/**
 * `generateText()`: continues a prompt with a trained model.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { continueText, type GenerateOptions, Gpt, toParameters } from "../model/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import type { Tokenizer } from "../text/mod.ts";
import { type ModelChoice, openModel, withUserErrors } from "../run/mod.ts";

/**
 * Options of {@linkcode generateText}. Default of `prompt`: a line break, or the first token of a vocabulary without a
 * line break.
 */
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
  const { prompt, ...others } = options;
  return (await generateTexts(folder, prompt === undefined ? [] : [prompt], others))[0]!;
}

/**
 * Continues several prompts with a trained model, one after the other. Loads the model once. Each text equals the
 * result of {@linkcode generateText} with the same options.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param prompts The prompts. An empty list means the default prompt.
 * @returns Each prompt, followed by the generated text.
 * @throws {UserError} If the folder contains no model, a prompt is empty, or an option is out of range.
 */
export async function generateTexts(
  folder: string,
  prompts: readonly string[],
  options: Omit<GenerateTextOptions, "prompt"> = {},
): Promise<string[]> {
  return await withUserErrors(async () => {
    using opened = await openModel(folder, { ...options, action: "generate with" });
    const { config, tokenizer } = opened;
    const { threads, maxNewTokens = 100, ...sampling } = options;
    const given = prompts.length === 0 ? [beginning(tokenizer)] : prompts;
    const all = given.map((prompt) => ({ prompt, ids: tokenizer.encode(prompt) }));
    if (all.some(({ ids }) => ids.length === 0)) {
      throw new UserError("Cannot generate: expected a prompt of at least one token, got an empty text.");
    }
    await useTensorFlow(threads === undefined ? {} : { threads });
    using model = new Gpt(config, toParameters(opened.parameters));
    const { vocabSize } = tokenizer;
    return all.map(({ prompt, ids }) =>
      continueText(model, {
        ...{ ...sampling, prompt: ids, maxNewTokens, vocabSize },
        textOf: (made) => prompt + tokenizer.decode(made),
      })
    );
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
