/**
 * The GPT: its config, parameters, forward pass, text generation, and files.
 *
 * @module
 */
export { attention, type AttentionContext, type CachePlaces, type KeyValueCache } from "./attention.ts";
export type { Dropout } from "./_pointwise.ts";
export {
  type Activation,
  type Architecture,
  ARCHITECTURES,
  completeConfig,
  type ForwardInput,
  type FullGptConfig,
  type GptConfig,
  type Norm,
  type ParameterDefinition,
  type Position,
  validateGptConfig,
} from "./config.ts";
export { Decoder, type DecoderOptions } from "./decoder.ts";
export { readEndIds } from "./_gpt2_companions.ts";
export {
  type ContinueOptions,
  continueTexts,
  generate,
  type GenerateOptions,
  type GenerateTokensOptions,
} from "./generate.ts";
export { Gpt, gpt, type GptOptions } from "./gpt_model.ts";
export {
  activation,
  fromParameters,
  gptHidden,
  gptLogits,
  HEAD_LAYER,
  headLogits,
  type Parameters,
  type PassOptions,
  rotaryAngles,
  toParameters,
} from "./gpt.ts";
export { type Gpt2Model, loadGpt2 } from "./gpt2_files.ts";
export { saveGpt2, type SaveGpt2Options } from "./save_gpt2.ts";
export {
  initialParameters,
  parameterCount,
  type ParameterRecord,
  parameterShapes,
  type ParameterValues,
  sizeOf,
} from "./parameters.ts";
export { type Perturbation, type PerturbedParameters, perturbParameters } from "./perturb.ts";
export { type SampleOptions } from "./sample.ts";
export { type DecodeOptions, decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";
export { readSafetensors, writeSafetensors } from "./safetensors_file.ts";
export type { StoredDtype } from "./_stored_numbers.ts";
export { describeModel, flopsPerToken, summarizeModel } from "./summary.ts";
