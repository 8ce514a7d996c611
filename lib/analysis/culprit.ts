/**
 * Search for the parts of a model that cause a gap: the smallest set of layers and operation classes, searched from
 * both directions. A signal function measures the effect of a set; this module does not train.
 *
 * @module
 */
import { table } from "arquero";
import { layerNames, type OpClass, type PrecisionOverride } from "../precision/mod.ts";
import { smallestSet, trialBound } from "./smallest_set.ts";
import type { Table } from "./tables.ts";

/** An operation class together with the layers to which it is limited. */
export interface Part {
  /** Names of the layers. */
  readonly layers: readonly string[];
  /** Operation class. */
  readonly opClass: OpClass;
}

/** Operation classes in a block. */
const IN_BLOCKS: readonly OpClass[] = ["linear", "attention", "softmax", "layerNorm", "gelu", "residual"];

/**
 * Returns the parts of a model with L blocks: each class in each layer that contains it, ordered by class.
 *
 * @param nLayer L.
 * @param options `optimizer` includes the storage of weights as a part. Default: false.
 */
export function partsOf(nLayer: number, { optimizer = false }: { optimizer?: boolean } = {}): Part[] {
  const blocks = Array.from({ length: nLayer }, (_, i) => `h.${i}`);
  const others: Partial<Record<OpClass, readonly string[]>> = {
    linear: ["head"],
    layerNorm: ["head"],
    residual: ["embedding"],
  };
  return [
    ...IN_BLOCKS.flatMap((opClass) =>
      [...blocks, ...others[opClass] ?? []].map((layer) => ({ layers: [layer], opClass }))
    ),
    { layers: ["loss"], opClass: "loss" },
    ...optimizer ? [{ layers: layerNames(nLayer), opClass: "optimizer" as const }] : [],
  ];
}

/** Merges the parts of each class into one part. */
export function wholeClasses(parts: readonly Part[]): Part[] {
  return [...Map.groupBy(parts, ({ opClass }) => opClass)].map(([opClass, own]) => ({
    opClass,
    layers: own.flatMap(({ layers }) => layers),
  }));
}

/** Returns overrides that set parts to float32 and take precedence over earlier overrides. */
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

/** Set of parts found from one direction. */
export interface FoundFrom {
  /** Parts of the set. Undefined: no small set exists. */
  readonly parts: readonly Part[] | undefined;
  /** Reason for a missing set. */
  readonly reason: "not explained" | "too many parts" | undefined;
  /**
   * Share of the total effect: caused by lowering the set only, or left after returning the set to float32. NaN: no
   * set.
   */
  readonly share: number;
}

/** Result of a search for culprits. */
export interface CulpritSearch {
  /** `parts`: single parts were tried. `classes`: whole classes were tried, because too many parts contribute. */
  readonly level: "parts" | "classes";
  /** Smallest set that causes the effect when only this set is in lower precision. */
  readonly lowered: FoundFrom;
  /** Smallest set that removes the effect when only this set is in float32. */
  readonly returned: FoundFrom;
  /** Share of the effect of each part alone in lower precision. Empty unless requested. */
  readonly alone: readonly { readonly part: Part; readonly share: number }[];
  /** Number of distinct sets that were tried. */
  readonly trials: number;
}

/** A step replayed in lower precision from the weights of a float32 run. */
export interface ReplayedStep {
  /** Number of the step. */
  readonly step: number;
  /** Loss minus the float32 loss, in nats per token. */
  readonly lossError: number;
  /** Relative gradient error ‖g - g₀‖ / ‖g₀‖ over all gradients. g₀ is the float32 gradient. */
  readonly error: number;
  /** Cosine of the angle between the gradients. */
  readonly cosine: number;
  /** Error and cosine of each layer's gradients. */
  readonly layers: readonly { readonly layer: string; readonly error: number; readonly cosine: number }[];
}

/** Returns one row per layer: `layer`, the relative error of its gradients, and the cosine to the float32 gradients. */
export function replayTable({ layers }: ReplayedStep): Table {
  return table([
    ["layer", layers.map(({ layer }) => layer)],
    ["gradientError", layers.map(({ error }) => error)],
    ["cosine", layers.map(({ cosine }) => cosine)],
  ]);
}

/** Culprits in `compare.json` and the report. */
export interface CulpritFinding {
  /** Name of the setting. */
  readonly setting: string;
  /** Lower precision. */
  readonly precision: string;
  /** Signal of the search. */
  readonly signal: "replay" | "loss";
  /** Description of the effect that shares refer to. */
  readonly effect: string;
  /** Replayed step. Undefined if the search trained runs. */
  readonly replayed: ReplayedStep | undefined;
  /** Result of the search. */
  readonly search: CulpritSearch;
  /** Result as a sentence. */
  readonly sentence: string;
}

