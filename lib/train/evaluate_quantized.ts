/**
 * Post-training quantization: the loss of a model before and after the weights of its linear layers are rounded to a
 * number format.
 *
 * @module
 */
import type { Parameters } from "../model/mod.ts";
import { parseQuantizer, type PrecisionOverride } from "../precision/mod.ts";
import { evaluate, type EvaluateOptions, type Evaluation } from "./evaluate.ts";

/**
 * Settings of a quantization. Only the linear layers of the blocks are quantized. Embeddings, normalization layers,
 * attention scores and the output head are not.
 */
export interface Quantization {
  /**
   * Number format, optionally with a scaling after `/`: for example `e4m3fn`, `e4m3fn/tensor`, `e4m3fn/row`, `mxfp8`,
   * `mxfp6`, `mxfp4` or `nvfp4`. Values that share a scale (a row or a block) are adjacent along the axis that the
   * matrix product sums over.
   */
  readonly format: string;
  /** True to quantize the inputs of the layers, too. Default: false, weights only. */
  readonly activations?: boolean | undefined;
}

/** Evaluations of a model and of its quantized form on the same text. */
export interface QuantizedEvaluation {
  /** Evaluation in the precision of the options. */
  readonly before: Evaluation;
  /** Evaluation in the same precision, with quantized linear layers. */
  readonly after: Evaluation;
}

/**
 * Computes the loss of a model before and after quantization. The parameters are not changed.
 *
 * @param parameters Weights of the model.
 * @param options The options of `evaluate`, and `quantize`, the settings of the quantization.
 * @throws {RangeError} If the format or the scaling is unknown, or exists only during training (delayed scaling, Kahan
 * compensation).
 */
export function evaluateQuantized(
  parameters: Parameters,
  { quantize, ...options }: EvaluateOptions & { readonly quantize: Quantization },
): QuantizedEvaluation {
  const overrides = [...options.overrides ?? [], quantizationOverride(quantize, options.model.nLayer)];
  return { before: evaluate(parameters, options), after: evaluate(parameters, { ...options, overrides }) };
}

/**
 * Returns the precision override that quantizes the linear layers of a model.
 *
 * @param quantization Settings of the quantization.
 * @param nLayer Number of blocks of the model.
 * @throws {RangeError} If the format or the scaling is unknown, or exists only during training (delayed scaling, Kahan
 * compensation).
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
