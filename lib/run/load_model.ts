/**
 * `loadModel()`: loads a trained model, to train, evaluate or generate with it.
 *
 * @module
 */
import { Gpt, toParameters } from "../model/mod.ts";
import { type ModelChoice, openModel } from "./open_model.ts";

/**
 * Loads a trained model with its weights. Its tokenizer is `FOLDER/tokenizer.json`, for `loadDataset`.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param choice `weights`: those of the last checkpoint (default) or of the best evaluation.
 * @returns The model. The caller disposes of it.
 * @throws {UserError} If the folder contains no supported model, or its files are damaged.
 */
export async function loadModel(folder: string, choice: ModelChoice = {}): Promise<Gpt> {
  using opened = await openModel(folder, { ...choice, action: "load" });
  return new Gpt(opened.config, toParameters(opened.parameters));
}
