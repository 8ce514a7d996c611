/**
 * Precision overrides: formats for scopes of a model (layers and operation classes), which take precedence over the
 * policy. Plain data, as in specs and records.
 *
 * @module
 */
import { parseTensorFormat } from "./format.ts";

/**
 * Operation classes:
 * - `linear`: matrix products with weights, including the head's.
 * - `attention`: products of queries with keys, and of attention weights with values.
 * - `softmax`: the softmax of attention.
 * - `layerNorm`: LayerNorms, including those of queries and keys.
 * - `gelu`: the activation of a feed-forward layer, whichever is configured.
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

/** The names of the operation classes. */
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

/** A format for some scopes. */
export interface PrecisionOverride {
  /** Layers: `embedding`, `h.0` to the last block, `head` (including the last LayerNorm), `loss`. Default: all. */
  readonly layers?: readonly string[] | undefined;
  /** Operation classes. Default: all except `optimizer`, which must be named. */
  readonly opClasses?: readonly OpClass[] | undefined;
  /** Name of the format, as `parseFormat` accepts it. */
  readonly format: string;
}

/** Returns the layers of a model with L blocks, in the order of a forward pass. */
export function layerNames(nLayer: number): string[] {
  return ["embedding", ...Array.from({ length: nLayer }, (_, i) => `h.${i}`), "head", "loss"];
}

/** Returns the layer of a parameter: `h.3` for `h.3.mlp.c_fc.weight`, `embedding` for `wte.weight`. */
export function layerOfParameter(name: string): string {
  const block = /^h\.[0-9]+/.exec(name)?.[0];
  if (block !== undefined) return block;
  return name.startsWith("wte.") || name.startsWith("wpe.") ? "embedding" : "head";
}

/**
 * Returns the name of the format that overrides set for a scope. The last match wins.
 *
 * @returns The name; undefined if no override matches.
 */
export function overrideFor(
  overrides: readonly PrecisionOverride[],
  scope: { layer: string; opClass: OpClass },
): string | undefined {
  return overrides.findLast(({ layers, opClasses }) =>
    (layers?.includes(scope.layer) ?? true) &&
    (opClasses?.includes(scope.opClass) ?? scope.opClass !== "optimizer")
  )?.format;
}

/**
 * Returns the first problem in overrides.
 *
 * @param overrides Overrides from a spec.
 * @param nLayer L, the model's number of blocks.
 * @returns A sentence; undefined if there is no problem.
 */
export function overridesProblem(
  overrides: readonly PrecisionOverride[],
  nLayer: number,
): string | undefined {
  const known = layerNames(nLayer);
  for (const { layers, opClasses, format } of overrides) {
    const strange = layers?.find((layer) => !known.includes(layer));
    if (strange !== undefined) {
      return `no layer ${JSON.stringify(strange)}: the layers are ${known.join(", ")}`;
    }
    for (const [what, list] of Object.entries({ layers, opClasses })) {
      if (list?.length === 0) return `${what} of an override must name at least one, or be omitted for all`;
    }
    try {
      const { rounding } = parseTensorFormat(format);
      if (rounding === "kahan" && String(opClasses) !== "optimizer") {
        return `${format} applies to the class optimizer only, since it compensates weight updates`;
      }
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }
  return undefined;
}

/**
 * Parses an override of a command line: `CLASS+CLASS@LAYER+LAYER=FORMAT`, such as `softmax@h.1=e8m3`, `linear=float32`
 * or `@head=bfloat16`. The names are not checked here, but by {@linkcode overridesProblem} and the spec's validation.
 */
export function parseOverride(text: string): PrecisionOverride {
  const [scope = "", format = ""] = splitOnce(text, "=");
  const [classes = "", layers = ""] = splitOnce(scope, "@");
  return {
    ...(layers !== "" && { layers: layers.split("+") }),
    ...(classes !== "" && { opClasses: classes.split("+") as OpClass[] }),
    format,
  };
}

/** Formats an override in the syntax of {@linkcode parseOverride}. */
export function formatOverride({ layers, opClasses, format }: PrecisionOverride): string {
  return `${opClasses?.join("+") ?? ""}${layers === undefined ? "" : `@${layers.join("+")}`}=${format}`;
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
