/**
 * Post-training quantization: the loss of a model before and after the weights of its linear layers are rounded to a
 * number format.
 *
 * @module
 */
import type { Parameters } from "../model/mod.ts";
import { parseQuantizer, type PrecisionOverride } from "../precision/mod.ts";
import { evaluate, type EvaluateOptions, type Evaluation } from "./evaluate.ts";

/** A quantization of the linear layers of blocks. Embeddings, LayerNorms, attention and the head are not quantized. */
export interface Quantization {
  /**
   * Format, with a scaling if any: `e4m3fn/tensor`, `e4m3fn/row`, `mxfp8`, `mxfp6`, `mxfp4`, `nvfp4`. Rows and blocks
   * extend along the axis that the product sums over.
   */
  readonly format: string;
  /** True to also quantize the inputs of the layers. Default: false, weights only. */
  readonly activations?: boolean | undefined;
}

/** Evaluations of a model and of its quantized form on the same text. */
export interface QuantizedEvaluation {
  /** In the precision of the options. */
  readonly before: Evaluation;
  /** With quantized linear layers. */
  readonly after: Evaluation;
}

/**
 * Evaluates parameters before and after quantization. The parameters are not changed.
 *
 * @param options Text, precision and sizes as for `evaluate`, and `quantize`.
 * @throws {RangeError} For an unknown format or scaling, or one that needs training.
 */
export function evaluateQuantized(
  parameters: Parameters,
  { quantize, ...options }: EvaluateOptions & { readonly quantize: Quantization },
): QuantizedEvaluation {
  const overrides = [...options.overrides ?? [], quantizationOverride(quantize, options.model.nLayer)];
  return { before: evaluate(parameters, options), after: evaluate(parameters, { ...options, overrides }) };
}

/**
 * Returns the override that quantizes the linear layers of a model.
 *
 * @param nLayer L, the model's number of blocks.
 * @throws {RangeError} For an unknown format or scaling, or one that needs training.
 */
export function quantizationOverride(
  { format: text, activations = false }: Quantization,
  nLayer: number,
): PrecisionOverride {
  const { name, format, scaling } = parseQuantizer(text);
  const refuse = (got: string) =>
    new RangeError(
      `Cannot quantize to ${name}: expected a format and a scaling that follow from the values alone, got ${got}.`,
    );
  if (scaling?.kind === "delayed") throw refuse("delayed scaling, which needs previous steps. Use tensor");
  if (format.rounding === "kahan") throw refuse("kahan, which compensates updates");
  if (format.family === "scale") throw refuse("a format for the scales of blocks");
  return {
    layers: Array.from({ length: nLayer }, (_, layer) => `h.${layer}`),
    opClasses: ["linear"],
    operands: activations ? ["forward"] : ["forward.w"],
    format: format.name,
    ...(scaling && { scaling: scaling.name }),
  };
}
