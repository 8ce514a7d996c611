/**
 * Scopes of a model and what is said of them: which layers and classes of operations run in which format, besides what
 * a policy says. Plain data, as specs and records hold it.
 *
 * @module
 */
import { parseTensorFormat } from "./format.ts";

/**
 * Classes of operations. `linear`: matrix products with weights, the head's included · `attention`: products of queries
 * with keys, and of weights with values · `softmax`: of attention · `layerNorm`, that of queries and keys included ·
 * `gelu`: the activation of a feed-forward part, whichever it is · `residual`: sums on the residual stream, that of the
 * embeddings included · `loss`: the cross entropy · `optimizer`: what weights and the optimizer's state are kept in.
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

/** The classes by name. */
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
  /** Layers: `embedding`, `h.0` and on, `head` (the last LayerNorm too), `loss`. Default: all. */
  readonly layers?: readonly string[] | undefined;
  /** Classes of operations. Default: all but `optimizer`, which must be named. */
  readonly opClasses?: readonly OpClass[] | undefined;
  /** The format's name, as `parseFormat` reads it. */
  readonly format: string;
}

/** The layers of a model with L blocks, in the order of a forward pass. */
export function layerNames(nLayer: number): string[] {
  return ["embedding", ...Array.from({ length: nLayer }, (_, i) => `h.${i}`), "head", "loss"];
}

/** The layer that a parameter belongs to: `h.3.mlp.c_fc.weight` to `h.3`, `wte.weight` to `embedding`. */
export function layerOfParameter(name: string): string {
  const block = /^h\.[0-9]+/.exec(name)?.[0];
  if (block !== undefined) return block;
  return name.startsWith("wte.") || name.startsWith("wpe.") ? "embedding" : "head";
}

/**
 * The format that overrides say for a scope. Of several that fit, the last counts.
 *
 * @returns Its name; undefined: none fits.
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
 * What is wrong with overrides.
 *
 * @param overrides As a spec has them.
 * @param nLayer The model's L.
 * @returns A sentence; undefined: nothing.
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
      if (list?.length === 0) return `${what} of an override must name at least one, or be left out for all`;
    }
    try {
      const { rounding } = parseTensorFormat(format);
      if (rounding === "kahan" && String(opClasses) !== "optimizer") {
        return `${format} is a format of the class optimizer alone, whose updates it compensates`;
      }
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }
  return undefined;
}

/**
 * Reads an override as a command line has it: `CLASS+CLASS@LAYER+LAYER=FORMAT`, such as `softmax@h.1=e8m3`,
 * `linear=float32` or `@head=bfloat16`. What it names is left to {@linkcode overridesProblem} and the spec's checks.
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

/** An override as {@linkcode parseOverride} reads it. */
export function formatOverride({ layers, opClasses, format }: PrecisionOverride): string {
  return `${opClasses?.join("+") ?? ""}${layers === undefined ? "" : `@${layers.join("+")}`}=${format}`;
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