/** Options of a search. */
export interface CulpritOptions {
  /** Maximum number of parts in a set. Default: 4. */
  readonly most?: number;
  /**
   * Share of the effect that a set must explain: at least this share is caused by it, at most the rest remains.
   * Default: 0.8.
   */
  readonly share?: number;
  /** Also measures each part alone, with one trial per part. Default: false. */
  readonly alone?: boolean;
  /** Set to try first, such as the result of another signal. */
  readonly hint?: readonly Part[] | undefined;
}

/**
 * Returns the maximum number of trials of a search, over both directions and both levels. The empty and the full set
 * are not counted: their shares are known.
 */
export function culpritBound(
  parts: readonly Part[],
  { most = 4, alone = false, hint }: CulpritOptions = {},
): number {
  const directions = 2 * (trialBound(parts.length, most) + trialBound(wholeClasses(parts).length, most) - 4);
  return directions + (alone ? parts.length : 0) + (hint === undefined ? 0 : 2 * (hint.length + 1));
}

/**
 * Searches for the smallest set of parts that explains an effect, from both directions.
 *
 * @param parts All parts.
 * @param shareOf Returns the share of the effect with all parts in lower precision except those that the overrides set
 * to float32. The share is 1 without overrides and 0 with all parts in float32; the latter is never queried.
 * @param options See {@linkcode CulpritOptions}.
 */
export async function findCulprit(
  parts: readonly Part[],
  shareOf: (returned: readonly PrecisionOverride[]) => number | Promise<number>,
  options: CulpritOptions = {},
): Promise<CulpritSearch> {
  const { most = 4, share = 0.8, alone = false, hint } = options;
  const known = new Map<string, number>();
  const ask = async (lowered: readonly Part[]): Promise<number> => {
    const low = new Set(lowered.flatMap(placesOf));
    const back = parts.filter((part) => !placesOf(part).some((place) => low.has(place)));
    if (back.length === parts.length) return 0;
    if (back.length === 0) return 1;
    const key = [...low].sort().join(" ");
    const found = known.get(key) ?? await shareOf(returned(back));
    known.set(key, found);
    return found;
  };
  const from = async (among: readonly Part[], direction: "lowered" | "returned"): Promise<FoundFrom> => {
    const rest = (set: readonly Part[]) => among.filter((part) => !set.includes(part));
    const shareWith = (set: readonly Part[]) => ask(direction === "lowered" ? set : rest(set));
    const explains = async (set: readonly Part[]) => {
      const found = await shareWith(set);
      return direction === "lowered" ? found >= share : found <= 1 - share;
    };
    const given = hint?.flatMap((wanted) => among.filter((part) => partName(part) === partName(wanted)));
    if (given !== undefined && given.length === hint?.length && await isSmallest(given, explains)) {
      return { parts: given, reason: undefined, share: await shareWith(given) };
    }
    const { parts, reason } = await smallestSet(among, explains, most);
    return { parts, reason, share: parts === undefined ? NaN : await shareWith(parts) };
  };
  let level: CulpritSearch["level"] = "parts";
  let [lowered, back] = [await from(parts, "lowered"), await from(parts, "returned")];
  if (lowered.parts === undefined || back.parts === undefined) {
    level = "classes";
    const classes = wholeClasses(parts);
    [lowered, back] = [await from(classes, "lowered"), await from(classes, "returned")];
  }
  const singles: { part: Part; share: number }[] = [];
  if (alone) { for (const part of parts) singles.push({ part, share: await ask([part]) }); }
  return { level, lowered, returned: back, alone: singles, trials: known.size };
}

/** Returns the places of a part. */
function placesOf({ layers, opClass }: Part): string[] {
  return layers.map((layer) => `${opClass}@${layer}`);
}

/** Returns true if a set explains the effect and every part is necessary. */
async function isSmallest(
  set: readonly Part[],
  explains: (set: readonly Part[]) => Promise<boolean>,
): Promise<boolean> {
  if (set.length === 0 || !await explains(set)) return false;
  for (const one of set) {
    if (set.length > 1 && await explains(set.filter((part) => part !== one))) return false;
  }
  return true;
}

/**
 * Describes the result of a search in one sentence.
 *
 * @param search The search.
 * @param effect The effect that shares refer to, such as `the squared error of a step's gradient`.
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
