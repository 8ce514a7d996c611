/**
 * Precision overrides: number formats for single layers and operation classes. They take precedence over the policy.
 * Plain data, as in specs and records.
 *
 * @module
 */
import { OPERAND_NAMES, slotsOf } from "./operands.ts";
import { fullQuantizerNames, type Quantizer, quantizerOf, splitQuantizer } from "./quantizer.ts";

/**
 * Operation classes:
 * - `linear`: matrix products with weights, including the output head.
 * - `attention`: the products of queries with keys and of attention weights with values, and the rotation of queries
 *   and keys.
 * - `softmax`: the softmax of attention.
 * - `layerNorm`: LayerNorm and RMSNorm, including those of queries and keys.
 * - `gelu`: the activation of the MLP, whichever function `activation` selects.
 * - `residual`: additions to the residual stream, including the sum of the embeddings.
 * - `loss`: the cross entropy.
 * - `optimizer`: storage of the weights and the optimizer state.
 */
export type OpClass =
  | "linear"
  | "attention"
  | "softmax"
  | "layerNorm"
  | "gelu"
  | "residual"
  | "loss"
  | "optimizer";

/** Names of all operation classes. */
export const OP_CLASSES: readonly OpClass[] = [
  "linear",
  "attention",
  "softmax",
  "layerNorm",
  "gelu",
  "residual",
  "loss",
  "optimizer",
];

/** A number format for some layers and operation classes of a model. */
export interface PrecisionOverride {
  /**
   * Layers: `embedding`, `h.0` for the first block and so on, `head` (including the last norm), `loss`. Default: all.
   */
  readonly layers?: readonly string[] | undefined;
  /** Operation classes. Default: all except `optimizer`, which an override must name. */
  readonly opClasses?: readonly OpClass[] | undefined;
  /**
   * Operands and results of linear layers, such as `forward.x`, `wgrad.dy`, `x`, `dgrad` or `out`. {@linkcode
   * OPERAND_NAMES} lists the names. `opClasses` must be `linear` alone. Default: all.
   */
  readonly operands?: readonly string[] | undefined;
  /**
   * Name of the format: one that {@linkcode parseFormat} accepts, or a short name (`mxfp8`, `mxfp6`, `mxfp4`, `nvfp4`)
   * that includes the scaling.
   */
  readonly format: string;
  /**
   * Scaling: `tensor`, and for `linear` also `delayed`, `delayed-N`, `row`, `mx`, `mx-ceil` or `nvfp4`. The class
   * `optimizer` has none. Default: none.
   */
  readonly scaling?: string | undefined;
}

/**
 * Returns the names of a model's layers, in the order of a forward pass.
 *
 * @param nLayer Number of blocks.
 */
export function layerNames(nLayer: number): string[] {
  return ["embedding", ...Array.from({ length: nLayer }, (_, i) => `h.${i}`), "head", "loss"];
}

/** Operation classes of a block, except `optimizer`. */
const IN_BLOCKS: readonly OpClass[] = ["linear", "attention", "softmax", "layerNorm", "gelu", "residual"];

/** Returns the operation classes that occur in a layer, in the order of {@linkcode OP_CLASSES}. */
export function classesOf(layer: string): readonly OpClass[] {
  if (layer === "embedding") return ["residual", "optimizer"];
  if (layer === "head") return ["linear", "layerNorm", "optimizer"];
  return layer === "loss" ? ["loss"] : [...IN_BLOCKS, "optimizer"];
}

/** Returns the name of a parameter's layer: `h.3` for `h.3.mlp.c_fc.weight`, `embedding` for `wte.weight`. */
export function layerOfParameter(name: string): string {
  const block = /^h\.[0-9]+/.exec(name)?.[0];
  if (block !== undefined) return block;
  return name.startsWith("wte.") || name.startsWith("wpe.") ? "embedding" : "head";
}

/**
 * Returns a description of the first invalid override: an unknown layer, format or operand, or a format that its class
 * does not support.
 *
 * @param overrides Overrides from a spec.
 * @param nLayer Number of blocks of the model.
 * @returns The description for an error message. Undefined if all overrides are valid.
 */
