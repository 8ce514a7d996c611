/**
 * Culprits: the parts of a model whose precision causes a gap. A part is an operation class in some layers. A culprit
 * is a smallest set of parts, and is searched in two directions: by lowering only the set, and by returning only the
 * set to float32.
 *
 * @module
 */
import { table } from "./arquero.ts";
import { classesOf, layerNames, OP_CLASSES, type OpClass, type PrecisionOverride } from "../precision/mod.ts";
import type { Table } from "./tables.ts";

/** A part of a model: an operation class in some layers. */
export interface Part {
  /** Names of the layers, such as `h.1`. */
  readonly layers: readonly string[];
  /** Operation class. */
  readonly opClass: OpClass;
}

/**
 * Returns the parts of a model: one part for each operation class in each layer that contains the class, ordered by
 * class.
 *
 * @param nLayer Number of transformer blocks (L).
 * @param options `optimizer`: true to include the storage of weights as a part. Default: false.
 */
export function partsOf(nLayer: number, { optimizer = false }: { optimizer?: boolean } = {}): Part[] {
  const layers = layerNames(nLayer), blocks = layers.filter((layer) => layer.startsWith("h."));
  const inOrder = [...blocks, ...layers.filter((layer) => !blocks.includes(layer))];
  return [
    ...OP_CLASSES.filter((opClass) => opClass !== "optimizer").flatMap((opClass) =>
      inOrder.filter((layer) => classesOf(layer).includes(opClass)).map((layer) => ({
        layers: [layer],
        opClass,
      }))
    ),
    ...optimizer ? [{ layers: layerNames(nLayer), opClass: "optimizer" as const }] : [],
  ];
}

/** Merges the parts of each operation class into one part with all their layers. */
export function wholeClasses(parts: readonly Part[]): Part[] {
  return [...Map.groupBy(parts, ({ opClass }) => opClass)].map(([opClass, own]) => ({
    opClass,
    layers: own.flatMap(({ layers }) => layers),
  }));
}

/** Returns the precision overrides that set parts to float32. Appended to other overrides, they take precedence. */
export function returned(parts: readonly Part[]): PrecisionOverride[] {
  return wholeClasses(parts).map(({ layers, opClass }) => ({
    layers,
    opClasses: [opClass],
    format: "float32",
  }));
}

/** Describes a part, for example `softmax of h.1`. */
export function partName({ layers, opClass }: Part): string {
  return `${opClass} of ${layers.length > 3 ? "all layers" : layers.join(" and ")}`;
}

/** Set of parts found in one direction of a search. */
export interface FoundFrom {
  /** Parts of the set. Undefined if no small set exists. */
  readonly parts: readonly Part[] | undefined;
  /** Reason why no set was found. Undefined if a set was found. */
  readonly reason: "not explained" | "too many parts" | undefined;
  /**
   * Share of the total effect that the set causes when only the set is lowered, or that remains when only the set is in
   * float32. NaN without a set.
   */
  readonly share: number;
}

/** Result of a search for culprits. */
export interface CulpritSearch {
  /**
   * Level of the search. `parts`: single parts were tried, each an operation class in one or more layers. `classes`:
   * operation classes in all layers were tried, because too many parts contribute.
   */
  readonly level: "parts" | "classes";
  /** Smallest set that causes the effect when only this set is in lower precision. */
  readonly lowered: FoundFrom;
  /** Smallest set that removes the effect when only this set is in float32. */
  readonly returned: FoundFrom;
  /**
   * Share of the effect that each part causes when only this part is in lower precision. Empty unless the option
   * `alone` was set.
   */
  readonly alone: readonly { readonly part: Part; readonly share: number }[];
  /** Number of distinct sets whose effect was measured. */
  readonly trials: number;
}

/** A training step, replayed in lower precision with the weights of a float32 run. */
export interface ReplayedStep {
  /** Number of the step. */
  readonly step: number;
  /** Number of batches on which the step was replayed, each with the same weights. */
  readonly batches: number;
  /** Loss minus the float32 loss, in nats per token. Mean over batches. */
  readonly lossError: number;
  /** Relative gradient error ‖g - g₀‖ / ‖g₀‖ over all gradients. g₀ is the float32 gradient. */
  readonly error: number;
  /** Cosine of the angle between the gradients. */
  readonly cosine: number;
  /**
   * Norm of the expected gradient error, divided by the norm of the mean gradient. The expected error does not average
   * out over batches.
   */
  readonly bias: number;
  /**
   * ‖mean error‖ / (rms error / √batches). The value is 1 for independent errors of the batches, and √batches for equal
   * errors.
   */
  readonly coherence: number;
  /** Error, cosine, bias and coherence of each layer's gradients. */
  readonly layers: readonly {
    readonly layer: string;
    readonly error: number;
    readonly cosine: number;
    readonly bias: number;
    readonly coherence: number;
  }[];
}

/**
 * Returns a table with one row per layer: `layer`, the relative error of the layer's gradients, the cosine to the
 * float32 gradients, and the bias and coherence of the errors.
 */
