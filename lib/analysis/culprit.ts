/**
 * Which parts of a model a loss of precision comes from: the smallest set of layers and classes of operations, searched
 * from both directions. What a set does is asked of a signal; nothing here trains.
 *
 * @module
 */
import { table } from "arquero";
import { layerNames, type OpClass, type PrecisionOverride } from "../precision/mod.ts";
import { smallestSet, trialBound } from "./smallest_set.ts";
import type { Table } from "./tables.ts";

/** A class of operations in some layers. */
export interface Part {
  /** Names of layers. */
  readonly layers: readonly string[];
  /** The class. */
  readonly opClass: OpClass;
}

/** Classes of operations in a block. */
const IN_BLOCKS: readonly OpClass[] = ["linear", "attention", "softmax", "layerNorm", "gelu", "residual"];

/**
 * The parts of a model with L blocks: each class in each layer that has it, class by class.
 *
 * @param nLayer L.
 * @param options `optimizer`: whether what weights are kept in is a part too (default: not).
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

/** The same parts, each class's in one. */
export function wholeClasses(parts: readonly Part[]): Part[] {
  return [...Map.groupBy(parts, ({ opClass }) => opClass)].map(([opClass, own]) => ({
    opClass,
    layers: own.flatMap(({ layers }) => layers),
  }));
}

/** Overrides that return parts to float32, whatever stands before them. */
export function returned(parts: readonly Part[]): PrecisionOverride[] {
  return wholeClasses(parts).map(({ layers, opClass }) => ({
    layers,
    opClasses: [opClass],
    format: "float32",
  }));
}

/** A part in words: `softmax of h.1`. */
export function partName({ layers, opClass }: Part): string {
  return `${opClass} of ${layers.length > 3 ? "all layers" : layers.join(" and ")}`;
}

/** A set that was found from one direction. */
export interface FoundFrom {
  /** Its parts; undefined: there is no small set. */
  readonly parts: readonly Part[] | undefined;
  /** Why there is none. */
  readonly reason: "not explained" | "too many parts" | undefined;
  /**
   * Of the whole effect: what comes of lowering the set alone, or what is left when it alone is returned to float32; NaN:
   * there is no set.
   */
  readonly share: number;
}

/** What a search for culprits came to. */
export interface CulpritSearch {
  /** Whether parts were tried one by one, or, since they are too many, class by class. */
  readonly level: "parts" | "classes";
  /** The smallest set that makes the effect when it alone is lowered. */
  readonly lowered: FoundFrom;
  /** The smallest set whose return to float32 makes the effect go. */
  readonly returned: FoundFrom;
  /** What each part makes of the effect when it alone is lowered; empty: not asked for. */
  readonly alone: readonly { readonly part: Part; readonly share: number }[];
  /** Sets that were tried, each once. */
  readonly trials: number;
}

/** A step in a lower precision, replayed from the weights of a run in float32. */
export interface ReplayedStep {
  /** The step. */
  readonly step: number;
  /** Its loss minus float32's, nats per token. */
  readonly lossError: number;
  /** ‖g - g₀‖ / ‖g₀‖ over all gradients, g₀ being float32's. */
  readonly error: number;
  /** The cosine of the angle between them. */
  readonly cosine: number;
  /** The same of each layer's gradients. */
  readonly layers: readonly { readonly layer: string; readonly error: number; readonly cosine: number }[];
}

/** One row a layer: `layer`, its gradients' error as a share of float32's norm, and the cosine to float32's. */
export function replayTable({ layers }: ReplayedStep): Table {
  return table([
    ["layer", layers.map(({ layer }) => layer)],
    ["gradientError", layers.map(({ error }) => error)],
    ["cosine", layers.map(({ cosine }) => cosine)],
  ]);
}

/** A culprit as `compare.json` and the report hold it. */
export interface CulpritFinding {
  /** Of what, in words. */
  readonly setting: string;
  /** The lower precision. */
  readonly precision: string;
  /** By what it was looked for. */
  readonly signal: "replay" | "loss";
  /** What shares are of, in words. */
  readonly effect: string;
  /** The step that was replayed; undefined: it was looked for by training. */
  readonly replayed: ReplayedStep | undefined;
  /** The search. */
  readonly search: CulpritSearch;
  /** It in one sentence. */
  readonly sentence: string;
}

/** How a search goes. */
export interface CulpritOptions {
  /** Parts of a set that is worth finding. Default: 4. */
  readonly most?: number;
  /** The share of the effect that explains it: a set makes at least this, and without it at most the rest is left. Default: 0.8. */
  readonly share?: number;
  /** Whether to lower each part alone as well, which takes as many trials as there are parts. Default: no. */
  readonly alone?: boolean;
  /** A set to try before all others, such as another signal's. */
  readonly hint?: readonly Part[] | undefined;
}

/**
 * How many sets a search tries at most, over both directions and both levels, none and all parts not counted: their shares
 * are known.
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
 * @param shareOf The share of the whole effect that is there when all parts are lowered but those that the overrides return
 * to float32. It is 1 where none is returned and 0 where all are, which is not asked.
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

/** Where a part is. */
function placesOf({ layers, opClass }: Part): string[] {
  return layers.map((layer) => `${opClass}@${layer}`);
}

/** Whether a set explains something, and none of its parts can be left out. */
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
 * What a search came to, in one sentence.
 *
 * @param search The search.
 * @param effect What the shares are of, such as `the squared error of a step's gradient`.
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
