/**
 * `loadModel()`: loads a trained model for training, evaluation or generation.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { Gpt, toParameters } from "../model/mod.ts";
import { type ModelChoice, openModel } from "./open_model.ts";

/** Names of the options. */
const NAMES = optionNames<ModelChoice>({ weights: true, data: true, runRecordedCode: true, note: true });

/**
 * Loads a trained model with its weights. The tokenizer is not loaded: pass the path `FOLDER/tokenizer.json` to
 * `loadDataset`.
 *
 * @param folder Folder of a run, or Hugging Face folder of a GPT-2 or LLaMA.
 * @param choice `weights`: the weights of the last checkpoint (`last`, the default), or those with the lowest
 * validation loss (`best`).
 * @returns The model. The caller owns it.
 * @throws {RangeError} For an unknown option.
 * @throws {UserError} If the folder contains no supported model, or its files are damaged.
 */
export async function loadModel(folder: string, choice: ModelChoice = {}): Promise<Gpt> {
  requireKnownNames(choice, NAMES, "load the model");
  using opened = await openModel(folder, { ...choice, action: "load" });
  return new Gpt(opened.config, toParameters(opened.parameters));
}