export function replayTable({ layers }: ReplayedStep): Table {
  return table([
    ["layer", layers.map(({ layer }) => layer)],
    ["gradientError", layers.map(({ error }) => error)],
    ["cosine", layers.map(({ cosine }) => cosine)],
    ["bias", layers.map(({ bias }) => bias)],
    ["coherence", layers.map(({ coherence }) => coherence)],
  ]);
}

/**
 * Describes the gradient error of a replayed step. If all elements of the gradient underflow, there is no cosine, and
 * the text says that the gradient is 0.
 */
export function gradientErrorText({ error, cosine }: Pick<ReplayedStep, "error" | "cosine">): string {
  if (error === 1 && Number.isNaN(cosine)) return "all gradients underflow to 0";
  return `the gradient error is ${
    Number.isFinite(error) ? `${Number((100 * error).toPrecision(3))} %` : "not finite"
  }`;
}

/** Bias of the gradient error if only one part is in lower precision. The bias does not average out over batches. */
export interface PartBias {
  /** The part. */
  readonly part: Part;
  /** Norm of the expected gradient error, divided by the norm of the mean gradient. */
  readonly bias: number;
  /** ‖mean error‖ / (rms error / √batches). NaN if all errors are 0. */
  readonly coherence: number;
}

/** Coherence above which a part has a bias. Independent errors of 8 batches have 1 ± 0.1. */
const COHERENT = 1.2;

/** Returns the squared bias of a part. Returns 0 if the errors of the batches are independent within chance. */
export function squaredBias({ bias, coherence }: PartBias): number {
  return coherence > COHERENT ? bias ** 2 : 0;
}

/** Returns the fewest parts with the largest biases that make up at least 80 % of the sum of squared biases. */
export function biasedParts(biases: readonly PartBias[]): PartBias[] {
  const ranked = biases.filter((one) => squaredBias(one) > 0).sort((a, b) => squaredBias(b) - squaredBias(a));
  const total = ranked.reduce((sum, one) => sum + squaredBias(one), 0);
  let sum = 0;
  return ranked.filter((one) => {
    const before = sum;
    sum += squaredBias(one);
    return before < 0.8 * total;
  });
}

/** Describes the parts with the largest biases in one sentence. */
export function biasSentence(biases: readonly PartBias[]): string {
  const found = biasedParts(biases).map(({ part, bias, coherence }) =>
    `${partName(part)} (${Number((100 * bias).toPrecision(2))} %, coherence ${coherence.toPrecision(2)})`
  );
  return found.length === 0
    ? "No part's error has a bias: the errors of batches are independent."
    : `By bias, which does not average out over batches, the culprit is ${found.slice(0, 4).join(", ")}${
      found.length > 4 ? ` and ${found.length - 4} more` : ""
    }; independent errors have a coherence of 1.`;
}

/** Finding of a search for culprits, as stored in `compare.json` and shown in the report. */
export interface CulpritFinding {
  /** Name of the setting. */
  readonly setting: string;
  /** Name of the lower precision. */
  readonly precision: string;
  /**
   * Method of the search. `replay`: gradient errors of a replayed step. `loss`: final validation losses of trained
   * runs.
   */
  readonly signal: "replay" | "loss";
  /** Description of the total effect, of which all `share` values are fractions. */
  readonly effect: string;
  /** Replayed step. Undefined if the search trained runs. */
  readonly replayed: ReplayedStep | undefined;
  /** Result of the search. */
  readonly search: CulpritSearch;
  /**
   * Bias of each part when only this part is in lower precision, on a replayed step. Omitted if the search trained
   * runs.
   */
  readonly biases?: readonly PartBias[] | undefined;
  /** Result as a sentence. */
  readonly sentence: string;
}

/**
 * Describes the result of a search in one sentence.
 *
 * @param search The search.
 * @param effect Description of the total effect, such as `the squared error of a step's gradient`.
 */
export function culpritSentence(search: CulpritSearch, effect: string): string {
  const { lowered, returned, alone, trials } = search;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const names = (parts: readonly Part[]) => parts.map(partName).join(", ");
  const tried = ` (${trials} sets tried)`;
  const largest = alone.toSorted((a, b) => b.share - a.share)[0];
  if (lowered.parts === undefined && returned.parts === undefined) {
    return `No small set of parts explains it: it is spread over the model` +
      (largest === undefined
        ? ""
        : `; the largest part alone, ${partName(largest.part)}, makes ${
          percent(largest.share)
        } of ${effect}`) +
      `${tried}.`;
  }
  if (
    lowered.parts !== undefined && returned.parts !== undefined &&
    names(lowered.parts) === names(returned.parts)
  ) {
    return `The culprit is ${names(lowered.parts)}: lowered alone it makes ${
      percent(lowered.share)
    } of ${effect}, ` +
      `and returned to float32 alone it leaves ${percent(returned.share)}${tried}.`;
  }
  const says = [
    lowered.parts === undefined
      ? "no small set makes it when lowered alone"
      : `${names(lowered.parts)} alone makes ${percent(lowered.share)} of ${effect}`,
    returned.parts === undefined
      ? "no small set takes it away when returned to float32"
      : `returning ${names(returned.parts)} to float32 leaves ${percent(returned.share)}`,
  ];
  return `The directions differ: ${says.join("; ")}${tried}.`;
}
