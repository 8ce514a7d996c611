/**
 * The GPT: its sizes, its parameters, its logits, and the files that keep them.
 *
 * @module
 */
export { type GptConfig, validateGptConfig } from "./config.ts";
export { fromParameters, gptHidden, gptLogits, type Parameters, toParameters } from "./gpt.ts";
export {
  initialParameters,
  parameterCount,
  type ParameterRecord,
  parameterShapes,
  type ParameterValues,
} from "./parameters.ts";
export { decodeSafetensors, encodeSafetensors, type Safetensors } from "./safetensors.ts";
