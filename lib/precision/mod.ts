/**
 * Precision as plain data: number formats, policies, and overrides by layer and operation class.
 *
 * @module
 */
export { BASELINE, isBaseline, type OfPrecision } from "./baseline.ts";
export {
  type Format,
  FORMAT_NAMES,
  type FormatFamily,
  type FormatInfo,
  formatInfo,
  type Overflow,
  parseFormat,
  PLAIN_FORMAT_NAMES,
  type RoundingMode,
} from "./format.ts";
export type { Extremes } from "./extremes.ts";
export { exponentOf, roundArray, roundNumber, type Uniform } from "./round.ts";
export { quantizeArray, type QuantizeArrayOptions } from "./quantize.ts";
export {
  fullQuantizerNames,
  parseQuantizer,
  parseScaling,
  type Quantizer,
  type QuantizerNames,
  quantizerOf,
  SCALED_FORMAT_NAMES,
  type Scaling,
  SCALING_NAMES,
  type ScalingKind,
  splitQuantizer,
} from "./quantizer.ts";
export {
  type ClassFormats,
  classFormats,
  everyQuantizer,
  type FormatsSource,
  type PolicyClasses,
  type PolicyFormats,
  type Scope,
  type SlotFormats,
  slotsIn,
} from "./class_formats.ts";
export { OPERAND_NAMES, type Slot } from "./operands.ts";
export { type LinearRecipe, type RecipeName } from "./recipes.ts";
export {
  classesOf,
  completeOverride,
  formatOverride,
  layerNames,
  layerOfParameter,
  OP_CLASSES,
  type OpClass,
  overridesProblem,
  parseOverride,
  type PrecisionOverride,
} from "./override.ts";
export {
  autocastPolicy,
  describePolicy,
  emulationOf,
  type NamedPolicy,
  POLICY_CHOICES,
  POLICY_DESCRIPTIONS,
  type PolicyDescription,
  type PolicyName,
  policyNameOn,
  type PolicyWord,
  precisionLabel,
  type RunPrecision,
  underflowWarning,
} from "./policy.ts";
