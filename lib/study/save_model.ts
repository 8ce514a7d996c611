/**
 * `saveModel()`: saves a trained model in the format of Hugging Face Transformers.
 *
 * @module
 */
import { saveGpt2, type SaveGpt2Options, summarizeModel } from "../model/mod.ts";
import { type ModelChoice, openModel, withUserErrors } from "../run/mod.ts";

/** Options of {@linkcode saveModel}. */
export interface SaveModelOptions
  extends ModelChoice, Pick<SaveGpt2Options, "dtype" | "maxShardBytes" | "overwrite"> {}

/** Result of {@linkcode saveModel}. */
export interface SavedModel {
  /** Sizes and options of the model, in one line. */
  readonly summary: string;
  /** Names of the existing files that were replaced. */
  readonly replaced: readonly string[];
}

/**
 * Saves a trained model and its tokenizer in the format of Hugging Face Transformers. The saved model is a GPT-2
 * or a LLaMA, according to the model's options.
 *
 * @param source Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param folder Output folder, created if missing.
 * @throws {UserError} If `source` contains no model, the model's options fit neither GPT-2 nor LLaMA, or files exist
 * and `overwrite` is not set.
 */
export async function saveModel(
  source: string,
  folder: string,
  options: SaveModelOptions = {},
): Promise<SavedModel> {
  return await withUserErrors(async () => {
    using model = await openModel(source, { ...options, action: "save" });
    const { config, parameters, tokenizer } = model;
    const { dtype, maxShardBytes, overwrite } = options;
    const replaced = await saveGpt2(folder, { config, parameters }, {
      ...{ dtype, maxShardBytes, overwrite, tokenizer, source: model.source },
    });
    return { summary: summarizeModel(config), replaced };
  });
}