export function overridesProblem(
  overrides: readonly PrecisionOverride[],
  nLayer: number,
): string | undefined {
  const known = layerNames(nLayer);
  for (const override of overrides) {
    const { layers, opClasses, operands } = override;
    const strange = layers?.find((layer) => !known.includes(layer));
    if (strange !== undefined) {
      return `expected layers of overrides to be among ${known.join(", ")}, got ${JSON.stringify(strange)}`;
    }
    for (const [what, list] of Object.entries({ layers, opClasses, operands })) {
      if (list?.length === 0) {
        return `expected ${what} of overrides to name at least one, or to be omitted for all, got none`;
      }
    }
    const empty = opClasses?.find((name) =>
      !(layers ?? known).some((layer) => classesOf(layer).includes(name))
    );
    if (empty !== undefined) {
      const own = [...new Set(layers!.flatMap(classesOf))];
      return `expected opClasses of overrides in ${layers!.join(" and ")} to be among ${
        own.join(", ")
      }, got ${empty}`;
    }
    try {
      const problem = quantizerProblem(override, quantizerOf(override));
      if (problem !== undefined) return problem;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }
  return undefined;
}

function quantizerProblem(
  { opClasses, operands = [] }: PrecisionOverride,
  { name, format, scaling }: Quantizer,
): string | undefined {
  const classes = String(opClasses);
  if (format.family === "scale") return `${name} is a format for the scales of blocks, not for values`;
  if (format.rounding === "kahan" && classes !== "optimizer") {
    return `${name} applies to the class optimizer only, since it compensates weight updates`;
  }
  const unknown = operands.find((operand) => slotsOf(operand).length === 0);
  if (unknown !== undefined) return `no operand ${JSON.stringify(unknown)}: expected ${OPERAND_NAMES}`;
  if (operands.length > 0 && classes !== "linear") {
    return `operands (${operands.join(", ")}) belong to the class linear, got ${opClasses ?? "no class"}`;
  }
  if (scaling === undefined) return undefined;
  if (scaling.kind !== "tensor" && classes !== "linear") {
    return `the scaling ${scaling.name} applies to the class linear only, whose products have rows and blocks, got ${
      opClasses ?? "no class"
    }`;
  }
  return opClasses?.includes("optimizer")
    ? `the class optimizer has no scaling, got ${scaling.name}`
    : undefined;
}

/** Replaces a format's short name (`mxfp8`) by its format and scaling, so that equal overrides are recorded equally. */
export function completeOverride(override: PrecisionOverride): PrecisionOverride {
  return { ...override, ...fullQuantizerNames(override) };
}

/**
 * Parses an override from the command line: `CLASS+CLASS@LAYER+LAYER=FORMAT`, such as `softmax@h.1=e8m3`,
 * `linear=float32` or `@head=bfloat16`. Operands of linear layers follow the class: `linear.dy=e5m2/tensor`,
 * `linear.wgrad.x+linear.wgrad.dy=mxfp8`. The names are validated by {@linkcode overridesProblem} and the spec's
 * schema, not here.
 */
export function parseOverride(text: string): PrecisionOverride {
  const [scope = "", quantizer = ""] = splitOnce(text, "=");
  const [classes = "", layers = ""] = splitOnce(scope, "@");
  const named = classes === "" ? [] : classes.split("+").map((name) => splitOnce(name, "."));
  // A class alone beside operands becomes the operand "", which the validation refuses.
  const operands = classes.includes(".") ? named.map(([, operand]) => operand) : [];
  return {
    ...(layers !== "" && { layers: layers.split("+") }),
    ...(named.length > 0 && { opClasses: [...new Set(named.map(([name]) => name))] as OpClass[] }),
    ...(operands.length > 0 && { operands }),
    ...splitQuantizer(quantizer),
  };
}

/** Formats an override in the syntax of {@linkcode parseOverride}. */
export function formatOverride({ layers, opClasses, operands, format, scaling }: PrecisionOverride): string {
  const classes = operands === undefined ? opClasses : operands.map((operand) => `${opClasses}.${operand}`);
  return `${classes?.join("+") ?? ""}${layers === undefined ? "" : `@${layers.join("+")}`}=${format}${
    scaling === undefined ? "" : `/${scaling}`
  }`;
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
